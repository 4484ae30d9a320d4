//! One person's way through real tools: a prospect becomes a customer, the ad audience
//! loses her, the thank-you mail arrives once; she unsubscribes as the mail offers it, the
//! CRM knows, and nothing more is sent; nor is anything to whom mail comes back from.
//!
//! The hub is killed between the steps, web calls come twice, runs are repeated.

use std::thread::sleep;
use std::time::{Duration, Instant};

use doubles::{http::Server, hubspot::HubSpot, meta::Meta};
use serde_json::{Value, json};
use xtask::{
    Unavailable,
    demo::hub::{self, Hub},
    mail::{self, Catcher},
    place::Place,
    tools::{self, field},
};

/// The subscription of the newsletter in the CRM.
const NEWSLETTER: u64 = 7;
const AUDIENCE: &str = "Prospects";
/// How long the hub may take for what was sent to its door.
const LIMIT_SECONDS: u64 = 60;
const ANA: &str = "ana@x.example";
const BOB: &str = "bob@x.example";
/// Mail to him comes back.
const GONE: &str = "gone@x.example";
const TEMPLATES: &str = "\
[connections.mail.settings.templates.thanks]\n\
subject = \"Welcome among our customers, {{name}}\"\n\
text = \"Thank you!\"\n\
purpose = \"newsletter\"\n\
unsubscribe = \"https://shop.example/leave?who={{to}}\"\n\
[connections.mail.settings.templates.offer]\n\
subject = \"Ten per cent for you\"\n\
text = \"This week only.\"\n\
purpose = \"newsletter\"\n\
unsubscribe = \"https://shop.example/leave?who={{to}}\"\n";

/// The organisation: its hub and its tools, which outlive it.
struct Shop {
    place: Place,
    crm: Server<HubSpot>,
    ads: Server<Meta>,
    mail: Catcher,
    _folder: tempfile::TempDir,
}

impl Shop {
    fn open() -> Result<Self, Unavailable> {
        mail::ready()?;
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path()).unwrap();
        let crm = Server::start(HubSpot::default()).unwrap();
        let ads = Server::start(Meta::default()).unwrap();
        let mail = Catcher::start(&folder.path().join("mx")).unwrap();
        place
            .configure(
                "[namespaces.email]\nnormaliser = \"email\"\n\
                 [purposes.newsletter]\nchannels = [\"email\"]\n\
                 [purposes.advertising]\nchannels = [\"web\"]\n\
                 [segments.prospects]\npurpose = \"advertising/web\"\n\
                 all = [{ trait = \"stage\", is = \"lead\" }]\n\
                 [segments.customers]\npurpose = \"newsletter/email\"\n\
                 all = [{ trait = \"stage\", is = \"customer\" }]\n",
            )
            .unwrap();
        tools::hubspot(&place, "crm", &crm).unwrap();
        tools::meta(&place, "ads", &ads).unwrap();
        tools::mail(&place, "mail", &mail, TEMPLATES).unwrap();
        tools::web(&place, "web").unwrap();
        let shop = Self { place, crm, ads, mail, _folder: folder };
        shop.write_syncs();
        Ok(shop)
    }

    fn write_syncs(&self) {
        let newsletter = ("newsletter", "email");
        let contacts = [
            field("email", "email", "->"),
            field("lastname", "name", "->"),
            field("lifecyclestage", "stage", "->"),
            field("ads", "ads", "->"),
            tools::consent("ads", ("advertising", "web"), "yes", "no"),
        ];
        self.sync("contacts", "crm", "contacts", "", &contacts);
        let subscription = [
            field("email", "email", "->"),
            field("status", "newsletter", "<->"),
            tools::consent("status", newsletter, "SUBSCRIBED", "UNSUBSCRIBED"),
        ];
        let stream = format!("subscription_{NEWSLETTER}");
        self.sync("newsletter", "crm", &stream, "create = \"update-only\"\n", &subscription);
        let members = "audience = true\nsegment = \"prospects\"\nmatching = [\"email\"]\n";
        self.sync("ads", "ads", AUDIENCE, members, &[field("email", "email", "<-")]);
        let letter = "segment = \"customers\"\ncreate = \"create-only\"\nmatching = [\"to\"]\n";
        let (to, name) = (field("to", "email", "<-"), field("name", "name", "<-"));
        self.sync("thanks", "mail", "thanks", letter, &[to.clone(), name]);
        self.sync("offer", "mail", "offer", letter, &[to]);
        let leaving = [
            field("user_id", "email", "->"),
            field("newsletter", "newsletter", "->"),
            tools::consent("newsletter", newsletter, "SUBSCRIBED", "UNSUBSCRIBED"),
        ];
        self.sync("visitors", "web", "people", "", &leaving);
        let event = "kind = \"event\"\n[event]\nname = \"event\"\n\
                     time = { field = \"timestamp\", format = \"rfc3339\" }\n";
        let who = "[[fields]]\nfield = \"user_id\"\nidentity = \"email\"\n".to_owned();
        self.sync("visits", "web", "events", event, &[who]);
        let back = "[[event.suppress]]\nevent = \"bounce\"\nfield = \"kind\"\nis = [\"hard\"]\n\
                    channel = \"email\"\n[[fields]]\nfield = \"email\"\nidentity = \"email\"\n";
        self.sync("back", "mail", "reports", event, &[back.to_owned()]);
    }

    fn sync(&self, id: &str, connection: &str, stream: &str, head: &str, fields: &[String]) {
        let text = format!(
            "connection = \"{connection}\"\nstream = \"{stream}\"\nschedule = \"manual\"\n{head}{}",
            fields.concat()
        );
        self.place.write(&format!("syncs/{id}.toml"), &text).unwrap();
    }

    /// Somebody is entered into the CRM, and subscribes.
    fn enter(&self, email: &str, name: &str, stage: &str) -> String {
        let mut crm = self.crm.vendor();
        crm.set_status(email, NEWSLETTER, "SUBSCRIBED");
        let values = json!({
            "email": email, "lastname": name, "lifecyclestage": stage, "ads": "yes",
        });
        crm.enter("contacts", &values)
    }

    /// Runs everything once, in one order.
    fn round(&self) {
        for sync in ["contacts", "newsletter", "ads", "thanks", "newsletter"] {
            self.place.run(sync).unwrap();
        }
    }

    /// How many people the ad audience has.
    fn audience(&self) -> usize {
        let ads = self.ads.vendor();
        ads.numbers(AUDIENCE).first().map_or(0, |number| ads.people(number).len())
    }

    /// Whom letters of a subject went to.
    fn letters(&self, subject: &str) -> Vec<String> {
        let caught = self.mail.caught().unwrap();
        let of = |it: &&Value| it["headers"]["Subject"].as_str().unwrap().contains(subject);
        let to = |it: &Value| it["recipients"][0].as_str().unwrap().to_owned();
        caught.iter().filter(of).map(to).collect()
    }

    /// Waits until a command's answer holds a word.
    fn wait(&self, arguments: &[&str], word: &str) {
        let limit = Instant::now() + Duration::from_secs(LIMIT_SECONDS);
        loop {
            let output = hub::output(&self.place.binary, &self.place.work, arguments).unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            if said.contains(word) {
                return;
            }
            assert!(Instant::now() < limit, "no {word} in {said}");
            sleep(Duration::from_millis(300));
        }
    }
}

/// What a mailbox does when its owner presses "unsubscribe": it posts to the address of
/// the header, and the shop's page tells the hub who left.
fn one_click(letter: &Value) -> Vec<Value> {
    let headers = &letter["headers"];
    assert_eq!(headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click", "{letter:#}");
    let address = headers["List-Unsubscribe"].as_str().unwrap().trim_matches(['<', '>']);
    let who = address.strip_prefix("https://shop.example/leave?who=").unwrap();
    let who = who.replace("%40", "@");
    vec![json!({
        "type": "identify", "userId": who, "messageId": format!("leave-{who}"),
        "timestamp": "2026-11-01T09:00:00Z", "traits": { "newsletter": "UNSUBSCRIBED" },
    })]
}

#[test]
fn a_customer_is_thanked_once_and_left_alone_when_she_says_so() {
    let shop = match Shop::open() {
        Ok(shop) => shop,
        Err(missing) => {
            let name = "scene::a_customer_is_thanked_once_and_left_alone_when_she_says_so";
            return missing.skip(name);
        }
    };
    shop.crm.vendor().define("contacts", "ads", "string", "text", json!({}));
    let ana = shop.enter(ANA, "Ana", "lead");
    shop.enter(BOB, "Bob", "lead");
    let checked = shop.place.ask(&["check", "--online"]).unwrap();
    assert_eq!(checked["errors"], json!([]), "{checked:#}");
    // A letter that asks for no consent goes to nobody.
    shop.sync("thanks", "mail", "thanks", "matching = [\"to\"]\n", &[field("to", "email", "<-")]);
    let check = ["check", "--online", "--json"];
    let refused = hub::output(&shop.place.binary, &shop.place.work, &check).unwrap();
    let said = String::from_utf8_lossy(&refused.stdout) + String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("mapping/no-consent"), "{said}");
    shop.place.run("contacts").unwrap();
    let run = shop.place.tell(&["sync", "run", "thanks"]).unwrap().data;
    assert_eq!(
        (&run["fault"]["code"], &run["counts"]["writes"]),
        (&json!("no-consent"), &json!(0))
    );
    shop.write_syncs();
    shop.round();
    assert_eq!((shop.audience(), shop.letters("").len()), (2, 0));

    // The sale: she enters the segment of the customers, and leaves that of the prospects.
    shop.crm.vendor().edit("contacts", &ana, &json!({ "lifecyclestage": "customer" }));
    shop.round();
    assert_eq!((shop.audience(), shop.letters("Welcome")), (1, vec![ANA.to_owned()]));

    // The same runs again, and by a hub that is killed and started again meanwhile.
    shop.round();
    let hub = Hub::start(&shop.place.binary, &shop.place.work).unwrap();
    shop.round();
    let page = json!({
        "type": "track", "event": "Order Completed", "userId": ANA, "messageId": "m-1",
        "timestamp": "2026-11-01T09:00:00Z",
    });
    tools::track(&shop.place, "web", &[page.clone(), page.clone()]).unwrap();
    hub.kill().unwrap();
    let hub = Hub::start(&shop.place.binary, &shop.place.work).unwrap();
    tools::track(&shop.place, "web", &[page]).unwrap();
    let events = ["profile", "events", "email:ana@x.example", "--json"];
    shop.wait(&events, "Order Completed");
    let shown = shop.place.ask(&events[..3]).unwrap();
    assert_eq!(shown["profiles"][0]["events"].as_array().unwrap().len(), 1, "{shown:#}");
    shop.round();
    assert_eq!((shop.audience(), shop.letters("Welcome")), (1, vec![ANA.to_owned()]));

    // She presses the button of her mailbox, which may do so twice; the hub dies as soon
    // as it has said yes.
    let click = one_click(&shop.mail.caught().unwrap()[0]);
    tools::track(&shop.place, "web", &click).unwrap();
    hub.kill().unwrap();
    let hub = Hub::start(&shop.place.binary, &shop.place.work).unwrap();
    tools::track(&shop.place, "web", &click).unwrap();
    shop.wait(&["profile", "get", "email:ana@x.example", "--json"], "UNSUBSCRIBED");
    shop.round();
    let status = |email| shop.crm.vendor().status(email, NEWSLETTER).map(str::to_owned);
    assert_eq!(status(ANA).as_deref(), Some("UNSUBSCRIBED"), "the CRM does not know");
    assert_eq!(status(BOB).as_deref(), Some("SUBSCRIBED"));

    // What is sent to all customers goes to those who did not leave.
    let bob = shop.crm.vendor().with("contacts", "email", BOB).remove(0);
    shop.crm.vendor().edit("contacts", &bob, &json!({ "lifecyclestage": "customer" }));
    shop.enter(GONE, "Gus", "customer");
    shop.round();
    // A letter to one of them comes back.
    shop.place.run("back").unwrap();
    let listed = shop.place.ask(&["suppression", "list", "email:gone@x.example"]).unwrap();
    assert_eq!(listed["suppressions"][0]["reason"], "bounce", "{listed:#}");
    shop.place.run("offer").unwrap();
    shop.round();
    assert_eq!(shop.letters("Ten per cent"), [BOB]);
    assert_eq!(shop.letters("Welcome"), [ANA, BOB, GONE]);
    assert_eq!(shop.audience(), 0);
    drop(hub);
    let verified = shop.place.ask(&["store", "verify"]).unwrap();
    assert!(verified.is_object(), "{verified}");
}
