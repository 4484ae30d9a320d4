//! The people, their ERP, and the mapping between them, sound and wrecked.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::json;
use xtask::demo::{
    data::{Row, write_rows},
    world,
};
use xtask::place::Place;
use xtask::tryton::{Tryton, rpc::Session};

use crate::dice::Dice;
use crate::erp::{self, Party};
use crate::people::Person;

/// Rounds in which the ERP must be filled.
const ROUNDS_MAX: usize = 6;
const COLUMNS: [&str; 7] = ["id", "first_name", "last_name", "email", "phone", "street", "city"];

/// How people are mapped to the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapping {
    /// As it should be.
    Sound,
    /// First and last name swapped, one address for everybody.
    Wrecked,
}

/// Something that a user of the ERP did.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Whose.
    pub party: i64,
    /// What, as the ERP's own data name it.
    pub field: String,
    /// What it became.
    pub value: String,
}

/// A hub between a file of people and an ERP.
pub struct World {
    /// The hub's folder.
    pub place: Place,
    /// A user of the ERP.
    pub session: Session,
    _erp: Tryton,
}

impl World {
    /// An ERP in which half of the people were entered by its users, and the hub has
    /// made the others.
    ///
    /// # Errors
    /// A system does not start, or the syncs do not settle.
    pub fn open(work: &Path, parties: usize) -> Result<Self> {
        let place = Place::new(work)?;
        let tryton = Tryton::start(&work.join("tryton"))?;
        let session = tryton.session()?;
        place.configure(
            "[namespaces.customer]\nnormaliser = \"code\"\n\
             [connections.shop]\nconnector = \"files\"\nfolders.in = { path = \"in\" }\n\
             [connections.shop.settings]\nfolder = \"in\"\n\
             streams.people = { file = \"people.csv\", key = \"id\" }\n",
        )?;
        place.connect_erp("erp", &tryton)?;
        place.write("syncs/people.toml", include_str!("people.toml"))?;
        let world = Self { place, session, _erp: tryton };
        world.map(Mapping::Sound)?;
        let people: Vec<Person> = (1..=parties).map(Person::of).collect();
        // One in seven has no address in the ERP, which the hub gives her.
        let entered = people.iter().step_by(2).enumerate();
        let entered: Vec<_> =
            entered.map(|(at, person)| erp::values(person, at % 7 != 0)).collect();
        for batch in entered.chunks(100) {
            erp::enter(&world.session, batch)?;
        }
        world.write_people(&people.iter().map(row).collect::<Vec<_>>())?;
        world.place.ask(&["check", "--online"])?;
        world.place.settle(&["erp", "people", "erp"], ROUNDS_MAX)?;
        Ok(world)
    }

    /// Writes the file of people.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_people(&self, rows: &[Row]) -> Result<()> {
        let file = self.place.work.join("in/people.csv");
        std::fs::create_dir_all(self.place.work.join("in"))?;
        write_rows(&file, &COLUMNS, rows)
    }

    /// Maps people to the ERP in this way from now on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn map(&self, mapping: Mapping) -> Result<()> {
        let (name, email) = match mapping {
            Mapping::Sound => {
                ("{first_name} {last_name}", "trait = \"email\"\ndirection = \"<->\"")
            }
            Mapping::Wrecked => (
                "{last_name} {first_name}",
                "constant = \"nobody@example.org\"\ndirection = \"<-\"",
            ),
        };
        let text = include_str!("erp.toml").replace("@NAME@", name).replace("@EMAIL@", email);
        self.place.write("syncs/erp.toml", &text)
    }

    /// Users of the ERP edit so many parties, each in one field: what the run wrote,
    /// and what it did not touch.
    ///
    /// # Errors
    /// The ERP refuses it.
    pub fn edit(
        &self,
        before: &BTreeMap<i64, Party>,
        count: usize,
        dice: &mut Dice,
    ) -> Result<Vec<Edit>> {
        let mut free: Vec<i64> = before.keys().copied().collect();
        let mut edits = Vec::new();
        for number in 0..count {
            let id = free.swap_remove(dice.below(free.len()));
            let party = world::Party::new(&self.session, id);
            let (field, value) = match number % 3 {
                0 => {
                    let value = format!("Edited {number}");
                    party.write(json!({ "name": value }))?;
                    ("name", value)
                }
                1 => {
                    let value = format!("edited.{number}@example.net");
                    let email = json!(["type", "=", "email"]);
                    let values = json!({ "value": value });
                    party.write_child("contact_mechanism", email, 0, values)?;
                    ("email 1", value)
                }
                _ => {
                    let value = format!("{number} Edited Street");
                    party.write_child("address", json!([]), 0, json!({ "street": value }))?;
                    ("street 1", value)
                }
            };
            edits.push(Edit { party: id, field: field.to_owned(), value });
        }
        Ok(edits)
    }
}

/// A person as a row of the file.
pub fn row(person: &Person) -> Row {
    let values = [
        person.code.clone(),
        person.first_name.to_owned(),
        person.last_name.clone(),
        person.email.clone(),
        person.phone.clone(),
        person.street.clone(),
        person.city.to_owned(),
    ];
    COLUMNS.iter().map(|column| (*column).to_owned()).zip(values).collect()
}
