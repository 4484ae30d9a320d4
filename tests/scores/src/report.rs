//! All scores: a table for people, or JSON.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
use xtask::{guests, paths};

use crate::case::Case;
use crate::score::Score;

const HEAD: [&str; 8] = [
    "CONNECTOR",
    "CLASS",
    "DIRECTIONS",
    "KEPT",
    "JUDGED",
    "NOT JUDGEABLE",
    "HELD AGAINST",
    "ALSO IN THE TESTS",
];

/// The scores of all connectors.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// By name.
    pub connectors: Vec<Score>,
}

impl Report {
    /// Judges every connector that we ship, each in a folder of its own below `work`.
    ///
    /// # Errors
    /// As [`Score::of`].
    pub fn make(work: &Path) -> Result<Self> {
        let mut connectors = Vec::new();
        let shipped = paths::root().join("connectors");
        for guest in guests::find(&paths::root())? {
            if !guest.folder.starts_with(&shipped) {
                continue;
            }
            let folder = work.join(&guest.name);
            fs::create_dir_all(&folder)?;
            connectors.push(Score::of(&guest, Case::of(&guest.name), &folder)?);
        }
        Ok(Self { connectors })
    }

    /// The table, then what was broken and what was not judged.
    #[must_use]
    pub fn table(&self) -> String {
        let mut rows = vec![HEAD.map(str::to_owned)];
        rows.extend(self.connectors.iter().map(row));
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: [usize; HEAD.len()] = std::array::from_fn(|at| width(at).unwrap_or_default());
        let mut text = String::new();
        for row in &rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            text += cells.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        for score in &self.connectors {
            for it in &score.broken {
                let (stream, rule, sentence) = (&it.stream, &it.rule, &it.sentence);
                text += &format!("{}/{stream} breaks {rule}: {sentence}\n", score.connector);
            }
            if let Some(missing) = &score.missing {
                text += &format!("{} was not judged: {missing}\n", score.connector);
            }
        }
        text
    }

    /// # Errors
    /// A rule that can be judged was broken.
    pub fn judge(&self) -> Result<()> {
        let broken: usize = self.connectors.iter().map(|score| score.broken.len()).sum();
        if broken > 0 {
            bail!("{broken} rules are broken");
        }
        Ok(())
    }
}

fn row(score: &Score) -> [String; HEAD.len()] {
    [
        score.connector.clone(),
        score.class.to_owned(),
        score.directions.join(", "),
        score.kept.to_string(),
        score.judged().to_string(),
        score.not_judgeable.to_string(),
        score.held_against.map_or("nothing", |against| against.word()).to_owned(),
        score.also_in_tests.to_owned(),
    ]
}
