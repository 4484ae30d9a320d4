//! Whether rows went that should, and only those.

use hub_model::{CreatePolicy, DeletePolicy, Origin, Record, Stamp};

use super::Scene;
use crate::fleet::lock;
use crate::policy::Policy;

/// The records of a person as one system sees them.
pub(super) struct Seen<'a> {
    /// Those in other systems that are these systems' own.
    others: Vec<&'a Record>,
    policy: Policy,
}

impl<'a> Seen<'a> {
    fn of(scene: &Scene<'_>, members: &'a [Record], at: usize) -> Self {
        let stream = &scene.rules.mappings[at].stream;
        let own = |record: &&Record| {
            record.at.stream != *stream
                && (record.origin == Origin::Received || record.asserts_anything())
        };
        let policy = lock(&scene.fleet.systems[at]).policy;
        Self { others: members.iter().filter(own).collect(), policy }
    }

    fn is_had(&self) -> bool {
        self.others.iter().any(|record| record.is_live())
    }

    /// Whether another system had the person of its own at an instant. A row that
    /// the hub made may have been edited before or after: that is left open.
    fn was_had(&self, at: Stamp) -> bool {
        let own = self.others.iter().filter(|record| record.origin == Origin::Received);
        own.into_iter().any(|record| was_live_through(record, at, at))
    }

    /// When the person was deleted elsewhere last.
    fn gone(&self) -> Option<Stamp> {
        let own = self.others.iter().filter(|record| record.origin == Origin::Received);
        own.filter_map(|record| record.deleted).max()
    }

    /// Whether rows of the person are neither wanted nor removed.
    fn is_let_go(&self) -> bool {
        self.policy.deletes == DeletePolicy::Unlink && !self.is_had() && self.gone().is_some()
    }

    /// Whether a living row should not be there.
    fn is_unwanted(&self, row: &Record) -> bool {
        let born = if row.origin == Origin::Received { row.born } else { Stamp(0) };
        let since = row.absences.last().map_or(born, |absence| absence.to);
        let mirror = self.policy.create == CreatePolicy::Mirror;
        let follows = self.policy.removal().is_some();
        !self.is_had() && (mirror || follows && self.gone().is_some_and(|gone| since < gone))
    }
}

fn was_live_through(record: &Record, from: Stamp, to: Stamp) -> bool {
    let missed = record.absences.iter().any(|absence| absence.from <= to && from < absence.to);
    record.born <= from && !missed && record.deleted.is_none_or(|gone| to < gone)
}

impl Scene<'_> {
    /// Whether the rows that a person has in a system need not show the golden
    /// values, or may be missing.
    pub(super) fn is_exempt(&self, members: &[Record], at: usize, missing: bool) -> bool {
        let seen = Seen::of(self, members, at);
        let spared = if missing { CreatePolicy::UpdateOnly } else { CreatePolicy::CreateOnly };
        seen.policy.create == spared || seen.is_let_go()
    }

    /// Whether who was deleted somewhere at an instant may have got a row there
    /// again: where rows go with their people, people who come anew have new ones.
    pub(super) fn may_come_anew(&self, record: &Record, at: usize) -> bool {
        let Some(gone) = record.deleted else { return false };
        let members = self.records.values().filter(|other| other.profile == record.profile);
        let members: Vec<Record> = members.cloned().collect();
        let seen = Seen::of(self, &members, at);
        seen.policy.removal().is_some() && !seen.was_had(gone)
    }

    /// What no other system has goes where the policy says so; what one has, stays.
    pub(super) fn policies(&mut self) {
        let systems = &self.fleet.systems;
        // Whoever is never read may have anybody, and what is never written stays.
        if systems.iter().any(|system| lock(system).broken.is_some()) {
            return;
        }
        let mut wrong = Vec::new();
        for profile in &self.profiles {
            let members: Vec<Record> = self.members(profile).into_iter().cloned().collect();
            for at in 0..systems.len() {
                let seen = Seen::of(self, &members, at);
                let stream = &self.rules.mappings[at].stream;
                for row in members.iter().filter(|row| row.at.stream == *stream) {
                    let key = row.at.key.as_str();
                    if row.is_live() && seen.is_unwanted(row) {
                        wrong.push(format!("{key} should have gone, {:?}", seen.policy));
                    }
                    let Some(gone) = row.deleted.filter(|_| self.fleet.is_plain()) else {
                        continue;
                    };
                    let by_user = lock(&self.fleet.truth).deleted.contains(&(at, key.to_owned()));
                    let had = |other: &&&Record| {
                        other.origin == Origin::Received && was_live_through(other, row.born, gone)
                    };
                    if let Some(other) = seen.others.iter().find(had).filter(|_| !by_user) {
                        let other = &other.at.key;
                        wrong.push(format!("{key} went, although there is {other}"));
                    }
                }
            }
        }
        for text in wrong {
            self.say("I7", text);
        }
    }
}
