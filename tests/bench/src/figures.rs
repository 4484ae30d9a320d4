//! The figures: what each means, its goal, and the reference that it is
//! compared with. The one place where goals are written.

/// When a goal is met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// At most so much.
    AtMost(f64),
    /// No goal: told because it explains another figure.
    None,
}

/// A figure that the bench can print.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Its name, `workload.what`.
    pub name: &'static str,
    /// What it says, with its unit.
    pub what: &'static str,
    /// What was aimed at.
    pub goal: Goal,
    /// The figure that it is divided by for the ratio.
    pub reference: Option<&'static str>,
}

const fn figure(
    name: &'static str,
    what: &'static str,
    goal: Goal,
    reference: Option<&'static str>,
) -> Figure {
    Figure { name, what, goal, reference }
}

use Goal::{AtMost, None as Free};

const PULL: Option<&str> = Some("r1.pull");
const PAGES: Option<&str> = Some("r2.page_values");
const ROWS: Option<&str> = Some("r2.row_values");
const FIND: Option<&str> = Some("r3.union_find");
const GROUP: Option<&str> = Some("r4.group");
const STORE_GROWTH: &str = "store path: the last 100 k rows against the first";

/// Every figure. `100k` counts the first 100,000 rows of a fresh store, `last`
/// the last 100,000 of the large load.
#[rustfmt::skip]
pub const FIGURES: &[Figure] = &[
    figure("r1.pull",            "raw pull and parse, CPU s per million rows",             Free, None),
    figure("r2.page_values",     "sled, a value per page, CPU s per million rows",         Free, None),
    figure("r2.row_values",      "sled, a value per row, CPU s per million rows",          Free, None),
    figure("r3.union_find",      "grouping identities, CPU s per million rows",            Free, None),
    figure("r4.group",           "parsing and grouping rows, CPU s per million rows",       Free, None),
    figure("w1.cpu",             "100 k new customers, CPU s per million rows",            AtMost(20.0), PULL),
    figure("w1.wall",            "100 k new customers, rows per second",                   Free, None),
    figure("w2.first",           "large load, first 100 k, CPU s per million rows",        AtMost(20.0), PULL),
    figure("w2.last",            "large load, last 100 k, CPU s per million rows",         AtMost(25.0), PULL),
    figure("w2.mean",            "large load, CPU s per million rows",                     Free, PULL),
    figure("w2.growth",          "large load, the last 100 k against the first",           AtMost(1.8), None),
    figure("w2.rows_per_second", "large load, rows per second",                            Free, None),
    figure("w2.memory",          "large load, peak MB per million profiles",               AtMost(400.0), None),
    figure("w3.cpu",             "the same rows again, unchanged, CPU s per million rows", AtMost(7.0), PULL),
    figure("w4.cpu",             "delivery of new contacts, CPU s per million items",      AtMost(10.0), PULL),
    figure("w4.batch",           "delivery, mean items per batch",                         Free, None),
    figure("w5.cpu",             "one sync of one unchanged page, warm, CPU s",            AtMost(0.01), None),
    figure("w5.empty",           "one sync that finds nothing new, warm, CPU s",           Free, None),
    figure("w6.p50",             "look-up by identity beside a load, p50, us",             Free, None),
    figure("w6.p99",             "look-up by identity beside a load, p99, us",             AtMost(200.0), None),
    figure("w6.http_p50",        "the same through HTTP, p50, us",                         Free, None),
    figure("w6.http_p99",        "the same through HTTP, p99, us",                         Free, None),
    figure("w7.memory",          "idle hub, three connectors loaded, MB",                  AtMost(60.0), None),
    figure("w8.disk",            "store on disk against its values",                       AtMost(2.2), None),
    figure("w8.per_row",         "store on disk, bytes per row",                           Free, None),
    figure("w9.open",            "opening after a kill, s per million profiles",           AtMost(3.0), None),
    figure("w10.first",          "store path, first 100 k, CPU s per million rows",        AtMost(12.0), PAGES),
    figure("w10.last",           "store path, last 100 k, CPU s per million rows",         AtMost(18.0), ROWS),
    figure("w10.mean",           "store path, CPU s per million rows",                     Free, FIND),
    figure("w10.growth",         STORE_GROWTH,                                             AtMost(1.8), None),
    figure("w10.parsing",        "store path, of which parsing text, CPU s per million",   Free, None),
    figure("w10.memory",         "store path, peak MB per million profiles",               AtMost(400.0), None),
    figure("w10.again",          "store path, unchanged rows, CPU s per million rows",     AtMost(3.0), PAGES),
    figure("w11.cpu",            "resolving in memory, with parsing, CPU s per million",   Free, GROUP),
    figure("w11.ratio",          "the same against parsing and plain grouping",            AtMost(4.0), None),
    figure("w11.at_10k",         "one row more when 10 k are known, CPU us",               Free, None),
    figure("w11.at_100k",        "one row more when 100 k are known, CPU us",              Free, None),
    figure("w11.at_1m",          "one row more when a million are known, CPU us",          Free, None),
    figure("w11.join_2",         "one record more for a person of 2, CPU us",              Free, None),
    figure("w11.join_20",        "one record more for a person of 20, CPU us",             Free, None),
    figure("w11.join_200",       "one record more for a person of 200, CPU us",            Free, None),
    figure("w12.p50",            "explaining every trait of a profile of 100 k, p50, us",  Free, None),
    figure("w12.p99",            "explaining every trait of a profile of 100 k, p99, us",  Free, None),
];

/// The figure of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FIGURES, Goal, named};

    #[test]
    fn names_are_unique_and_references_exist() {
        let names: BTreeSet<_> = FIGURES.iter().map(|figure| figure.name).collect();
        assert_eq!(names.len(), FIGURES.len());
        for figure in FIGURES {
            assert!(
                figure
                    .name
                    .split_once('.')
                    .is_some_and(|(w, what)| { w.starts_with(['r', 'w']) && !what.is_empty() })
            );
            if let Some(reference) = figure.reference {
                assert_eq!(named(reference).map(|found| found.goal), Some(Goal::None));
            }
        }
    }
}
