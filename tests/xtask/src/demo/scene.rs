//! The scene of the demo: two customers whom a CRM knows as well, a web site that they
//! visit, mail that thanks whoever buys, once, and is silent when it is told to be.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use doubles::http::Server;
use doubles::hubspot::HubSpot;
use serde_json::{Value, json};

use super::hub::Hub;
use super::story::Edit;
use super::world::{Party, World};
use crate::mail::Catcher;
use crate::place::Place;
use crate::tools::{self, field};

/// Its syncs.
pub const SYNCS: [&str; 6] = ["contacts", "newsletter", "thanks", "news", "visits", "visitors"];
/// How long each step may take.
const LIMIT_SECONDS: u64 = 120;
/// Between two looks.
const LOOK_INTERVAL_MILLISECONDS: u64 = 300;
const SCHEDULE: &str = "every 3s";
/// The subscription of the newsletter in the CRM.
const NEWSLETTER: u64 = 7;
/// Which of the customers they are: nobody edits these.
const BUYER: usize = 0;
const READER: usize = 11;
const TEMPLATES: &str = "\
[connections.mail.settings.templates.thanks]\n\
subject = \"Thank you, {{name}}\"\n\
text = \"You are a customer now.\"\n\
purpose = \"newsletter\"\n\
unsubscribe = \"https://shop.example/leave?who={{to}}\"\n\
[connections.mail.settings.templates.news]\n\
subject = \"News for regulars\"\n\
text = \"There is something new.\"\n\
purpose = \"newsletter\"\n\
unsubscribe = \"https://shop.example/leave?who={{to}}\"\n";

/// Somebody whom the ERP, the file and the CRM know.
#[derive(Debug)]
struct Somebody {
    code: String,
    email: String,
    /// In the CRM.
    id: String,
}

/// The tools, which outlive the hub.
#[derive(Debug)]
pub struct Scene {
    place: Place,
    crm: Server<HubSpot>,
    mail: Catcher,
    buyer: Somebody,
    reader: Somebody,
}

impl Scene {
    /// Starts a CRM and a mail server beside a world whose hub does not run yet, and
    /// connects them and a web site.
    ///
    /// # Errors
    /// The mail server does not start, or a file cannot be written.
    pub fn open(world: &World) -> Result<Self> {
        let (binary, work) = (world.stage.binary.clone(), world.stage.work.clone());
        let place = Place { binary, work, port: world.port };
        let crm = Server::start(HubSpot::default())?;
        let mail = Catcher::start(&place.work.join("mx"))?;
        place.configure(
            "\n# A CRM, mail and a web site came later.\n\
             [purposes.newsletter]\nchannels = [\"email\"]\n\
             [segments.buyers]\npurpose = \"newsletter/email\"\n\
             all = [{ trait = \"stage\", is = \"customer\" }]\n\
             [segments.regulars]\npurpose = \"newsletter/email\"\n\
             all = [{ trait = \"stage\", is = \"other\" }]\n",
        )?;
        tools::hubspot(&place, "crm", &crm)?;
        tools::mail(&place, "mail", &mail, TEMPLATES)?;
        tools::web(&place, "web")?;
        write_syncs(&place)?;
        let enter = |index: usize| {
            let row = world.customers.get(index).context("too few customers")?;
            let (code, email) = (row["id"].clone(), row["email"].clone());
            let values =
                json!({ "email": email, "lastname": row["name"], "lifecyclestage": "lead" });
            crm.vendor().set_status(&email, NEWSLETTER, "SUBSCRIBED");
            let id = crm.vendor().enter("contacts", &values);
            anyhow::Ok(Somebody { code, email, id })
        };
        let (buyer, reader) = (enter(BUYER)?, enter(READER)?);
        Ok(Self { place, crm, mail, buyer, reader })
    }

    /// Plays it, step by step.
    ///
    /// # Errors
    /// Something did not happen in time, or happened twice.
    pub fn play(&self, world: &World, hub: &Hub) -> Result<Vec<Edit>> {
        let mut told = Vec::new();
        let (buyer, reader) = (&self.buyer, &self.reader);
        let mut step = |from, what: String, done: &dyn Fn() -> Result<bool>| {
            let seconds = within(&what, done)?;
            eprintln!("      {what}, {seconds:.1} s later");
            told.push(Edit { what, from, seconds });
            anyhow::Ok(())
        };
        let page = json!({
            "type": "track", "event": "Page Viewed", "userId": buyer.email, "messageId": "m-1",
            "timestamp": "2026-11-01T09:00:00Z",
        });
        // A browser that is not sure whether it was heard says it again.
        tools::track(&self.place, "web", &[page.clone(), page])?;
        let whose = format!("email:{}", buyer.email);
        step(
            "web",
            format!("{} looked at a page: his profile shows it once", buyer.code),
            &|| {
                let Ok(shown) = hub.command(&["profile", "events", &whose, "--json"]) else {
                    return Ok(false);
                };
                let shown: Value = serde_json::from_str(&shown)?;
                let events = shown.pointer("/profiles/0/events").and_then(Value::as_array);
                let viewed = |event: &&Value| event["name"] == "Page Viewed";
                let times = events.into_iter().flatten().filter(viewed).count();
                ensure!(times <= 1, "his profile shows the page {times} times");
                Ok(times == 1)
            },
        )?;

        let values = json!({ "lastname": "Edited In The Crm", "lifecyclestage": "customer" });
        self.crm.vendor().edit("contacts", &buyer.id, &values);
        let session = world.erp.session()?;
        let parties = world.parties()?;
        let party = parties.get(&buyer.code).and_then(|ids| ids.first()).copied();
        let party = Party::new(&session, party.context("he is not in the ERP")?);
        step(
            "CRM",
            format!("the new name of {} is in the ERP and in the file", buyer.code),
            &|| {
                let out = world.out()?;
                let row = out.iter().find(|row| row["code"] == buyer.code);
                let shows = row.is_some_and(|row| row["name"] == "Edited In The Crm");
                Ok(shows && party.shown()?["name"] == "Edited In The Crm")
            },
        )?;
        step("CRM", format!("{} bought: he is thanked by mail", buyer.code), &|| {
            Ok(self.letters("Thank you")? == [buyer.email.as_str()])
        })?;

        let click = self.click()?;
        tools::track(&self.place, "web", &[click])?;
        step("mail", format!("{} unsubscribes in the mail: the CRM knows", buyer.code), &|| {
            Ok(self.crm.vendor().status(&buyer.email, NEWSLETTER) == Some("UNSUBSCRIBED"))
        })?;

        for somebody in [buyer, reader] {
            let values = json!({ "lifecyclestage": "other" });
            self.crm.vendor().edit("contacts", &somebody.id, &values);
        }
        step("CRM", format!("both are regulars: {} alone gets the news", reader.code), &|| {
            Ok(self.letters("News")? == [reader.email.as_str()])
        })?;
        Ok(told)
    }

    /// Nothing was sent twice, and nothing to whoever did not want it.
    ///
    /// # Errors
    /// Something was.
    pub fn check(&self) -> Result<()> {
        let (thanked, told) = (self.letters("Thank you")?, self.letters("News")?);
        ensure!(thanked == [self.buyer.email.as_str()], "thanked: {thanked:?}");
        ensure!(told == [self.reader.email.as_str()], "got the news: {told:?}");
        Ok(())
    }

    /// Whom letters of a subject went to.
    fn letters(&self, subject: &str) -> Result<Vec<String>> {
        let caught = self.mail.caught()?;
        let of = |it: &&Value| it["headers"]["Subject"].as_str().unwrap_or("").contains(subject);
        let to = |it: &Value| it["recipients"][0].as_str().unwrap_or("").to_owned();
        Ok(caught.iter().filter(of).map(to).collect())
    }

    /// What the shop's page tells the hub after a mailbox has posted to the address that
    /// the first letter offers.
    fn click(&self) -> Result<Value> {
        let caught = self.mail.caught()?;
        let letter = caught.first().context("no letter")?;
        let address = letter["headers"]["List-Unsubscribe"].as_str().unwrap_or_default();
        let who = address.split_once("who=").context("the letter offers no way out")?.1;
        let who = who.trim_end_matches('>').replace("%40", "@");
        Ok(json!({
            "type": "identify", "userId": who, "messageId": "leave-1",
            "timestamp": "2026-11-01T09:00:00Z", "traits": { "newsletter": "UNSUBSCRIBED" },
        }))
    }
}

fn write_syncs(place: &Place) -> Result<()> {
    let sync = |id: &str, connection: &str, stream: &str, head: &str, fields: &[String]| {
        let text = format!(
            "connection = \"{connection}\"\nstream = \"{stream}\"\nschedule = \"{SCHEDULE}\"\n\
             {head}{}",
            fields.concat()
        );
        place.write(&format!("syncs/{id}.toml"), &text)
    };
    let consent =
        |field| tools::consent(field, ("newsletter", "email"), "SUBSCRIBED", "UNSUBSCRIBED");
    let contacts = [
        field("email", "email", "->"),
        field("lastname", "name", "<->"),
        field("lifecyclestage", "stage", "->"),
    ];
    let known = "create = \"update-only\"\n";
    sync("contacts", "crm", "contacts", known, &contacts)?;
    let subscription =
        [field("email", "email", "->"), field("status", "newsletter", "<->"), consent("status")];
    let stream = format!("subscription_{NEWSLETTER}");
    sync("newsletter", "crm", &stream, known, &subscription)?;
    for (template, segment) in [("thanks", "buyers"), ("news", "regulars")] {
        let head =
            format!("segment = \"{segment}\"\ncreate = \"create-only\"\nmatching = [\"to\"]\n");
        let mut fields = vec![field("to", "email", "<-")];
        fields.extend((template == "thanks").then(|| field("name", "name", "<-")));
        sync(template, "mail", template, &head, &fields)?;
    }
    let event = "kind = \"event\"\n[event]\nname = \"event\"\n\
                 time = { field = \"timestamp\", format = \"rfc3339\" }\n";
    let who = "[[fields]]\nfield = \"user_id\"\nidentity = \"email\"\n".to_owned();
    sync("visits", "web", "events", event, &[who])?;
    let leaving = [
        field("user_id", "email", "->"),
        field("newsletter", "newsletter", "->"),
        consent("newsletter"),
    ];
    sync("visitors", "web", "people", "", &leaving)
}

/// How long it took until something was so.
fn within(what: &str, done: &dyn Fn() -> Result<bool>) -> Result<f64> {
    let begun = Instant::now();
    let limit = begun + Duration::from_secs(LIMIT_SECONDS);
    while !done()? {
        if Instant::now() > limit {
            bail!("it did not happen within {LIMIT_SECONDS} s: {what}");
        }
        sleep(Duration::from_millis(LOOK_INTERVAL_MILLISECONDS));
    }
    Ok(begun.elapsed().as_secs_f64())
}
