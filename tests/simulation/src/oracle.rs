//! The oracle: after silence, the systems and the store are compared with what
//! users did. Names follow the invariants of the design's reliability rules.

use hub_core::mapping::said;
use hub_model::{Identity, Origin, Profile, Record, RecordRef, RemoteKey, Survivorship, Value};
use hub_store::Store;

use crate::fleet::{Fleet, lock};
use crate::system::{FIELDS, Form};

/// What is wrong with a fleet after its run; empty = nothing.
pub async fn findings(fleet: &Fleet, silent_after: Option<usize>) -> Vec<String> {
    let mut wrong = Vec::new();
    if silent_after.is_none() {
        wrong.push("I2: the hub never fell silent".to_owned());
    }
    for finding in fleet.store.verify().await.expect("the memory store answers") {
        wrong.push(format!("I10: store: {} {}", finding.check, finding.detail));
    }
    for (email, rows) in fleet.rows_by_email() {
        wrong.extend(one_person(fleet, &email, &rows).await);
    }
    for system in &fleet.systems {
        let system = lock(system);
        if system.conditional && system.lost > 0 {
            wrong.push(format!("I4: {} unread edits overwritten in {}", system.lost, system.name));
        }
    }
    wrong
}

async fn one_person(fleet: &Fleet, email: &str, rows: &[(usize, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let claims = fleet.store.claims(&[Identity::new("email", email)]).await.expect("answers");
    let profiles: Vec<_> = claims.into_iter().flat_map(|claim| claim.profiles).collect();
    let profiles = fleet.store.profiles(&profiles).await.expect("answers");
    let [Some(profile)] = profiles.as_slice() else {
        return vec![format!("I10: {email} has {} profiles", profiles.len())];
    };
    // Whoever lost every row that a user made is owed nothing more; what the hub
    // had created stays, since deletes are local.
    let members = fleet.store.records(&profile.records).await.expect("answers");
    let spoken_for = members
        .iter()
        .flatten()
        .any(|r| r.is_live() && (r.origin == Origin::Received || r.asserts_anything()));
    wrong.extend(not_the_owners(fleet, email, profile, &members));
    for (index, system) in fleet.systems.iter().enumerate() {
        let here: Vec<_> = rows.iter().filter(|(at, _)| *at == index).collect();
        let deleted = known_deleted(fleet, index, email, profile).await;
        let system = lock(system);
        match here.as_slice() {
            [] if deleted.is_empty() && spoken_for => {
                wrong.push(format!("I1: {email} is missing in {}", system.name))
            }
            [] => {}
            [(_, key)] if deleted.iter().any(|old| old < key) && system.rows[key].by_hub => {
                wrong.push(format!("I7: {email} came back in {}", system.name));
            }
            [_] => {}
            several => {
                wrong.push(format!("I6: {email} is {} times in {}", several.len(), system.name))
            }
        }
        for (_, key) in here {
            for field in FIELDS {
                // What nobody asserts is nobody's golden value: a row may hold
                // something of its own there, such as a vendor's default.
                let Some(golden) = profile.traits.get(field).filter(|_| spoken_for) else {
                    continue;
                };
                let golden = match &golden.value {
                    Value::Text(text) => Some(text.to_string()),
                    _ => None,
                };
                if !lock(&fleet.truth).typed.contains(&(field, golden.clone())) && golden.is_some()
                {
                    wrong.push(format!("I5: golden {field} {golden:?} of {email} was never typed"));
                }
                let stored = &system.rows[key].fields[field];
                let form = system.forms[field];
                // Of several forms that mean the same, a system keeps its own.
                let same = form != Form::Plain && form.elsewhere(stored.clone()) == golden;
                if !same && *stored != system.habits[field].apply(&form.there(golden.clone())) {
                    wrong.push(format!(
                        "I1: {field} of {email} in {} is {stored:?}, golden is {golden:?}",
                        system.name
                    ));
                }
            }
        }
    }
    wrong
}

/// Where a system owns a trait, the golden value is what it said last, whatever
/// was typed elsewhere.
fn not_the_owners(
    fleet: &Fleet,
    email: &str,
    profile: &Profile,
    members: &[Option<Record>],
) -> Vec<String> {
    let rules = fleet.rules();
    let owned = rules.traits.iter().filter(|rule| rule.rule == Survivorship::Owner);
    let wrong = owned.filter_map(|rule| {
        let own = members.iter().flatten().filter(|record| {
            rule.sources.iter().any(|sync| sync.as_str() == record.at.stream.connection.as_str())
        });
        let said = own.filter_map(|record| {
            let mapping = rules.mappings.iter().find(|m| m.stream == record.at.stream)?;
            said(record, mapping.field(rule.name.as_str())?)
        });
        let said = said.max_by_key(|said| said.stamp)?.value;
        let golden = profile.traits.get(&rule.name).map(|golden| &golden.value)?;
        let differs = *golden != *said;
        differs.then(|| {
            format!("S04: {} of {email} is {golden:?}, its owner says {said:?}", rule.name)
        })
    });
    wrong.collect()
}

/// The rows of this profile there that users deleted. A row that the hub never
/// saw cannot be remembered as deleted, and somebody whose last record is gone
/// starts anew: another profile, which owes nothing to the old one.
async fn known_deleted(fleet: &Fleet, index: usize, email: &str, profile: &Profile) -> Vec<String> {
    let deleted = lock(&fleet.truth).deleted.get(&(index, email.to_owned())).cloned();
    let stream = fleet.rules().mappings[index].stream.clone();
    let at =
        |key: &String| RecordRef { stream: stream.clone(), key: RemoteKey::from(key.as_str()) };
    let keys = deleted.unwrap_or_default();
    let refs: Vec<RecordRef> = keys.iter().map(at).collect();
    let known = fleet.store.records_by_ref(&refs).await.expect("answers");
    let member = |record: &Record| profile.records.contains(&record.number);
    let same = |(_, record): &(String, Option<Record>)| record.as_ref().is_some_and(member);
    keys.into_iter().zip(known).filter(same).map(|(key, _)| key).collect()
}

/// Prints systems, records and profiles: for looking into one failed seed.
pub async fn print(fleet: &Fleet) {
    for system in &fleet.systems {
        let system = lock(system);
        println!(
            "system {} conditional={} snapshot={} page={} tick={}",
            system.name, system.conditional, system.snapshot, system.page_rows, system.tick_seconds
        );
        for (key, row) in &system.rows {
            println!("  {key} {row:?}");
        }
    }
    for profile in fleet.store.scan_profiles(None, usize::MAX).await.expect("answers") {
        let emails: Vec<_> = profile.identities.iter().map(|c| c.identity.to_string()).collect();
        println!("profile {} {emails:?}", profile.id);
        for record in fleet.store.records(&profile.records).await.expect("answers").iter().flatten()
        {
            println!(
                "  {} {} {:?} deleted={:?}",
                record.number, record.at.key, record.origin, record.deleted
            );
            for (field, state) in &record.fields {
                println!("    {field} {state:?}");
            }
        }
    }
    for system in &fleet.systems {
        let sync = hub_model::SyncId::from(lock(system).name.as_str());
        let due = hub_model::Timestamp(i64::MAX);
        for pending in fleet.store.pending(&sync, due, usize::MAX).await.expect("answers") {
            println!("pending {pending:?}");
        }
    }
    for run in fleet.store.runs(None, 12).await.expect("answers") {
        println!("run {} {:?} {:?} {:?}", run.id, run.status, run.counts, run.fault);
    }
    println!("reviews {:?}", fleet.store.reviews(100).await);
}
