//! Data sets with truth, each with the configuration under which a hub resolves
//! it: the real binary, the files connector as a component, a store on disk.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::score::Score;
use crate::{
    demo::{
        data::{read_rows, write_rows},
        hub,
    },
    paths,
};

/// What a score should be at least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aim {
    /// Of the pairs found, so many are right.
    pub precision: f64,
    /// So many pairs are found and right.
    pub pairs_right: u64,
}

/// A data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// What is to be reached; some sets only show what is lost.
    pub aim: Option<Aim>,
    configuration: String,
    /// By the name of the file, in the order in which they run.
    syncs: Vec<(&'static str, String)>,
}

/// Right pairs of FEBRL 1 to 3 that a plain grouping by the same keys finds:
/// 0.978, 0.983 and 0.980 of all. A hub that normalises must not find fewer.
const FEBRL_PAIRS: [u64; 3] = [489, 1_901, 6_407];

impl Set {
    /// One of the three FEBRL sets, by its number.
    ///
    /// # Errors
    /// There is no such set.
    pub fn febrl(number: usize) -> Result<Self> {
        let pairs_right = number.checked_sub(1).and_then(|at| FEBRL_PAIRS.get(at));
        let pairs_right = *pairs_right.context("FEBRL sets are numbered 1 to 3")?;
        Ok(Self {
            name: format!("febrl{number}"),
            aim: Some(Aim { precision: 1.0, pairs_right }),
            configuration: include_str!("febrl/liaison.toml").to_owned(),
            syncs: vec![("people", include_str!("febrl/people.toml").to_owned())],
        })
    }

    /// The crowd, resolved with guards or without.
    #[must_use]
    pub fn crowd(guarded: bool) -> Self {
        let (name, namespaces, aim) = if guarded {
            let aim = Aim { precision: 0.999, pairs_right: 0 };
            ("crowd", include_str!("crowd/guarded.toml"), Some(aim))
        } else {
            ("crowd, no guards", include_str!("crowd/unguarded.toml"), None)
        };
        let deduplicate = if guarded { "false" } else { "true" };
        let crm = include_str!("crowd/crm.toml").replace("@DEDUPLICATE_CRM@", deduplicate);
        Self {
            name: name.to_owned(),
            aim,
            configuration: format!("{}{namespaces}", include_str!("crowd/liaison.toml")),
            syncs: vec![
                ("crm", crm),
                ("shop", include_str!("crowd/shop.toml").to_owned()),
                ("web", include_str!("crowd/web.toml").to_owned()),
            ],
        }
    }

    /// Runs a hub over the files that lie in `work/in`, and scores who it says is
    /// one person. The rest of `work` must be empty.
    ///
    /// # Errors
    /// A run does not succeed, or rows that were read are missing in the end.
    pub fn resolve(&self, work: &Path) -> Result<Score> {
        let components = paths::components().display().to_string();
        fs::create_dir_all(work.join("syncs"))?;
        let main = self.configuration.replace("@COMPONENTS@", &components);
        fs::write(work.join("liaison.toml"), main).context("write liaison.toml")?;
        for (name, text) in &self.syncs {
            fs::write(work.join(format!("syncs/{name}.toml")), text).context("write a sync")?;
        }
        let liaison = |arguments: &[&str]| hub::command(&paths::binary(), work, arguments);
        let mut read = 0;
        for (name, _) in &self.syncs {
            let run: Value = serde_json::from_str(&liaison(&["sync", "run", name, "--json"])?)?;
            read += run["counts"]["read"].as_u64().context("the run has no count of rows")?;
        }
        let export = liaison(&["profile", "export"])?;
        let profiles = export.lines().map(keys).collect::<Result<Vec<_>>>()?;
        let score = Score::of(&profiles, person);
        if score.records != read {
            bail!("{} of {read} rows are in no profile of {}", read - score.records, self.name);
        }
        Ok(score)
    }

    /// Whether a score reaches the aim.
    #[must_use]
    pub fn is_met(&self, score: &Score) -> bool {
        let reaches =
            |aim: Aim| score.precision() >= aim.precision && score.pairs_right >= aim.pairs_right;
        self.aim.is_none_or(reaches)
    }
}

/// Lays a FEBRL set out for a hub: a blank follows each comma of the original.
///
/// # Errors
/// The set cannot be read or written.
pub fn lay_out_febrl(data: &Path, number: usize, work: &Path) -> Result<()> {
    const COLUMNS: [&str; 6] =
        ["rec_id", "given_name", "surname", "postcode", "date_of_birth", "soc_sec_id"];
    let rows = read_rows(&data.join(format!("dataset{number}.csv")))?;
    fs::create_dir_all(work.join("in"))?;
    write_rows(&work.join("in/people.csv"), &COLUMNS, &rows)
}

/// The keys of the records of a profile, from its line of the export.
fn keys(line: &str) -> Result<Vec<String>> {
    let profile: Value = serde_json::from_str(line).context("a line of the export is no JSON")?;
    let records = profile["records"].as_array().context("a profile has no records")?;
    let key = |record: &Value| record["key"].as_str().map(str::to_owned);
    records.iter().map(key).collect::<Option<_>>().context("a record has no key")
}

/// Whom a record is about: the 17 of `rec-17-dup-2` and `rec-17-0`.
fn person(key: &str) -> &str {
    key.split('-').nth(1).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{Aim, Set, keys, person};
    use crate::identity::score::Score;

    #[test]
    fn a_key_says_whom_it_is_about() {
        for (key, whom) in [("rec-17-org", "17"), ("rec-17-dup-2", "17"), ("rec-3-0", "3")] {
            assert_eq!(person(key), whom);
        }
        let line = r#"{"id":1,"records":[{"key":"rec-1-0"},{"key":"rec-2-0"}]}"#;
        assert_eq!(keys(line).unwrap(), ["rec-1-0", "rec-2-0"]);
        for bad in ["", "{}", r#"{"records":[{}]}"#] {
            keys(bad).unwrap_err();
        }
    }

    #[test]
    fn an_aim_is_met_by_precision_and_pairs_together() {
        let aim = Some(Aim { precision: 0.999, pairs_right: 1_000 });
        let set = Set { aim, ..Set::febrl(1).unwrap() };
        for (pairs_found, pairs_right, met) in
            [(1_001, 1_000, true), (1_002, 1_000, false), (999, 999, false)]
        {
            let score = Score { pairs_found, pairs_right, ..Score::default() };
            assert_eq!(set.is_met(&score), met, "{score:?}");
        }
        Set::febrl(4).unwrap_err();
    }
}
