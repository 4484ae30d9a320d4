//! The guard of deliveries: a wrecked mapping must not rewrite a system before
//! somebody has looked.
//!
//! Creates, deletes and the share of the rows that are touched are judged
//! apart, because they go wrong apart: a lost match key creates everybody twice,
//! a rule that is too strict deletes, a mapping to the wrong field rewrites. A
//! first load creates everybody rightly; it is small enough to pass, or is
//! approved once.

use hub_model::guards::RECORDS_FLOOR;
use hub_model::{Answer, Fault, FaultCode, Guards, Hold, PlanCounts};

use super::plan::PlanSummary;

/// Whether a plan may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    /// It may.
    Within,
    /// A person must approve it first.
    Beyond,
}

/// How many of the known rows must be counted to judge the share: more never
/// change the verdict. 0 = none.
pub const fn rows_to_count(counts: &PlanCounts, guards: &Guards) -> u64 {
    let percent = guards.records_percent_max as u64;
    if percent >= 100 || counts.existing() <= RECORDS_FLOOR {
        return 0;
    }
    if percent == 0 { 1 } else { counts.existing().saturating_mul(100).div_ceil(percent) }
}

/// Most writes that pass whatever they are: a delivery of fewer need not be
/// planned first.
pub fn always_within(guards: &Guards) -> u64 {
    let floor = if guards.records_percent_max >= 100 { u64::MAX } else { RECORDS_FLOOR };
    floor.min(guards.deletes_max.into()).min(guards.creates_max.into())
}

/// Judges a plan by the `known` live rows of the stream; [`rows_to_count`] of
/// them are enough.
pub const fn guard(counts: &PlanCounts, known: u64, guards: &Guards) -> Guarded {
    let share_ok = known.saturating_mul(guards.records_percent_max as u64)
        >= counts.existing().saturating_mul(100);
    let few = counts.existing() <= RECORDS_FLOOR || guards.records_percent_max >= 100;
    let ok = counts.creates <= guards.creates_max as u64
        && counts.deletes <= guards.deletes_max as u64
        && (few || share_ok);
    if ok { Guarded::Within } else { Guarded::Beyond }
}

/// What somebody has said about a plan that is beyond the guards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Yes.
    Approved,
    /// No: the same plan is not asked about again.
    Refused(Answer),
    /// Nothing yet.
    Nothing,
}

/// What the last hold of a sync says about a plan. An approval is for a scale:
/// values that moved meanwhile, and the rest of a plan that was cut off, go
/// without another question; a plan that grew does not. A refusal is for the
/// plan as it was.
pub fn said(hold: Option<&Hold>, plan: &PlanSummary) -> Said {
    match hold.and_then(|hold| Some((hold, hold.answer.as_ref()?))) {
        Some((hold, answer)) if answer.approved && plan.counts.is_within(&hold.counts) => {
            Said::Approved
        }
        Some((hold, answer)) if !answer.approved && hold.plan == plan.hash => {
            Said::Refused(answer.clone())
        }
        _ => Said::Nothing,
    }
}

/// The fault of a run that is held.
pub fn fault(plan: &PlanSummary, guards: &Guards) -> Fault {
    Fault::new(FaultCode::Held)
        .with("creates", plan.counts.creates)
        .with("updates", plan.counts.updates)
        .with("deletes", plan.counts.deletes)
        .with("creates_max", guards.creates_max)
        .with("deletes_max", guards.deletes_max)
        .with("records_percent_max", guards.records_percent_max)
        .with("plan", &plan.hash)
}

#[cfg(test)]
mod tests {
    use hub_model::{Answer, Guards, Hold, PlanCounts, RunId, Timestamp};

    use super::{Guarded, PlanSummary, Said, always_within, guard, rows_to_count, said};

    fn counts(creates: u64, updates: u64, deletes: u64) -> PlanCounts {
        PlanCounts { creates, updates, deletes }
    }

    #[test]
    fn every_guard_has_its_border() {
        let usual = Guards::default();
        let off = Guards { records_percent_max: 100, deletes_max: u32::MAX, creates_max: u32::MAX };
        let none = Guards { records_percent_max: 0, deletes_max: 0, creates_max: 0 };
        let cases = [
            (usual, counts(0, 0, 0), 0, true),
            (usual, counts(10_000, 0, 0), 0, true),
            (usual, counts(10_001, 0, 0), 1_000_000, false),
            // The share counts above the floor only.
            (usual, counts(0, 100, 0), 100, true),
            (usual, counts(0, 101, 0), 101, false),
            (usual, counts(0, 300, 0), 1_000, true),
            (usual, counts(0, 301, 0), 1_000, false),
            (usual, counts(0, 250, 51), 1_000, false),
            (usual, counts(0, 0, 100), 100, true),
            (usual, counts(0, 0, 101), 1_000_000, false),
            (off, counts(u64::from(u32::MAX), 5_000, 5_000), 5_000, true),
            (none, counts(1, 0, 0), 1, false),
            (none, counts(0, 0, 1), 1, false),
            (none, counts(0, 100, 0), 1_000_000, true),
            (none, counts(0, 101, 0), 1_000_000, false),
        ];
        for (guards, counts, known, within) in cases {
            let verdict = guard(&counts, known, &guards);
            assert_eq!(verdict == Guarded::Within, within, "{guards:?} {counts:?} {known}");
            // Counting no further than asked changes nothing.
            let counted = known.min(rows_to_count(&counts, &guards));
            assert_eq!(guard(&counts, counted, &guards), verdict, "{counts:?} {known} {counted}");
            let writes = counts.creates + counts.existing();
            assert!(within || writes > always_within(&guards), "{guards:?} {counts:?}");
        }
    }

    #[test]
    fn an_approval_is_for_a_scale_and_a_refusal_for_a_plan() {
        let plan = |hash: &str, counts| PlanSummary { hash: hash.to_owned(), counts };
        let hold = |answer: Option<bool>| Hold {
            run: RunId::new("1-crm"),
            plan: "a".to_owned(),
            counts: counts(500, 20, 0),
            answer: answer.map(|approved| Answer {
                approved,
                by: "ana".to_owned(),
                at: Timestamp(1),
            }),
        };
        let same = plan("a", counts(500, 20, 0));
        let rest = plan("b", counts(100, 20, 0));
        let more = plan("c", counts(500, 20, 1));
        let yes = hold(Some(true));
        assert_eq!(said(Some(&yes), &same), Said::Approved);
        assert_eq!(said(Some(&yes), &rest), Said::Approved);
        assert_eq!(said(Some(&yes), &more), Said::Nothing);
        let no = hold(Some(false));
        let answer = no.answer.clone().unwrap();
        assert_eq!(said(Some(&no), &same), Said::Refused(answer));
        assert_eq!(said(Some(&no), &rest), Said::Nothing);
        assert_eq!(said(Some(&hold(None)), &same), Said::Nothing);
        assert_eq!(said(None, &same), Said::Nothing);
    }
}
