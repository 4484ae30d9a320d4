//! One connector's score.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;
use xtask::{Unavailable, guests::Guest, paths};

use crate::case::{Against, Case};

/// What became of the rules.
#[derive(Debug, Clone, Serialize)]
pub struct Score {
    /// The connector's id.
    pub connector: String,
    /// The class of tools that it belongs to.
    pub class: &'static str,
    /// `in`, `out`.
    pub directions: Vec<&'static str>,
    /// What it was held against; nothing where nobody has judged it.
    pub held_against: Option<Against>,
    /// What the ordinary tests hold it or its double against besides.
    pub also_in_tests: &'static str,
    /// Rules that it kept, counted for each stream.
    pub kept: usize,
    /// Rules that it broke.
    pub broken: Vec<Broken>,
    /// Rules that could not be judged here.
    pub not_judgeable: usize,
    /// Why it was not judged at all.
    pub missing: Option<String>,
}

/// A rule that was broken.
#[derive(Debug, Clone, Serialize)]
pub struct Broken {
    /// The stream.
    pub stream: String,
    /// The rule's name.
    pub rule: String,
    /// How it was broken.
    pub sentence: String,
}

impl Score {
    /// The score of a guest in its case, with an empty folder to work in. A counterpart
    /// that this machine does not have is no error.
    ///
    /// # Errors
    /// The manifest cannot be read, the counterpart does not start, or the command ends
    /// without a score.
    pub fn of(guest: &Guest, case: Option<&Case>, folder: &Path) -> Result<Self> {
        let mut score = Self {
            connector: guest.name.clone(),
            class: case.map_or("", |case| case.class),
            directions: directions(guest)?,
            held_against: None,
            also_in_tests: case.map_or("", |case| case.also),
            kept: 0,
            broken: Vec::new(),
            not_judgeable: 0,
            missing: None,
        };
        let Some(case) = case else {
            score.missing = Some("tests/scores has no case for it".to_owned());
            return Ok(score);
        };
        match report(&guest.name, case, folder) {
            Ok(report) => score.count(&report, case.against),
            Err(error) => match error.downcast_ref::<Unavailable>() {
                Some(missing) => score.missing = Some(missing.to_string()),
                None => return Err(error.context(format!("judging {}", guest.name))),
            },
        }
        Ok(score)
    }

    fn count(&mut self, report: &Value, against: Against) {
        self.held_against = Some(against);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for stream in report["streams"].as_array().into_iter().flatten() {
            for rule in stream["rules"].as_array().into_iter().flatten() {
                match rule["verdict"].as_str() {
                    Some("kept") => self.kept += 1,
                    Some("not judged") => self.not_judgeable += 1,
                    _ => self.broken.push(Broken {
                        stream: text(&stream["stream"]),
                        rule: text(&rule["rule"]),
                        sentence: text(&rule["sentence"]),
                    }),
                }
            }
        }
    }

    /// Rules that could be judged.
    #[must_use]
    pub fn judged(&self) -> usize {
        self.kept + self.broken.len()
    }
}

/// Which way data go, by what the manifest says that it can do.
fn directions(guest: &Guest) -> Result<Vec<&'static str>> {
    let manifest = guest.manifest().context("a connector has a connector.json")?;
    let manifest: Value = serde_json::from_slice(&fs::read(&manifest)?)
        .with_context(|| format!("read {}", manifest.display()))?;
    let can = |names: &[&str]| {
        let capabilities = manifest["capabilities"].as_array().into_iter().flatten();
        capabilities.filter_map(Value::as_str).any(|name| names.contains(&name))
    };
    let ways = [("in", can(&["source", "inbound"]))];
    let ways = ways.into_iter().chain([("out", can(&["destination", "audience", "sender"]))]);
    Ok(ways.filter_map(|(way, goes)| goes.then_some(way)).collect())
}

/// What `liaison connector test` says.
fn report(component: &str, case: &Case, folder: &Path) -> Result<Value> {
    let stage = (case.begin)(folder)?;
    let config = format!(
        "version = 1\n[connectors]\ndir = {:?}\n[connections.account]\nconnector = {component:?}\n{}",
        paths::components(),
        stage.connection
    );
    fs::write(folder.join("liaison.toml"), config)?;
    let samples = folder.join("samples.json");
    fs::write(&samples, stage.samples.to_string())?;
    let mut command = Command::new(paths::binary());
    command.arg("--config").arg(folder).args(["connector", "test", "account", "--json"]);
    command.arg("--samples").arg(&samples).envs(stage.secrets).env_remove("RUST_LOG");
    let output = command.output().context("cannot start liaison")?;
    // A broken rule is a finding, and has its report.
    match serde_json::from_slice(&output.stdout) {
        Ok(report) if output.status.code().is_some_and(|code| code <= 1) => Ok(report),
        _ => bail!(
            "liaison connector test ended with {}:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}
