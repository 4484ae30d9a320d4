//! What was measured, beside goals and references: as a table for people, as
//! JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use crate::feed::Point;
use crate::figures::{FIGURES, Figure, Goal};

/// What was measured.
#[derive(Debug, Clone, Default)]
pub struct Report {
    values: BTreeMap<&'static str, f64>,
    /// The growth of loads, by workload.
    pub curves: BTreeMap<&'static str, Vec<Point>>,
    /// What a reader of the figures must know.
    pub notes: Vec<String>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Line {
    name: &'static str,
    what: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

impl Report {
    /// Keeps a figure. A name that is in no table of figures is dropped with a
    /// note, so that a slip is seen.
    pub fn keep(&mut self, name: &'static str, value: f64) {
        if crate::figures::named(name).is_none() {
            self.notes.push(format!("{name} = {value} is not in the table of figures"));
            return;
        }
        self.values.insert(name, value);
    }

    /// A figure that was kept.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }

    fn lines(&self) -> Vec<Line> {
        FIGURES.iter().filter_map(|figure| self.line(figure)).collect()
    }

    fn line(&self, figure: &Figure) -> Option<Line> {
        let value = self.value(figure.name)?;
        let goal = match figure.goal {
            Goal::AtMost(most) => Some(most),
            Goal::None => None,
        };
        let reference = figure.reference.filter(|name| self.values.contains_key(name));
        let ratio = reference.and_then(|name| self.value(name)).filter(|base| *base > 0.0);
        Some(Line {
            name: figure.name,
            what: figure.what,
            value,
            goal,
            met: goal.map(|most| value <= most),
            reference,
            ratio: ratio.map(|base| value / base),
        })
    }

    /// How many goals were met, and how many there were.
    #[must_use]
    pub fn met(&self) -> (usize, usize) {
        let judged: Vec<bool> = self.lines().iter().filter_map(|line| line.met).collect();
        (judged.iter().filter(|met| **met).count(), judged.len())
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let (met, of) = self.met();
        json!({
            "figures": self.lines(), "goals": { "met": met, "of": of },
            "curves": self.curves, "notes": self.notes,
        })
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<20} {:>12} {:>8}        {:>7}  {}\n",
            "FIGURE", "VALUE", "GOAL", "RATIO", "WHAT"
        );
        for line in self.lines() {
            let goal = line.goal.map_or_else(String::new, shown);
            let met = line.met.map_or("", |met| if met { "met" } else { "MISSED" });
            let ratio = match (line.ratio, line.reference) {
                (Some(ratio), Some(_)) => format!("{ratio:.1}x"),
                _ => String::new(),
            };
            let of = line.reference.map_or_else(String::new, |name| format!(" (ratio to {name})"));
            // Writing into a text cannot fail.
            let _ = writeln!(
                text,
                "{:<20} {:>12} {goal:>8} {met:<6} {ratio:>7}  {}{of}",
                line.name,
                shown(line.value),
                line.what
            );
        }
        let (met, of) = self.met();
        let _ = writeln!(text, "\n{met} of {of} goals met");
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }
}

fn shown(value: f64) -> String {
    match value {
        v if v >= 1_000.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.1 => format!("{v:.2}"),
        v => format!("{v:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn a_figure_is_judged_by_its_goal_and_divided_by_its_reference() {
        let mut report = Report::default();
        report.keep("r1.pull", 2.0);
        report.keep("w1.cpu", 21.0);
        report.keep("w3.cpu", 7.0);
        report.keep("w9.nothing", 1.0);
        assert_eq!(report.met(), (1, 2));
        let json = report.json();
        let lines = json["figures"].as_array().unwrap();
        assert_eq!(lines.len(), 3);
        let w1 = lines.iter().find(|line| line["name"] == "w1.cpu").unwrap();
        assert_eq!((&w1["met"], &w1["ratio"]), (&false.into(), &10.5.into()));
        assert_eq!(json["goals"], serde_json::json!({ "met": 1, "of": 2 }));
        assert!(json["notes"][0].as_str().unwrap().contains("w9.nothing"));
        let table = report.table();
        assert!(table.contains("MISSED") && table.contains("10.5x"), "{table}");
    }

    #[test]
    fn a_reference_that_was_not_measured_gives_no_ratio() {
        let mut report = Report::default();
        report.keep("w1.cpu", 21.0);
        assert!(report.json()["figures"][0].get("ratio").is_none());
    }
}
