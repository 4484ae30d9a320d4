//! The ten tools besides the five that write to each other: files, web events, mail, two
//! ad platforms and a data partner.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use doubles::google::{self, Google};
use doubles::http::Server;
use doubles::meta::Meta;
use serde_json::{Value, json};
use xtask::demo::data::{Row, read_rows, write_rows};
use xtask::mail::Catcher;
use xtask::place::Place;
use xtask::tools::{self, field, fields, file};

use super::{Connection, SCHEDULE, partner, within};
use crate::people::Person;

/// Everybody whose number is a multiple of this is a regular, and agreed to be shown
/// advertising.
const REGULAR_EVERY: usize = 4;
/// How long somebody who was promoted may take to be in every audience.
const PROMOTION_LIMIT_SECONDS: u64 = 120;
/// The audience of the regulars.
const AUDIENCE: &str = "Regulars";
/// How often the second platform works on what it took in.
const WORKS_EVERY: Duration = Duration::from_secs(1);
/// Columns of the loyalty cards.
const CARD: [&str; 4] = ["email", "points", "tier", "opt_in"];

/// A file that comes from somewhere: its columns after the address become traits.
struct Source {
    id: &'static str,
    class: &'static str,
    columns: &'static [&'static str],
    /// Every so manieth person is in it.
    every: usize,
}

const SOURCES: [Source; 3] = [
    Source { id: "tills", class: "shop (tills)", columns: &["turnover"], every: 2 },
    Source { id: "survey", class: "survey", columns: &["satisfaction"], every: 3 },
    Source { id: "calls", class: "call centre", columns: &["last_call"], every: 5 },
];

/// All of them.
pub(super) struct Others {
    place: Place,
    meta: Server<Meta>,
    google: Arc<Server<Google>>,
    mail: Catcher,
}

impl Others {
    /// Makes files and accounts, and connects them.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn open(place: &Place, people: usize) -> Result<Self> {
        let gold = "all = [{ trait = \"tier\", is = \"gold\" }]\n";
        place.configure(&format!(
            "[purposes.advertising]\nchannels = [\"web\"]\n\
             [purposes.newsletter]\nchannels = [\"email\"]\n\
             [segments.regulars]\npurpose = \"advertising/web\"\n{gold}\
             [segments.thanked]\npurpose = \"newsletter/email\"\n{gold}"
        ))?;
        for source in &SOURCES {
            let known = (0..people).filter(|number| number.is_multiple_of(source.every));
            let rows = known.map(|number| {
                let mut row = Row::from([("email".to_owned(), Person::of(number).email)]);
                let value = |column: &&str| ((*column).to_owned(), format!("{column} {number}"));
                row.extend(source.columns.iter().map(value));
                row
            });
            let columns: Vec<&str> = ["email"].iter().chain(source.columns).copied().collect();
            file(place, source.id, &columns, Some(&rows.collect::<Vec<_>>()))?;
            sync(place, source.id, "people", "", &fields(&columns, "->"))?;
        }
        let cards: Vec<Row> = (0..people).map(card).collect();
        file(place, "loyalty", &CARD, Some(&cards))?;
        let purposes = [("advertising", "web"), ("newsletter", "email")];
        let consents = purposes.map(|key| tools::consent("opt_in", key, "yes", "no"));
        sync(place, "loyalty", "people", "", &(fields(&CARD, "->") + &consents.concat()))?;

        partner::open(place, AUDIENCE, people)?;
        let columns = ["email", "name", "city", "tier", "satisfaction", partner::GIVEN];
        file(place, "warehouse", &columns, None)?;
        let everybody = "matching = [\"email\"]\n[guards]\nrecords_percent_max = 100\n";
        sync(place, "warehouse", "people", everybody, &fields(&columns, "<-"))?;

        let (meta, google) = platforms(place)?;
        for id in ["ads", "search"] {
            let members = "audience = true\nsegment = \"regulars\"\nmatching = [\"email\"]\n";
            sync(place, id, AUDIENCE, members, &fields(&["email"], "<-"))?;
        }

        let mail = post(place)?;
        tools::web(place, "web")?;
        let event = "kind = \"event\"\n[event]\nname = \"event\"\n\
                     time = { field = \"timestamp\", format = \"rfc3339\" }\n";
        let named = "[[fields]]\nfield = \"user_id\"\nidentity = \"email\"\n";
        sync(place, "web", "events", event, named)?;
        Ok(Self { place: place.clone(), meta, google, mail })
    }

    /// Its syncs.
    pub fn syncs(&self) -> impl Iterator<Item = &'static str> {
        self.connections().into_iter().map(|connection| connection.id).chain([partner::ONBOARDING])
    }

    /// Its connections.
    pub fn connections(&self) -> Vec<Connection> {
        let of = |id, class, connector| Connection { id, class, connector, runs: 0 };
        let sources = SOURCES.iter().map(|source| of(source.id, source.class, "files"));
        let rest = [
            of("loyalty", "loyalty cards", "files"),
            of("warehouse", "data warehouse", "files"),
            of(partner::ID, "DMP (data partner)", "dmp-audience-files"),
            of("ads", "ad platform", "ads-meta"),
            of("search", "ad platform", "ads-google"),
            of("mail", "e-mail sender", "email-smtp"),
            of("web", "web site", "events-in"),
        ];
        sources.chain(rest).collect()
    }

    /// People look at pages of the web site.
    ///
    /// # Errors
    /// The hub does not take it in.
    pub fn visit(&self, people: usize) -> Result<()> {
        let page = |number: usize| {
            json!({
                "type": "track", "event": "Page Viewed", "messageId": format!("m-{number}"),
                "userId": Person::of(number).email, "timestamp": "2026-11-01T09:00:00Z",
            })
        };
        let batch: Vec<Value> = (0..people).step_by(10).map(page).collect();
        tools::track(&self.place, "web", &batch)
    }

    /// Who should be where is there.
    ///
    /// # Errors
    /// Somebody is missing, or there who should not be.
    pub fn came_together(&self, people: usize) -> Result<()> {
        let out = read_rows(&self.place.work.join("warehouse/people.csv"))?;
        ensure!(out.len() == people, "{} of {people} people went out", out.len());
        let told = out.iter().filter(|row| row["tier"] == "gold").count();
        let regulars = people.div_ceil(REGULAR_EVERY);
        ensure!(told == regulars, "{told} of {regulars} regulars went out");
        let (matched, known) = (
            out.iter().filter(|row| row[partner::GIVEN].starts_with("m-")).count(),
            partner::known(people),
        );
        ensure!(matched == known, "{matched} ids of {known} people went out");
        let missing = self.missing(regulars)?;
        ensure!(missing.is_empty(), "{missing:?}");
        Ok(())
    }

    /// Somebody gets the golden card; returns when every audience has one more.
    ///
    /// # Errors
    /// He does not come there in time.
    pub fn promote(&mut self) -> Result<f64> {
        let path = self.place.work.join("loyalty/people.csv");
        let mut cards = read_rows(&path)?;
        let card = cards.iter_mut().find(|card| card["tier"] != "gold").context("all have gold")?;
        card.insert("tier".to_owned(), "gold".to_owned());
        card.insert("opt_in".to_owned(), "yes".to_owned());
        let regulars = cards.iter().filter(|card| card["tier"] == "gold").count();
        write_rows(&path, &CARD, &cards)?;
        within(PROMOTION_LIMIT_SECONDS, || self.missing(regulars))
    }

    /// Where there are not so many regulars. Whoever is thanked is thanked once.
    fn missing(&self, regulars: usize) -> Result<Vec<String>> {
        let mut thanked: Vec<String> =
            self.mail.caught()?.iter().map(|mail| mail["recipients"].to_string()).collect();
        let letters = thanked.len();
        thanked.sort();
        thanked.dedup();
        ensure!(thanked.len() == letters, "{letters} letters to {} people", thanked.len());
        let (meta, google) = (self.meta.vendor(), self.google.vendor());
        let of_meta = meta.numbers(AUDIENCE).first().map_or(0, |it| meta.people(it).len());
        let of_google = google.numbers(AUDIENCE).first().map_or(0, |it| google.people(it).len());
        let of_partner = partner::members(&self.place)?.len();
        let places = [
            ("ads", of_meta),
            ("search", of_google),
            (partner::ONBOARDING, of_partner),
            ("mail", letters),
        ];
        let behind = places.into_iter().filter(|(_, people)| *people != regulars);
        Ok(behind.map(|(id, people)| format!("{id}: {people} of {regulars}")).collect())
    }
}

/// A mail server, and a connection that thanks whoever has become a regular.
fn post(place: &Place) -> Result<Catcher> {
    let catcher = Catcher::start(&place.work.join("mx"))?;
    let templates = "templates.thanks = { subject = \"Thank you, {{name}}!\", \
                     text = \"You have gold.\", purpose = \"newsletter\" }";
    tools::mail(place, "mail", &catcher, templates)?;
    let once = "segment = \"thanked\"\ncreate = \"create-only\"\nmatching = [\"to\"]\n\
                [guards]\nrecords_percent_max = 100\n";
    let fields = field("to", "email", "<-") + &field("name", "name", "<-");
    sync(place, "mail", "thanks", once, &fields)?;
    Ok(catcher)
}

/// Two ad platforms, and their connections.
fn platforms(place: &Place) -> Result<(Server<Meta>, Arc<Server<Google>>)> {
    let meta = Server::start(Meta::default())?;
    tools::meta(place, "ads", &meta)?;

    let google = Arc::new(Server::start(Google::default())?);
    for part in ["client", "secret"] {
        place.keep_secret(&format!("google-{part}"), part)?;
    }
    place.keep_secret("google-refresh", google::REFRESH_TOKEN)?;
    let more = format!(
        "settings = {{ url = \"{0}\", login_url = \"{0}\", account = \"{1}\" }}\n\
         credentials.google = {{ client_id = \"file:secrets/google-client\", \
         client_secret = \"file:secrets/google-secret\", \
         refresh_token = \"file:secrets/google-refresh\" }}",
        google.url(),
        google::ACCOUNT
    );
    place.connect("search", "ads-google", google.port(), &more)?;
    // It takes requests in and works on them later, until nobody needs it any more.
    let account = Arc::downgrade(&google);
    thread::spawn(move || {
        while let Some(account) = account.upgrade() {
            account.vendor().work(0);
            drop(account);
            thread::sleep(WORKS_EVERY);
        }
    });
    Ok((meta, google))
}

/// The loyalty card of a person.
fn card(number: usize) -> Row {
    let is_regular = number.is_multiple_of(REGULAR_EVERY);
    let pick = |yes: &str, no: &str| if is_regular { yes } else { no }.to_owned();
    let values = [
        Person::of(number).email,
        (number * 10).to_string(),
        pick("gold", "green"),
        pick("yes", "no"),
    ];
    CARD.iter().map(|column| (*column).to_owned()).zip(values).collect()
}

/// A sync of a connection, by the same name.
fn sync(place: &Place, id: &str, stream: &str, head: &str, fields: &str) -> Result<()> {
    let text = format!(
        "connection = \"{id}\"\nstream = \"{stream}\"\nschedule = \"{SCHEDULE}\"\n{head}{fields}"
    );
    place.write(&format!("syncs/{id}.toml"), &text)
}
