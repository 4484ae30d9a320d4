//! What a call learned besides its answer.

use hub_model::RateHint;
use plugin_api::Learned;

use super::cut;
use crate::instance::{Answer, AudienceAnswer};
use crate::limits::{FAULT_TEXT_BYTES_MAX, RATE_HINTS_MAX};
use crate::since_v0_1_0::exported::destination::JobState;
use crate::since_v0_1_0::imported::types as wit;

/// Adds what one call learned. What nobody asked for in time is dropped, the oldest
/// first: newer words of a vendor replace older ones.
pub(crate) fn note(learned: &mut Learned, answer: Option<&Answer>, requests: u32) {
    learned.requests = learned.requests.saturating_add(requests);
    let rates = answer.and_then(hints).into_iter().flat_map(|hints| &hints.rates);
    learned.rates.extend(rates.take(RATE_HINTS_MAX).map(rate));
    let over = learned.rates.len().saturating_sub(RATE_HINTS_MAX);
    learned.rates.drain(..over);
}

fn hints(answer: &Answer) -> Option<&wit::Hints> {
    match answer {
        Answer::Page(page) => Some(&page.hints),
        Answer::Audience(AudienceAnswer::Members(report)) => Some(&report.hints),
        Answer::Report(report) | Answer::Job(JobState::Done(report)) => Some(&report.hints),
        _ => None,
    }
}

fn rate(hint: &wit::RateHint) -> RateHint {
    RateHint {
        scope: cut(&hint.scope, FAULT_TEXT_BYTES_MAX),
        remaining: hint.remaining,
        limit: hint.limit,
        reset_after_seconds: hint.reset_after_seconds,
        cost: hint.cost,
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::Learned;

    use super::{Answer, RATE_HINTS_MAX, note, wit};
    use crate::since_v0_1_0::exported::destination::{Report, Verdict};

    fn report(hints: u32) -> Answer {
        let rate = |remaining| wit::RateHint {
            scope: "account".to_owned(),
            remaining: Some(remaining),
            limit: None,
            reset_after_seconds: Some(10),
            cost: None,
        };
        let hints = wit::Hints { rates: (0..hints).map(rate).collect(), notices: Vec::new() };
        Answer::Report(Report { verdict: Verdict::Items(Vec::new()), hints })
    }

    #[test]
    fn what_is_not_fetched_stays_bounded_and_the_newest_word_stays() {
        let mut learned = Learned::default();
        note(&mut learned, None, 2);
        for _ in 0..100 {
            note(&mut learned, Some(&report(3)), 1);
        }
        assert_eq!((learned.requests, learned.rates.len()), (102, RATE_HINTS_MAX));
        assert_eq!(learned.rates.last().and_then(|hint| hint.remaining), Some(2));
    }
}
