//! Audience: who is in a segment at an instant, and when that could change by time
//! alone.
//!
//! Membership is a function of what is known of somebody now: the profile, what
//! happened, what relates to him, and the clock, which is an argument. It is never a
//! function of what it was before, so evaluating a change gives what evaluating
//! everybody would give ([`judge`]), and explaining it asks the same questions again
//! ([`explain`]).
//!
//! # Consent
//!
//! A segment serves one purpose, and consent for it is part of membership, not a
//! filter behind it: nobody is a member without a grant that counts at the instant
//! of the judgement. A refusal or withdrawal in any record of his suppresses him,
//! whatever else is granted, because of all that his records say the stricter
//! counts. So whoever delivers a membership, counts it or shows it sees nobody who
//! may not be there, and a grant that expires makes him leave as any other change
//! does. What is not known is not granted. A delivery asks again when it sends, as
//! it does for everything else.
//!
//! # Time
//!
//! Windows slide, grants expire, dates come: a [`Verdict`] says the next instant at
//! which any of its comparisons could turn out otherwise if nothing else changes.
//! That is a hint and may come too early, since a condition beside it may hold the
//! answer where it is; it never comes too late. It always lies ahead, so judging at
//! the instants that are named goes on and comes to an end.
//!
//! An event leaves a window of a month when a month has passed since it happened,
//! by the calendar. The same rule decides both whether it counts and when it will
//! not, so the two agree on the 31st as well.
//!
//! # Values
//!
//! A comparison is typed. A number is compared with numbers, exactly; a date with
//! texts that are dates or times in their ISO form, UTC where they have no zone. A
//! value of another kind is no match and no error: mend it where it is read.

mod condition;
mod explain;
mod gather;

pub use explain::{Found, Reason, Why, explain};
pub use gather::{Gathered, Needs};

use hub_model::{Mapping, Profile, Rules, Segment, SegmentName, Standing, Timestamp};
use sha2::{Digest, Sha256};

use crate::consent;

/// Somebody to be judged: what is known of a profile.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// What happened to him, and what relates to him, as far as any segment asks.
    pub gathered: &'a Gathered,
}

/// Whether somebody is in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is so.
    pub holds: bool,
    /// The next instant at which it could be otherwise by time alone.
    pub next: Option<Timestamp>,
}

impl Verdict {
    /// What time does not change.
    const fn always(holds: bool) -> Self {
        Self { holds, next: None }
    }
}

/// The sooner of two instants.
fn sooner(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// Whether somebody is in a segment at an instant.
pub fn judge(segment: &Segment, subject: &Subject<'_>, now: Timestamp) -> Verdict {
    if subject.profile.kind != segment.kind {
        return Verdict::always(false);
    }
    let permitted = permitted(segment, subject, now);
    let meant = condition::weigh(&segment.when, subject, now);
    Verdict { holds: permitted.holds && meant.holds, next: sooner(permitted.next, meant.next) }
}

/// Whether the purpose of a segment is granted.
fn permitted(segment: &Segment, subject: &Subject<'_>, now: Timestamp) -> Verdict {
    condition::granted(&segment.purpose, subject, now)
}

/// Of which segments somebody is a member, after a judgement of all of them: of
/// those that he was in before, since then.
pub fn standing(
    rules: &Rules,
    subject: &Subject<'_>,
    before: &Standing,
    now: Timestamp,
) -> Standing {
    let mut standing = Standing::none(subject.profile.id);
    for segment in &rules.segments {
        let verdict = judge(segment, subject, now);
        standing.review = sooner(standing.review, verdict.next);
        if verdict.holds {
            let name: &SegmentName = &segment.name;
            let since = before.segments.get(name).copied().unwrap_or(now);
            standing.segments.insert(name.clone(), since);
        }
    }
    standing
}

/// Whether a sync is for an audience that ends: it is for no segment any more, nobody is
/// meant to be in it, and whoever is in it is taken out.
pub const fn closes(mapping: &Mapping) -> bool {
    mapping.audience && mapping.segment.is_none()
}

/// By what a workspace judges, in short: everybody is judged anew when it is another.
/// Nothing where there are no segments.
pub fn digest(rules: &Rules) -> Option<String> {
    if rules.segments.is_empty() {
        return None;
    }
    // What a segment means depends on namespaces, kinds and purposes as well.
    let text = serde_json::to_vec(&(&rules.segments, rules)).ok()?;
    Some(Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The next instant after `now` at which a consent for a purpose begins to count, or
/// stops.
fn consent_turns(subject: &Subject<'_>, purpose: &str, now: Timestamp) -> Option<Timestamp> {
    let consents = &subject.profile.consents;
    let of_purpose = || consents.iter().filter(|consent| *consent.key.purpose == *purpose);
    let begins = of_purpose().filter_map(|consent| consent.proof.given);
    let ends = of_purpose().filter_map(|consent| consent.expires);
    begins.chain(ends).filter(|turn| *turn > now).min()
}

/// What holds for a purpose on a channel.
fn consent_state(
    subject: &Subject<'_>,
    key: &hub_model::ConsentKey,
    now: Timestamp,
) -> hub_model::ConsentState {
    consent::effective(&subject.profile.consents, &key.purpose, &key.channel, now).state
}

#[cfg(test)]
mod tests;
