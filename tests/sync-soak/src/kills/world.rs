//! A file that grows, and four systems that it is brought to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use doubles::contacts::{Contacts, Patience};
use doubles::http::{Server, Waits};
use xtask::demo::data::{Row, write_rows};
use xtask::place::Place;
use xtask::tryton::{Tryton, rpc::Session};

use crate::dice::Dice;
use crate::erp;
use crate::people::Person;

/// The syncs: the file, and where it is brought.
pub const SYNCS: [&str; 5] = ["people", "erp", "external-id", "key", "nothing"];
/// The systems that are fake: connector, settings, and whether they know keys.
const SERVICES: [(&str, &str, &str, bool); 3] = [
    ("external-id", "guest-plain", ", upsert = true", false),
    ("key", "guest-template", "", true),
    ("nothing", "guest-plain", "", false),
];
const TOKEN: &str = "a-token-of-the-kills";
/// Longer than the hub leaves a create open: looking does not always help.
const LAG: Duration = Duration::from_secs(90);
/// How long a write of a service takes before it is carried out, and after that.
const WAIT_MILLIS_MAX: usize = 60;
/// One in so many people is edited whenever the file grows.
const EDITED_OF: usize = 40;

/// Everything but the hub.
pub struct World {
    /// The hub's folder.
    pub place: Place,
    /// The names that the file has, by e-mail address.
    pub people: BTreeMap<String, String>,
    session: Session,
    services: BTreeMap<&'static str, Server<Contacts>>,
    _erp: Tryton,
}

impl World {
    /// Starts the systems.
    ///
    /// # Errors
    /// One does not start.
    pub fn open(work: &Path, seed: u64) -> Result<Self> {
        let place = Place::new(work)?;
        let tryton = Tryton::start(&work.join("tryton"))?;
        let session = tryton.session()?;
        place.configure(
            "[namespaces.email]\nnormaliser = \"email\"\n\
             [connections.shop]\nconnector = \"files\"\nfolders.in = { path = \"in\" }\n\
             [connections.shop.settings]\nfolder = \"in\"\n\
             streams.people = { file = \"people.csv\", key = \"email\" }\n",
        )?;
        place.write("syncs/people.toml", &sync("shop", "people", "->"))?;
        place.connect_erp("erp", &tryton)?;
        place.write("syncs/erp.toml", &sync("erp", "parties", "<-"))?;
        place.keep_secret("token", TOKEN)?;
        let mut services = BTreeMap::new();
        for (number, (id, connector, settings, keys)) in (0..).zip(SERVICES) {
            let mut account = Contacts::new(TOKEN);
            (account.unique, account.keys, account.lag) = (false, keys, LAG);
            account.patience = Some(patience(seed ^ (number << 32)));
            let server = Server::start(account)?;
            let more = format!(
                "settings = {{ url = \"{}\"{settings} }}\n\
                 credentials.token = {{ token = \"file:secrets/token\" }}",
                server.url()
            );
            place.connect(id, connector, server.port(), &more)?;
            place.write(&format!("syncs/{id}.toml"), &sync(id, "contacts", "<-"))?;
            services.insert(id, server);
        }
        let world = Self { place, people: BTreeMap::new(), session, services, _erp: tryton };
        world.write_people()?;
        world.place.ask(&["check", "--online"])?;
        Ok(world)
    }

    /// More people, and some who are called otherwise from now on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn grow(&mut self, count: usize, dice: &mut Dice) -> Result<()> {
        for name in self.people.values_mut() {
            if dice.below(EDITED_OF) == 0 {
                *name = format!("Renamed {}", dice.below(1_000_000));
            }
        }
        let known = self.people.len();
        let new = (known..known + count).map(Person::of);
        self.people.extend(new.map(|person| (person.email.clone(), person.name())));
        self.write_people()
    }

    /// Writes that have come in at the services.
    pub fn begun(&self) -> u64 {
        self.services.values().map(|server| server.vendor().begun).sum()
    }

    /// The names that a system shows, by e-mail address.
    ///
    /// # Errors
    /// It does not answer.
    pub fn rows(&self, system: &str) -> Result<BTreeMap<String, Vec<String>>> {
        let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if system == "erp" {
            for mut party in erp::parties(&self.session)?.into_values() {
                let mut field = |name: &str| party.remove(name).unwrap_or_default();
                rows.entry(field("email 1")).or_default().push(field("name"));
            }
            return Ok(rows);
        }
        let service = self.services.get(system).context("no such system")?.vendor();
        for contact in service.all() {
            let text = |name: &str| contact[name].as_str().unwrap_or_default().to_owned();
            rows.entry(text("email")).or_default().push(text("name"));
        }
        Ok(rows)
    }

    fn write_people(&self) -> Result<()> {
        let row = |(email, name): (&String, &String)| {
            let fields = [("email", email.clone()), ("name", name.clone())];
            fields.map(|(column, value)| (column.to_owned(), value)).into()
        };
        let rows: Vec<Row> = self.people.iter().map(row).collect();
        let folder = self.place.work.join("in");
        std::fs::create_dir_all(&folder)?;
        write_rows(&folder.join("people.csv"), &["email", "name"], &rows)
    }
}

/// A first load is killed too often for its share to mean anything.
fn sync(connection: &str, stream: &str, direction: &str) -> String {
    format!(
        "connection = \"{connection}\"\nstream = \"{stream}\"\nschedule = \"every 1s\"\n\
         matching = [\"email\"]\n[guards]\nrecords_percent_max = 100\n\
         [[fields]]\nfield = \"email\"\ntrait = \"email\"\ndirection = \"{direction}\"\n{}\
         [[fields]]\nfield = \"name\"\ntrait = \"name\"\ndirection = \"{direction}\"\n",
        if direction == "->" { "identity = \"email\"\n" } else { "" }
    )
}

/// Each write takes another time, the same for the same seed.
fn patience(seed: u64) -> Patience {
    let mut dice = Dice::new(seed);
    Box::new(move || {
        let mut wait = || Duration::from_millis(dice.below(WAIT_MILLIS_MAX) as u64);
        Waits { before: wait(), after: wait() }
    })
}
