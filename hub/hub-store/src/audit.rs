//! What belongs together, whatever the body: the checks behind `verify`.
//!
//! A body reads its rows in any order, hands each to its check, and adds the
//! checks of its own layout.

use hub_model::{Change, Claim, CommitSeq, Event, Identity, Profile, ProfileId, Record, Standing};

use crate::history::{Became, Moment};
use crate::store::{Error, VerifyFinding};
use crate::view::View;

/// Findings kept; a store that is wholly damaged has one per row.
pub const FINDINGS_MAX: usize = 1_000;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Findings(Vec<VerifyFinding>);

impl Findings {
    /// Notes a finding. The detail names numbers, never customers' values.
    pub fn add(&mut self, check: &str, detail: impl Into<String>) {
        if self.0.len() < FINDINGS_MAX {
            self.0.push(VerifyFinding { check: check.to_owned(), detail: detail.into() });
        }
    }

    /// Takes an answer, or notes as damage why there is none.
    ///
    /// # Errors
    /// Every error but [`Error::Corrupt`].
    pub fn sound<T>(&mut self, answer: Result<T, Error>) -> Result<Option<T>, Error> {
        match answer {
            Ok(value) => Ok(Some(value)),
            Err(Error::Corrupt(detail)) => {
                self.add("checksum", detail);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Everything that was found.
    pub fn into_vec(self) -> Vec<VerifyFinding> {
        self.0
    }
}

/// A record: its row leads back to it, its number was given out, whatever it
/// relates to leads to it, its profile lists it.
///
/// # Errors
/// Whatever the view answers.
pub fn record(record: &Record, view: &impl View, found: &mut Findings) -> Result<(), Error> {
    let number = record.number;
    if view.number(&record.at)? != Some(number) {
        found.add("record-index", format!("record {number} is not found by its key"));
    }
    if number.0 == 0 || number.0 > view.counters()?.record {
        found.add("counters", format!("record {number} was never given out"));
    }
    for (place, relation) in record.relations.iter().enumerate() {
        if !view.is_related(&relation.to, number)? {
            found.add("relation", format!("relation {place} of record {number} is not found"));
        }
    }
    if record.is_object() {
        return Ok(());
    }
    let id = view.resolve(record.profile)?;
    match view.profile(id)? {
        None => found.add("profile-member", format!("record {number} names profile {id}: absent")),
        Some(profile) if !profile.records.contains(&number) => {
            found.add("profile-member", format!("profile {id} does not list record {number}"));
        }
        Some(_) => {}
    }
    Ok(())
}

/// A profile: it is no alias, its records know it, its identities are claimed.
///
/// # Errors
/// Whatever the view answers.
pub fn profile(profile: &Profile, view: &impl View, found: &mut Findings) -> Result<(), Error> {
    let id = profile.id;
    if view.alias(id)?.is_some() {
        found.add("alias", format!("profile {id} is also an alias"));
    }
    for number in &profile.records {
        match view.record(*number)? {
            None => {
                found.add("profile-member", format!("profile {id} lists record {number}: absent"))
            }
            Some(record) if view.resolve(record.profile)? != id => found.add(
                "profile-member",
                format!("profile {id} lists record {number}, which names {}", record.profile),
            ),
            Some(_) => {}
        }
    }
    for (place, claimed) in profile.identities.iter().enumerate() {
        let listed = match view.claim(&claimed.identity)? {
            // A value that too many carry lists nobody.
            Some(claim) if claim.profiles.is_empty() => true,
            Some(_) => view.resolved_claim(&claimed.identity)?.profiles.contains(&id),
            None => false,
        };
        if !listed {
            found.add("claim", format!("identity {place} of profile {id} is not claimed by it"));
        }
    }
    Ok(())
}

/// A claim: its profiles exist.
///
/// # Errors
/// Whatever the view answers.
pub fn claim(
    identity: &Identity,
    claim: &Claim,
    view: &impl View,
    found: &mut Findings,
) -> Result<(), Error> {
    for id in &claim.profiles {
        if view.profile(view.resolve(*id)?)?.is_none() {
            let namespace = &identity.namespace;
            found.add("claim", format!("profile {id} claims a value of {namespace}: absent"));
        }
    }
    Ok(())
}

/// An alias: it leads to a profile.
///
/// # Errors
/// Whatever the view answers.
pub fn alias(absorbed: ProfileId, view: &impl View, found: &mut Findings) -> Result<(), Error> {
    let id = view.resolve(absorbed)?;
    if view.profile(id)?.is_none() {
        found.add("alias", format!("alias {absorbed} leads to profile {id}: absent"));
    }
    Ok(())
}

/// What is kept of a profile's number: each version is older than the one before,
/// and is of this number.
///
/// # Errors
/// Whatever the view answers, but for damage, which is a finding.
pub fn history(id: ProfileId, view: &impl View, found: &mut Findings) -> Result<(), Error> {
    let mut newer: Option<Moment> = None;
    for version in view.versions(id) {
        let Some(version) = found.sound(version)? else { return Ok(()) };
        let in_order =
            newer.is_none_or(|newer| version.since.seq < newer.seq && version.since.at <= newer.at);
        let is_own = match &version.became {
            Became::Profile(profile) => profile.id == id,
            Became::Absorbed(by) => *by != id,
            Became::Forgotten => newer.is_some(),
        };
        if !in_order || !is_own || version.since.seq > view.seq()? {
            let seq = version.since.seq;
            found.add("history", format!("profile {id} as of commit {seq} is out of place"));
        }
        newer = Some(version.since);
    }
    Ok(())
}

/// An event: its key leads back to it.
///
/// # Errors
/// Whatever the view answers.
pub fn event(
    number: u64,
    event: &Event,
    view: &impl View,
    found: &mut Findings,
) -> Result<(), Error> {
    if view.event(&event.at)?.as_ref() != Some(event) {
        found.add("event", format!("event {number} is not found by its key"));
    }
    Ok(())
}

/// A standing: it says something, and of a profile that is there.
///
/// # Errors
/// Whatever the view answers.
pub fn standing(standing: &Standing, view: &impl View, found: &mut Findings) -> Result<(), Error> {
    let id = standing.profile;
    if standing.is_none() || view.profile(id)?.is_none() {
        found.add("standing", format!("the standing of profile {id} is of nobody"));
    }
    Ok(())
}

/// One commit of the log, oldest first: it follows the one before, and its
/// entries carry its number.
pub fn log(before: CommitSeq, seq: CommitSeq, changes: &[Change], found: &mut Findings) {
    if seq.0 != before.0 + 1 {
        found.add("log-gap", format!("commit {seq} follows commit {before}"));
    }
    if changes.iter().any(|change| change.seq != seq) {
        found.add("log-gap", format!("commit {seq} has entries of another"));
    }
}
