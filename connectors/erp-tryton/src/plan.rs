//! From a patch to the values of one Tryton call: a pure function of what the
//! party looks like now. Only children that a patch touches are written, and
//! every touched row carries its timestamp for Tryton's optimistic lock.
//!
//! Two rules keep the flat fields stable:
//! - A cleared contact mechanism or address is deactivated, never deleted:
//!   orders and invoices point to it, and a wrong merge must be undoable.
//! - Clearing an address that another one follows empties it and keeps its
//!   row, otherwise the second address would slip into the fields of the first.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fields::{ADDRESS_SLOTS, AddressPart, Field, Home};
use crate::party::{Address, Party, Row};

/// Ids of what Tryton refers to by id and a row by code.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// `ir.lang` by code.
    pub languages: BTreeMap<String, i64>,
    /// `country.country` by ISO code.
    pub countries: BTreeMap<String, i64>,
}

/// What one call has to say about one party.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Values for `create` or `write`.
    pub values: Row,
    /// `model,id` and timestamp of every existing row that is touched.
    pub stamps: Vec<(String, String)>,
}

/// Why a patch cannot be written. The place is the field's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field.
    pub field: String,
    /// A stable word: `unknown-field`, `read-only`, `create-only`, `type`,
    /// `unknown-country`, `unknown-language`.
    pub reason: &'static str,
}

/// Plans the creation of a party.
///
/// # Errors
/// [`Problem`] when a field cannot take its value.
pub fn create(patch: &Row, directory: &Directory) -> Result<Plan, Problem> {
    let blank = Party { active: true, ..Party::default() };
    let mut plan = Planner { party: &blank, exists: false, directory }.plan(patch)?;
    // Without it a client's default would add an empty address.
    plan.values.entry("addresses").or_insert_with(|| json!([]));
    Ok(plan)
}

/// Plans a change of `party`; `None` when it already is so.
///
/// # Errors
/// [`Problem`] when a field cannot take its value.
pub fn update(party: &Party, patch: &Row, directory: &Directory) -> Result<Option<Plan>, Problem> {
    let mut plan = Planner { party, exists: true, directory }.plan(patch)?;
    if plan.values.is_empty() {
        return Ok(None);
    }
    plan.stamps.push(party.lock());
    Ok(Some(plan))
}

/// Plans the archiving of `party`.
pub fn archive(party: &Party) -> Plan {
    let values = [("active".to_owned(), Value::Bool(false))].into_iter().collect();
    Plan { values, stamps: vec![party.lock()] }
}

struct Planner<'a> {
    party: &'a Party,
    exists: bool,
    directory: &'a Directory,
}

impl Planner<'_> {
    fn plan(&self, patch: &Row) -> Result<Plan, Problem> {
        let mut plan = Plan::default();
        let mut mechanisms = Children::default();
        let mut slots = Slots::of(self.party);
        for (name, value) in patch {
            let problem = |reason| Problem { field: name.clone(), reason };
            let field = Field::named(name).ok_or_else(|| problem("unknown-field"))?;
            let wanted = wanted(field.home, value).ok_or_else(|| problem("type"))?;
            if self.party.value(field.home) == wanted {
                continue;
            }
            if field.read_only() {
                return Err(problem("read-only"));
            }
            if field.create_only() && self.exists {
                return Err(problem("create-only"));
            }
            match field.home {
                Home::Mechanism(kind) => {
                    self.mechanism(kind, wanted.as_str(), &mut mechanisms, &mut plan);
                }
                Home::Address(slot, part) => {
                    slots.set(slot, part, wanted.as_str().map(str::to_owned));
                }
                Home::Language => {
                    let id = known(&self.directory.languages, &wanted)
                        .ok_or_else(|| problem("unknown-language"))?;
                    plan.values.insert("lang".to_owned(), id);
                }
                Home::Code if wanted.is_null() => {}
                Home::Code | Home::Name | Home::Active | Home::TaxIdentifier => {
                    plan.values.insert(name.clone(), wanted);
                }
            }
        }
        mechanisms.into_value("contact_mechanisms", &mut plan.values);
        self.addresses(&slots, &mut plan)?;
        Ok(plan)
    }

    fn mechanism(
        &self,
        kind: &str,
        wanted: Option<&str>,
        children: &mut Children,
        plan: &mut Plan,
    ) {
        match (self.party.mechanism(kind), wanted) {
            (Some(found), _) => {
                children.write(
                    found.id,
                    wanted
                        .map_or_else(|| json!({"active": false}), |value| json!({"value": value})),
                );
                plan.stamps
                    .push((format!("party.contact_mechanism,{}", found.id), found.stamp.clone()));
            }
            (None, Some(value)) => children.create.push(json!({"type": kind, "value": value})),
            (None, None) => {}
        }
    }

    fn addresses(&self, slots: &Slots, plan: &mut Plan) -> Result<(), Problem> {
        let present = &self.party.addresses;
        let mut children = Children::default();
        // From the end, so that clearing both addresses deactivates both.
        let mut length = present.len().max(slots.length());
        for slot in (0..ADDRESS_SLOTS.min(present.len())).rev() {
            let (Some(before), Some(after)) = (present.get(slot), slots.wanted.get(slot)) else {
                continue;
            };
            if before == after {
                continue;
            }
            plan.stamps.push((format!("party.address,{}", before.id), before.stamp.clone()));
            if after.is_empty() && slot + 1 == length {
                children.write(before.id, json!({"active": false}));
                length = slot;
            } else {
                children.write(before.id, self.changed_parts(slot, before, after)?);
            }
        }
        // A null rank would sort before the addresses that are there.
        let mut rank = present.iter().filter_map(|address| address.sequence).max().unwrap_or(0);
        for slot in present.len()..slots.length() {
            let Some(after) = slots.wanted.get(slot) else { continue };
            rank += 1;
            let mut values = self.changed_parts(slot, &Address::default(), after)?;
            if let Some(values) = values.as_object_mut() {
                values.insert("sequence".to_owned(), json!(rank));
            }
            children.create.push(values);
        }
        children.into_value("addresses", &mut plan.values);
        Ok(())
    }

    fn changed_parts(
        &self,
        slot: usize,
        before: &Address,
        after: &Address,
    ) -> Result<Value, Problem> {
        let mut values = Row::new();
        for part in AddressPart::ALL {
            if before.part(part) == after.part(part) {
                continue;
            }
            let value = after.part(part).map_or(Value::Null, Value::from);
            let value = match part {
                AddressPart::Country => {
                    known(&self.directory.countries, &value).ok_or_else(|| Problem {
                        field: format!("address{}_country", slot + 1),
                        reason: "unknown-country",
                    })?
                }
                _ => value,
            };
            values.insert(part.column().to_owned(), value);
        }
        Ok(Value::Object(values))
    }
}

/// The addresses that a row shows, as they should become.
struct Slots {
    wanted: Vec<Address>,
}

impl Slots {
    fn of(party: &Party) -> Self {
        let wanted =
            (0..ADDRESS_SLOTS).map(|slot| party.addresses.get(slot).cloned().unwrap_or_default());
        Self { wanted: wanted.collect() }
    }

    fn set(&mut self, slot: usize, part: AddressPart, value: Option<String>) {
        if let Some(address) = self.wanted.get_mut(slot) {
            address.set(part, value);
        }
    }

    /// How many rows are needed for the slots that say something.
    fn length(&self) -> usize {
        self.wanted.iter().rposition(|address| !address.is_empty()).map_or(0, |last| last + 1)
    }
}

/// Commands of a one-to-many field.
#[derive(Default)]
struct Children {
    write: Vec<Value>,
    create: Vec<Value>,
}

impl Children {
    fn write(&mut self, id: i64, values: Value) {
        self.write.push(json!(["write", [id], values]));
    }

    fn into_value(self, name: &str, values: &mut Row) {
        let mut commands = self.write;
        if !self.create.is_empty() {
            commands.push(json!(["create", self.create]));
        }
        if !commands.is_empty() {
            values.insert(name.to_owned(), Value::Array(commands));
        }
    }
}

/// The value as Tryton would show it; `None` when the field cannot hold it.
/// Tryton itself takes a number for a name and keeps it, hence the check here.
fn wanted(home: Home, value: &Value) -> Option<Value> {
    match (home, value) {
        (Home::Active, Value::Bool(_)) => Some(value.clone()),
        (Home::Active, _) => None,
        (_, Value::Null) => Some(Value::Null),
        (_, Value::String(text)) if text.trim().is_empty() => Some(Value::Null),
        (Home::Address(_, AddressPart::Country), Value::String(code)) => {
            Some(Value::String(code.trim().to_ascii_uppercase()))
        }
        (_, Value::String(text)) => Some(Value::String(text.trim().to_owned())),
        (_, Value::Number(number)) => Some(Value::String(number.to_string())),
        (_, Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    }
}

/// The id of a code; null stays null.
fn known(ids: &BTreeMap<String, i64>, code: &Value) -> Option<Value> {
    match code.as_str() {
        Some(code) => ids.get(code).map(|id| json!(id)),
        None => Some(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::{Directory, Plan, Problem, create, update};
    use crate::party::{Address, Mechanism, Party, Row};

    fn row(value: Value) -> Row {
        value.as_object().unwrap().clone()
    }

    fn address(id: i64, city: Option<&str>, sequence: Option<i64>) -> Address {
        let city = city.map(str::to_owned);
        Address { id, city, sequence, stamp: format!("a{id}"), ..Address::default() }
    }

    fn party(addresses: Vec<Address>) -> Party {
        let (kind, value, stamp) = ("email".to_owned(), "a@x".to_owned(), "m5".to_owned());
        let mechanisms = vec![Mechanism { id: 5, kind, value, sequence: None, stamp }];
        Party {
            id: 1,
            active: true,
            stamp: "p1".to_owned(),
            mechanisms,
            addresses,
            ..Party::default()
        }
    }

    fn addresses_after(addresses: Vec<Address>, patch: Value) -> Value {
        let plan = update(&party(addresses), &row(patch), &Directory::default()).unwrap();
        plan.map_or(Value::Null, |plan| plan.values["addresses"].clone())
    }

    #[test]
    fn the_places_of_addresses_stay() {
        let two = || vec![address(7, Some("Paris"), None), address(8, Some("Lyon"), Some(4))];
        let both = json!({"address1_city": null, "address2_city": null});
        let inactive = json!({"active": false});
        for (before, patch, commands) in [
            (
                vec![],
                json!({"address1_city": "A"}),
                json!([["create", [{"city": "A", "sequence": 1}]]]),
            ),
            (
                vec![],
                json!({"address2_city": "B"}),
                json!([["create", [{"sequence": 1}, {"city": "B", "sequence": 2}]]]),
            ),
            (two(), json!({"address1_city": null}), json!([["write", [7], {"city": null}]])),
            (two(), json!({"address2_city": null}), json!([["write", [8], inactive]])),
            (two(), both, json!([["write", [8], inactive], ["write", [7], inactive]])),
            (two(), json!({"address2_city": "Lyon"}), Value::Null),
            (
                vec![address(8, Some("Lyon"), Some(4))],
                json!({"address1_city": null, "address2_city": "Nice"}),
                json!([["write", [8], {"city": null}], ["create", [{"city": "Nice", "sequence": 5}]]]),
            ),
            (
                vec![
                    address(7, Some("A"), None),
                    address(8, Some("B"), None),
                    address(9, Some("C"), None),
                ],
                json!({"address2_city": null}),
                json!([["write", [8], {"city": null}]]),
            ),
        ] {
            assert_eq!(addresses_after(before, patch.clone()), commands, "{patch}");
        }
    }

    #[test]
    fn only_touched_rows_are_written_and_locked() {
        let before = party(vec![address(7, Some("Paris"), None)]);
        let patch = row(json!({"email": null, "phone": 12, "name": "", "mobile": " "}));
        let plan = update(&before, &patch, &Directory::default()).unwrap().unwrap();
        let mechanisms = json!([
            ["write", [5], {"active": false}],
            ["create", [{"type": "phone", "value": "12"}]],
        ]);
        let stamps = [("party.contact_mechanism,5", "m5"), ("party.party,1", "p1")];
        let stamps = stamps.map(|(at, stamp)| (at.to_owned(), stamp.to_owned())).to_vec();
        assert_eq!(plan, Plan { values: row(json!({"contact_mechanisms": mechanisms})), stamps });
    }

    #[test]
    fn codes_become_ids_and_problems_are_named() {
        let directory = Directory {
            languages: [("fr".to_owned(), 11)].into(),
            countries: [("FR".to_owned(), 75)].into(),
        };
        let patch = row(json!({"lang": "fr", "address1_country": "fr", "code": null}));
        let expected =
            json!({"lang": 11, "addresses": [["create", [{"country": 75, "sequence": 1}]]]});
        assert_eq!(create(&patch, &directory).unwrap().values, row(expected));
        for (patch, field, reason) in [
            (json!({"lang": "xx"}), "lang", "unknown-language"),
            (json!({"address2_country": "XX"}), "address2_country", "unknown-country"),
            (json!({"tax_identifier": "FR1"}), "tax_identifier", "read-only"),
            (json!({"active": "yes"}), "active", "type"),
            (json!({"email": true}), "email", "type"),
            (json!({"emial": "a"}), "emial", "unknown-field"),
        ] {
            let problem = Problem { field: field.to_owned(), reason };
            assert_eq!(create(&row(patch), &directory).unwrap_err(), problem);
        }
    }
}
