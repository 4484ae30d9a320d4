//! The oracle: after silence, the systems and the store are compared with what
//! users did. Names follow the invariants of the design's reliability rules.

use hub_model::{Identity, RecordRef, RemoteKey, Value};
use hub_store::Store;

use crate::fleet::{Fleet, lock};
use crate::system::FIELDS;

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
    for (index, system) in fleet.systems.iter().enumerate() {
        let here: Vec<_> = rows.iter().filter(|(at, _)| *at == index).collect();
        let deleted = known_deleted(fleet, index, email).await;
        let system = lock(system);
        match here.as_slice() {
            [] if !deleted => wrong.push(format!("I1: {email} is missing in {}", system.name)),
            [] => {}
            [_] if deleted => {
                wrong.push(format!("I7: {email} came back in {}", system.name));
            }
            [_] => {}
            several => wrong.push(format!("I6: {email} is {} times in {}", several.len(), system.name)),
        }
        for (_, key) in here {
            for field in FIELDS {
                let golden = profile.traits.get(field).and_then(|t| match &t.value {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                });
                if !lock(&fleet.truth).typed.contains(&(field, golden.clone())) && golden.is_some() {
                    wrong.push(format!("I5: golden {field} {golden:?} of {email} was never typed"));
                }
                let stored = &system.rows[key].fields[field];
                if *stored != system.habits[field].apply(&golden) {
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

/// Whether a user deleted the person's row there and the hub had known it: a
/// row that the hub never saw cannot be remembered as deleted.
async fn known_deleted(fleet: &Fleet, index: usize, email: &str) -> bool {
    let Some(key) = lock(&fleet.truth).deleted.get(&(index, email.to_owned())).cloned() else {
        return false;
    };
    let stream = fleet.rules().mappings[index].stream.clone();
    let at = RecordRef { stream, key: RemoteKey::from(key.as_str()) };
    matches!(fleet.store.records_by_ref(&[at]).await.as_deref(), Ok([Some(_)]))
}
