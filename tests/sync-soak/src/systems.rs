//! Five systems that can all be written to: how people edit in each, and what each
//! shows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::MutexGuard;

use anyhow::{Context as _, Result, ensure};
use doubles::contacts::Contacts;
use doubles::http::Server;
use doubles::hubspot::HubSpot;
use serde_json::{Value, json};
use xtask::demo::{
    data::{Row, read_rows, write_rows},
    world::Party,
};
use xtask::place::Place;
use xtask::tools;
use xtask::tryton::{Tryton, rpc::Session};

use crate::erp;
use crate::people::Person;

/// What a system shows of somebody, by trait.
pub type Fields = BTreeMap<String, String>;

const TOKEN: &str = "a-token-of-the-ring";
const COLUMNS: [&str; 3] = ["email", "name", "city"];

/// One of the ring.
pub trait System {
    /// The connection and the sync.
    fn id(&self) -> &'static str;

    /// Every row, by e-mail address.
    ///
    /// # Errors
    /// It does not answer.
    fn rows(&self) -> Result<Vec<(String, Fields)>>;

    /// Everybody, by e-mail address.
    ///
    /// # Errors
    /// It does not answer, or shows somebody twice.
    fn people(&self) -> Result<BTreeMap<String, Fields>> {
        let rows = self.rows()?;
        let count = rows.len();
        let people: BTreeMap<String, Fields> = rows.into_iter().collect();
        ensure!(
            people.len() == count,
            "{} of {count} rows of {} are doubles",
            count - people.len(),
            self.id()
        );
        Ok(people)
    }

    /// Somebody is entered.
    ///
    /// # Errors
    /// It is refused.
    fn enter(&mut self, person: &Person) -> Result<()>;

    /// The `name` or `city` of somebody is edited.
    ///
    /// # Errors
    /// It is refused.
    fn edit(&mut self, email: &str, name: &str, value: &str) -> Result<()>;

    /// Its stream, and its fields by trait.
    fn stream(&self) -> (&'static str, &'static [(&'static str, &'static str)]);

    /// Whether it knows where people live.
    fn has_cities(&self) -> bool {
        self.stream().1.iter().any(|(name, _)| *name == "city")
    }

    /// What it is to the organisation, and the connector that speaks to it.
    fn class(&self) -> (&'static str, &'static str);

    /// Its sync: every field both ways.
    fn sync(&self, schedule: &str) -> String {
        let (stream, fields) = self.stream();
        let mut text = format!(
            "connection = \"{}\"\nstream = \"{stream}\"\nschedule = \"{schedule}\"\n\
             kind = \"person\"\nmatching = [\"{}\"]\n[guards]\nrecords_percent_max = 100\n",
            self.id(),
            fields.first().map_or("email", |(_, field)| field)
        );
        for (name, field) in fields {
            let identity = if *name == "email" { "identity = \"email\"\n" } else { "" };
            text += &format!(
                "[[fields]]\nfield = \"{field}\"\ntrait = \"{name}\"\ndirection = \"<->\"\n{identity}"
            );
        }
        text
    }
}

/// Starts all five, empty, and connects them.
///
/// # Errors
/// The ERP does not start, or a file cannot be written.
pub fn open(place: &Place) -> Result<Vec<Box<dyn System>>> {
    let tryton = Tryton::start(&place.work.join("tryton"))?;
    place.connect_erp("erp", &tryton)?;
    let session = tryton.session()?;

    let account = Server::start(HubSpot::default())?;
    account.vendor().lag_millis = 200;
    tools::hubspot(place, "crm", &account)?;

    place.configure(
        "[connections.list]\nconnector = \"files\"\n\
         folders.in = { path = \"list\", writable = true }\n\
         [connections.list.settings]\nfolder = \"in\"\n\
         streams.people = { file = \"people.csv\", key = \"email\" }\n",
    )?;
    place.write("list/people.csv", "email,name,city\n")?;

    place.keep_secret("token", TOKEN)?;
    let service = |id: &'static str, class: (&'static str, &'static str), more, fields| {
        // Two accounts of one kind differ in what they are asked for.
        let server = Server::start(Contacts::new(TOKEN))?;
        server.vendor().unique = id == "shop";
        let more = format!(
            "settings = {{ url = \"{}\"{more} }}\n\
             credentials.token = {{ token = \"file:secrets/token\" }}",
            server.url()
        );
        place.connect(id, class.1, server.port(), &more)?;
        anyhow::Ok(Service { id, class, server, fields })
    };
    let shop = service("shop", ("shop", "guest-template"), "", &SHOP)?;
    let desk = service("desk", ("help desk", "guest-plain"), ", upsert = true", &DESK)?;
    Ok(vec![
        Box::new(Erp { _tryton: tryton, session }),
        Box::new(Crm { account }),
        Box::new(List { file: place.work.join("list/people.csv") }),
        Box::new(shop),
        Box::new(desk),
    ])
}

/// Enters people, each into two of the systems, which are empty, or into one.
///
/// # Errors
/// Somebody is refused.
pub fn enter(systems: &mut [Box<dyn System>], people: usize) -> Result<()> {
    let count = systems.len();
    for number in 0..people {
        let person = Person::of(number);
        for at in BTreeSet::from([number % count, (number + 1 + number / count) % count]) {
            if let Some(system) = systems.get_mut(at) {
                system.enter(&person)?;
            }
        }
    }
    Ok(())
}

const SHOP: [(&str, &str); 2] = [("email", "email"), ("name", "name")];
const DESK: [(&str, &str); 3] = [("email", "email"), ("name", "name"), ("city", "city")];

struct Erp {
    _tryton: Tryton,
    session: Session,
}

impl Erp {
    fn of(&self, email: &str) -> Result<i64> {
        let has = |party: &erp::Party| party.get("email 1").is_some_and(|own| own == email);
        let found = erp::parties(&self.session)?.into_iter().find(|(_, party)| has(party));
        found.map(|(id, _)| id).with_context(|| format!("{email} is not in the ERP"))
    }
}

impl System for Erp {
    fn id(&self) -> &'static str {
        "erp"
    }

    fn class(&self) -> (&'static str, &'static str) {
        ("ERP", "erp-tryton")
    }

    fn stream(&self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        ("parties", &[("email", "email"), ("name", "name"), ("city", "address1_city")])
    }

    fn rows(&self) -> Result<Vec<(String, Fields)>> {
        let shown = |party: &erp::Party| {
            let field = |own: &str| party.get(own).cloned().unwrap_or_default();
            let fields = [("name", field("name")), ("city", field("city 1"))];
            (field("email 1"), fields.map(|(name, value)| (name.to_owned(), value)).into())
        };
        Ok(erp::parties(&self.session)?.values().map(shown).collect())
    }

    fn enter(&mut self, person: &Person) -> Result<()> {
        erp::enter(&self.session, &[erp::values(person, true)])
    }

    fn edit(&mut self, email: &str, name: &str, value: &str) -> Result<()> {
        let id = self.of(email)?;
        let party = Party::new(&self.session, id);
        let has_address = || -> Result<bool> {
            Ok(erp::parties(&self.session)?.get(&id).is_some_and(|it| it.contains_key("city 1")))
        };
        match name {
            "city" if has_address()? => {
                party.write_child("address", json!([]), 0, json!({ "city": value }))
            }
            "city" => party.write(json!({ "addresses": [["create", [{ "city": value }]]] })),
            _ => party.write(json!({ "name": value })),
        }
    }
}

struct Crm {
    account: Server<HubSpot>,
}

impl Crm {
    fn id_of(account: &MutexGuard<'_, HubSpot>, email: &str) -> Result<String> {
        let found = account.with("contacts", "email", email).pop();
        found.with_context(|| format!("{email} is not in the CRM"))
    }
}

impl System for Crm {
    fn id(&self) -> &'static str {
        "crm"
    }

    fn class(&self) -> (&'static str, &'static str) {
        ("CRM", "crm-hubspot")
    }

    fn stream(&self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        ("contacts", &[("email", "email"), ("name", "lastname"), ("city", "city")])
    }

    fn rows(&self) -> Result<Vec<(String, Fields)>> {
        let account = self.account.vendor();
        let shown = |id: String| {
            let values = account.values("contacts", &id)?;
            let field = |own: &str| values.get(own).cloned().unwrap_or_default();
            let fields = [("name", field("lastname")), ("city", field("city"))];
            Some((field("email"), fields.map(|(name, value)| (name.to_owned(), value)).into()))
        };
        Ok(account.ids("contacts").into_iter().filter_map(shown).collect())
    }

    fn enter(&mut self, person: &Person) -> Result<()> {
        let values =
            json!({ "email": person.email, "lastname": person.name(), "city": person.city });
        self.account.vendor().enter("contacts", &values);
        Ok(())
    }

    fn edit(&mut self, email: &str, name: &str, value: &str) -> Result<()> {
        let mut account = self.account.vendor();
        let id = Self::id_of(&account, email)?;
        let property = if name == "name" { "lastname" } else { name };
        account.edit("contacts", &id, &json!({ property: value }));
        Ok(())
    }
}

struct List {
    file: PathBuf,
}

impl List {
    fn change(&self, change: impl FnOnce(&mut Vec<Row>)) -> Result<()> {
        let mut rows = read_rows(&self.file)?;
        change(&mut rows);
        write_rows(&self.file, &COLUMNS, &rows)
    }
}

impl System for List {
    fn id(&self) -> &'static str {
        "list"
    }

    fn class(&self) -> (&'static str, &'static str) {
        ("mailing list", "files")
    }

    fn stream(&self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        ("people", &[("email", "email"), ("name", "name"), ("city", "city")])
    }

    fn rows(&self) -> Result<Vec<(String, Fields)>> {
        let shown = |mut row: Row| (row.remove("email").unwrap_or_default(), row);
        Ok(read_rows(&self.file)?.into_iter().map(shown).collect())
    }

    fn enter(&mut self, person: &Person) -> Result<()> {
        let fields = [
            ("email", person.email.clone()),
            ("name", person.name()),
            ("city", person.city.into()),
        ];
        let row = fields.map(|(name, value)| (name.to_owned(), value)).into();
        self.change(|rows| rows.push(row))
    }

    fn edit(&mut self, email: &str, name: &str, value: &str) -> Result<()> {
        self.change(|rows| {
            for row in rows.iter_mut().filter(|row| row["email"] == email) {
                row.insert(name.to_owned(), value.to_owned());
            }
        })
    }
}

struct Service {
    id: &'static str,
    class: (&'static str, &'static str),
    server: Server<Contacts>,
    fields: &'static [(&'static str, &'static str)],
}

impl System for Service {
    fn id(&self) -> &'static str {
        self.id
    }

    fn class(&self) -> (&'static str, &'static str) {
        self.class
    }

    fn stream(&self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        ("contacts", self.fields)
    }

    fn rows(&self) -> Result<Vec<(String, Fields)>> {
        let text =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let account = self.server.vendor();
        let shown = |contact: &serde_json::Map<String, Value>| {
            let fields = self.fields.iter().filter(|(name, _)| *name != "email");
            let fields =
                fields.map(|(name, field)| ((*name).to_owned(), text(contact.get(*field))));
            (text(contact.get("email")), fields.collect())
        };
        Ok(account.all().map(shown).collect())
    }

    fn enter(&mut self, person: &Person) -> Result<()> {
        let mut values = json!({ "email": person.email, "name": person.name() });
        if self.has_cities() {
            values["city"] = json!(person.city);
        }
        self.server.vendor().enter(&values);
        Ok(())
    }

    fn edit(&mut self, email: &str, name: &str, value: &str) -> Result<()> {
        self.server.vendor().edit(email, &json!({ name: value }));
        Ok(())
    }
}
