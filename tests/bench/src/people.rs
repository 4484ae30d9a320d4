//! Made-up customers: any row of an endless table, made from a seed and the
//! row's number alone, so that server, load and references speak of the same
//! bytes without sharing memory.
//!
//! Nine rows of ten are new persons. The tenth is an earlier person seen again
//! under another customer number, recognisable by the e-mail address or by the
//! phone number, never by both.

use std::fmt::Write as _;

use crate::dice::Dice;
use crate::words::{CITIES, COMPANIES, FIRST_NAMES, LAST_NAMES, STAGES, STREETS};

/// One row in so many is a second sighting.
const SIGHTING_ONE_IN: u64 = 10;
/// What follows +336 in numbers that are given out; in the others nobody can be
/// recognised, because they are no phone numbers.
const PHONE_BLOCKS: [&str; 8] = ["0", "1", "2", "4", "5", "6", "7", "8"];
/// Numbers of a block.
const PHONE_BLOCK: u64 = 10_000_000;
/// Rows may be numbered up to here: each has a phone number of its own.
pub const ROWS_MAX: u64 = 80_000_000;
/// Every phone number differs: a step that is coprime to the number of them.
const PHONE_STEP: u64 = 61_803_399;

/// The table of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct People {
    seed: u64,
}

/// Who a row is about, and what names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The row's own customer number.
    pub id: String,
    /// The e-mail address.
    pub email: String,
    /// The phone number, in E.164.
    pub phone: String,
}

/// How a row knows its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sighting {
    First,
    ByEmail { person: u64 },
    ByPhone { person: u64 },
}

impl People {
    /// The table of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The row that saw this row's person first; the row itself if it is new.
    #[must_use]
    pub fn person(&self, row: u64) -> u64 {
        match self.sighting(row) {
            Sighting::First => row,
            Sighting::ByEmail { person } | Sighting::ByPhone { person } => person,
        }
    }

    /// How many persons the first rows are about.
    #[must_use]
    pub fn persons(&self, rows: u64) -> u64 {
        (0..rows).filter(|row| self.is_first(*row)).count() as u64
    }

    fn is_first(self, row: u64) -> bool {
        row == 0 || !Dice::of(self.seed, row).below(SIGHTING_ONE_IN).eq(&0)
    }

    fn sighting(self, row: u64) -> Sighting {
        if self.is_first(row) {
            return Sighting::First;
        }
        let mut dice = Dice::of(self.seed.wrapping_add(1), row);
        // Row 0 is always a first sighting, so this ends.
        let person = loop {
            let earlier = dice.below(row);
            if self.is_first(earlier) {
                break earlier;
            }
        };
        if dice.below(2) == 0 { Sighting::ByEmail { person } } else { Sighting::ByPhone { person } }
    }

    /// What names the row's person.
    #[must_use]
    pub fn names(&self, row: u64) -> Names {
        let (email_of, phone_of) = match self.sighting(row) {
            Sighting::First => (row, row),
            Sighting::ByEmail { person } => (person, row),
            Sighting::ByPhone { person } => (row, person),
        };
        let (first, last) = self.full_name(email_of);
        let (first, last) = (first.to_ascii_lowercase(), last.to_ascii_lowercase());
        Names {
            id: format!("C{row:08}"),
            email: format!("{first}.{last}.{email_of}@example.org"),
            phone: phone(phone_of),
        }
    }

    fn full_name(self, row: u64) -> (&'static str, &'static str) {
        let mut dice = Dice::of(self.seed.wrapping_add(2), self.person(row));
        (dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES))
    }

    /// Appends a row as a JSON object. Each `revision` differs from the one
    /// before in the stage and in the time of the last change.
    pub fn write(&self, row: u64, revision: u32, out: &mut String) {
        let names = self.names(row);
        let (first, last) = self.full_name(row);
        let mut dice = Dice::of(self.seed.wrapping_add(3), row);
        let (city, postcode) = CITIES
            .get(usize::try_from(dice.below(CITIES.len() as u64)).unwrap_or(0))
            .copied()
            .unwrap_or_default();
        let stage = usize::try_from(dice.below(STAGES.len() as u64)).unwrap_or(0);
        let stage = STAGES.get((stage + revision as usize) % STAGES.len()).unwrap_or(&"");
        // Writing into a text cannot fail.
        let _ = write!(
            out,
            concat!(
                r#"{{"id":"{}","first_name":"{}","last_name":"{}","email":"{}","phone":"{}","#,
                r#""street":"{} {}, bâtiment {:02}, escalier {:02}, étage {:02}","postcode":"{}{:02}","city":"{}","country":"FR","#,
                r#""birth_date":"{}-{:02}-{:02}","company":"SARL {} {} et associés de {}","stage":"{}","#,
                r#""consent_email":{},"consent_sms":{},"#,
                r#""created_at":"20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}Z","#,
                r#""updated_at":"2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z"}}"#,
            ),
            names.id,
            first,
            last,
            names.email,
            names.phone,
            1 + dice.below(180),
            dice.pick(&STREETS),
            1 + dice.below(20),
            1 + dice.below(9),
            dice.below(12),
            postcode,
            dice.below(100),
            city,
            1940 + dice.below(66),
            1 + dice.below(12),
            1 + dice.below(28),
            dice.pick(&COMPANIES),
            last,
            city,
            stage,
            dice.below(3) != 0,
            dice.below(3) == 0,
            10 + dice.below(16),
            1 + dice.below(12),
            1 + dice.below(28),
            dice.below(24),
            dice.below(60),
            dice.below(60),
            1 + revision % 12,
            1 + dice.below(28),
            dice.below(24),
            dice.below(60),
            dice.below(60),
            dice.below(1_000_000),
        );
    }
}

/// The phone number of a row, in E.164; each has another, below [`ROWS_MAX`].
pub(crate) fn phone(row: u64) -> String {
    // Not row 0's nought times the step: nothing but noughts names nobody.
    let number = (row + 1) * PHONE_STEP % ROWS_MAX;
    let block = usize::try_from(number / PHONE_BLOCK).ok().and_then(|at| PHONE_BLOCKS.get(at));
    format!("+336{}{:07}", block.unwrap_or(&""), number % PHONE_BLOCK)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Names, People};

    const ROWS: u64 = 5_000;

    fn text(people: People, row: u64, revision: u32) -> String {
        let mut text = String::new();
        people.write(row, revision, &mut text);
        text
    }

    #[test]
    fn a_row_depends_on_seed_and_number_alone() {
        let (one, other) = (People::new(7), People::new(8));
        assert_eq!(text(one, 4_321, 0), text(People::new(7), 4_321, 0));
        assert_ne!(text(one, 4_321, 0), text(other, 4_321, 0));
        assert_ne!(text(one, 4_321, 0), text(one, 4_321, 1));
    }

    #[test]
    fn rows_have_the_size_and_form_that_figures_are_quoted_for() {
        let people = People::new(1);
        let mut bytes = 0;
        for row in 0..ROWS {
            let text = text(people, row, 0);
            let value: serde_json::Value = serde_json::from_str(&text).expect(&text);
            let object = value.as_object().expect("an object");
            assert_eq!(object.len(), 16, "{text}");
            assert_eq!(object["id"], people.names(row).id);
            assert_eq!(object["email"], people.names(row).email);
            bytes += text.len();
        }
        let mean = bytes as u64 / ROWS;
        assert!((460..=480).contains(&mean), "{mean} bytes per row");
    }

    /// Rows on which a hub and its references must agree are recognised by
    /// every value that they share.
    #[test]
    fn every_name_is_valid_in_its_namespace() {
        use hub_engine::identity::{Normalised, normalise};
        let folder = tempfile::tempdir().unwrap();
        let components = std::path::Path::new("/c");
        let world = crate::world::Purpose::Work;
        let world = crate::world::World::create(folder.path(), components, 1, world).unwrap();
        let rules = hub_config::load(world.root()).unwrap().rules();
        let people = People::new(1);
        for row in 0..ROWS {
            let Names { id, email, phone } = people.names(row);
            for (name, value) in [("customer", id), ("email", email), ("phone", phone)] {
                let namespace = rules.namespace(name).unwrap();
                let found = normalise(namespace, &hub_model::Value::from(value.as_str()));
                assert!(matches!(found, Normalised::Identity(_)), "{value}: {found:?}");
            }
        }
    }

    #[test]
    fn nine_of_ten_are_new_and_others_share_one_name() {
        let people = People::new(1);
        let persons = people.persons(ROWS);
        assert!((ROWS * 88 / 100..=ROWS * 92 / 100).contains(&persons), "{persons}");
        let mut emails: BTreeMap<String, u64> = BTreeMap::new();
        let mut phones: BTreeMap<String, u64> = BTreeMap::new();
        let mut shared = BTreeSet::new();
        for row in 0..ROWS {
            let Names { email, phone, .. } = people.names(row);
            let person = people.person(row);
            let by_email = *emails.entry(email).or_insert(person);
            let by_phone = *phones.entry(phone).or_insert(person);
            assert_eq!((by_email, by_phone), (person, person), "row {row} names a stranger");
            if person != row {
                let first = people.names(person);
                let names = people.names(row);
                let same = (names.email == first.email, names.phone == first.phone);
                assert!(same.0 != same.1, "row {row}: {same:?}");
                shared.insert(same);
            }
        }
        assert_eq!(shared.len(), 2, "both ways of meeting again occur");
        assert_eq!(emails.len() + phones.len(), usize::try_from(ROWS + persons).unwrap());
    }
}
