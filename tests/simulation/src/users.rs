//! What users do, and the truth that they leave behind.

use std::collections::{BTreeMap, BTreeSet};

use crate::character::FIELDS;
use crate::dice::Dice;
use crate::system::System;

/// A row: the number of its system, and its key there.
pub type Place = (usize, String);

/// What the users did: the truth that the oracle compares with.
#[derive(Debug, Default)]
pub struct Truth {
    /// Every value that a user typed, as its system stored it, in the form that
    /// everybody has, and where.
    pub typed: BTreeMap<(&'static str, Option<String>), BTreeSet<Place>>,
    /// Rows that users deleted.
    pub deleted: BTreeSet<Place>,
    /// Whose row is it? Of those that users created.
    pub person: BTreeMap<Place, usize>,
    /// People whose profiles somebody decided about: nobody gives them new rows.
    pub decided: BTreeSet<usize>,
    /// Numbers values, so that no two edits are the same.
    pub edits: u64,
    /// Rows that users created.
    pub rows: u64,
}

/// The address of a person.
pub fn email(person: usize) -> String {
    format!("p{person}@example.org")
}

impl Truth {
    /// One user does one thing in one system.
    pub fn act(&mut self, at: usize, system: &mut System, dice: &mut Dice, people: usize) {
        let live = system.live();
        let roll = dice.below(100);
        if roll < 20 || live.is_empty() {
            self.create(at, system, dice.below(people));
        } else if roll < 24 {
            let key = dice.pick(&live).clone();
            system.delete(&key);
            self.deleted.insert((at, key));
        } else {
            self.edit(at, system, dice);
        }
    }

    /// A user gives a person a row, unless he has one.
    pub fn create(&mut self, at: usize, system: &mut System, person: usize) {
        // Against a row that is made between the search and the end of a job, which no
        // search shows yet, nobody can do anything.
        if system.will_make(&email(person)) {
            return;
        }
        let email = Some(email(person));
        let has_one = system.rows.iter().any(|(key, row)| {
            let own = self.person.get(&(at, key.clone())) == Some(&person);
            !row.deleted && (own || row.fields["email"] == email)
        });
        if has_one || self.decided.contains(&person) {
            return;
        }
        self.edits += 1;
        self.rows += 1;
        let name = Some(format!("Name{}", self.edits));
        let stage = Some(format!("New{}", self.edits));
        let key = system.create(&[("email", email), ("name", name), ("stage", stage)], true);
        self.person.insert((at, key.clone()), person);
        self.typed(at, system, &key, &FIELDS);
    }

    /// A user changes one field of some row.
    pub fn edit(&mut self, at: usize, system: &mut System, dice: &mut Dice) {
        let live = system.live();
        if live.is_empty() {
            return;
        }
        let key = dice.pick(&live).clone();
        let field = *dice.pick(&["name", "phone", "stage"]);
        self.edits += 1;
        let value = (!dice.percent(8)).then(|| format!("{}{}x", &field[..2], self.edits));
        let value = system.character.forms[field].there(value);
        if system.character.accepts(field, &value) {
            system.put(&key, &[(field, value)], true);
            self.typed(at, system, &key, &[field]);
        }
    }

    fn typed(&mut self, at: usize, system: &mut System, key: &str, fields: &[&'static str]) {
        for field in fields {
            let stored = system.rows[key].fields[field].clone();
            let value = system.character.forms[field].elsewhere(stored);
            self.typed.entry((field, value)).or_default().insert((at, key.to_owned()));
            system.unseen.insert((key.to_owned(), field), system.edits);
        }
    }
}
