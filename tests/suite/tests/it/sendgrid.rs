//! SendGrid, as the double shows it: the binary keeps a file and the contacts in step by
//! jobs and exports, and hears at its door, by a signature, who has unsubscribed.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    thread::sleep,
    time::{Duration, Instant, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use doubles::{
    http::Server,
    sendgrid::{BEGINNING, KEY, SendGrid},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Map, Value, json};
use xtask::{demo::hub::Hub, oracles::Oracle};

use crate::list::List;

const LIMIT_SECONDS: u64 = 150;
/// What stands before the point of a public key on P-256 (`SubjectPublicKeyInfo`).
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A hub's folder with a file of people, the account, and the key that it signs with.
pub struct Place {
    pub list: List,
    pub server: Server<SendGrid>,
    signer: EcdsaKeyPair,
}

impl Place {
    pub fn new(file: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let signer = EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref(), &random).unwrap();
        let list = List::new(["email", "last_name", "city"], file);
        let server = Server::start(SendGrid::default()).unwrap();
        let url = server.url();
        server.vendor().files_url.clone_from(&url);
        let hub = &list.hub;
        hub.keep_secret("key", KEY).unwrap();
        hub.keep_secret("webhook", &public_key(&signer)).unwrap();
        hub.configure("[purposes.newsletter]\nchannels = [\"email\"]\n").unwrap();
        let more = format!(
            "settings = {{ url = \"{url}\", files_url = \"{url}\", export_minutes = 0 }}\n\
             credentials.key = {{ token = \"file:secrets/key\" }}\n\
             credentials.webhook = {{ key = \"file:secrets/webhook\" }}"
        );
        hub.connect("mail", "email-sendgrid", server.port(), &more).unwrap();
        list.sync("mail", "contacts");
        let refusals = "connection = \"mail\"\nstream = \"global_unsubscribes\"\n\
             schedule = \"manual\"\nkind = \"person\"\n\
             [[fields]]\nfield = \"email\"\ntrait = \"email\"\nidentity = \"email\"\n\
             [[fields]]\nfield = \"suppressed\"\ntrait = \"no_mail\"\n\
             [[consents]]\nfield = \"suppressed\"\npurpose = \"newsletter\"\nchannel = \"email\"\n\
             granted = []\nwithdrawn = [true]\n";
        hub.write("syncs/refusals.toml", refusals).unwrap();
        let events = "connection = \"mail\"\nstream = \"events\"\nkind = \"event\"\n\
             schedule = \"manual\"\n\
             [event]\nname = \"event\"\ntime = { field = \"timestamp\", format = \"rfc3339\" }\n\
             [[fields]]\nfield = \"email\"\nidentity = \"email\"\n";
        hub.write("syncs/events.toml", events).unwrap();
        Self { list, server, signer }
    }

    /// The contacts in the form of the file, sorted.
    pub fn people(&self) -> Vec<String> {
        let mut account = self.server.vendor();
        let mut lines: Vec<String> = account
            .contacts()
            .all()
            .map(|contact| {
                let text = |name: &str| contact.values.get(name).and_then(Value::as_str);
                ["email", "last_name", "city"].map(|name| text(name).unwrap_or_default()).join(",")
            })
            .collect();
        lines.sort();
        lines
    }

    /// Runs both syncs until both sides show the same.
    pub fn settle(&self) {
        let limit = Instant::now() + Duration::from_secs(LIMIT_SECONDS);
        loop {
            self.list.round("mail");
            if self.list.lines() == self.people() {
                return;
            }
            assert!(Instant::now() < limit, "{:?} {:?}", self.list.lines(), self.people());
            sleep(Duration::from_millis(300));
        }
    }

    /// What was written into contacts since the last look.
    fn writes(&self) -> Vec<Value> {
        let mut account = self.server.vendor();
        let own = |method: &str, path: &str| {
            path == "/v3/marketing/contacts" && ["PUT", "DELETE"].contains(&method)
        };
        let seen = account.seen().iter().map(|(request, _)| request);
        let writes = seen.filter(|it| own(&it.method, it.path())).map(|it| it.json()).collect();
        account.forget();
        writes
    }

    /// The signature of a delivery.
    fn signature(&self, time: &str, body: &str) -> String {
        let text = format!("{time}{body}");
        STANDARD.encode(self.signer.sign(&SystemRandom::new(), text.as_bytes()).unwrap())
    }

    /// Delivers events; the status of the answer.
    fn deliver(&self, body: &str, signed: &str) -> u16 {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let time = since.as_secs().to_string();
        let request = format!(
            "POST /inbox/mail HTTP/1.0\r\nHost: 127.0.0.1:{}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nx-twilio-email-event-webhook-timestamp: {time}\r\n\
             x-twilio-email-event-webhook-signature: {}\r\n\r\n{body}",
            self.list.hub.port,
            body.len(),
            self.signature(&time, signed),
        );
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.list.hub.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap()
    }
}

/// The key by which signatures are known, as the vendor shows it.
fn public_key(signer: &EcdsaKeyPair) -> String {
    STANDARD.encode([&SPKI_P256, signer.public_key().as_ref()].concat())
}

#[test]
fn what_the_double_signs_holds_for_the_official_helper() {
    let sendgrid = Oracle::SendGrid;
    if let Err(missing) = sendgrid.ready() {
        return missing.skip("sendgrid::what_the_double_signs_holds_for_the_official_helper");
    }
    let place = Place::new("email,last_name,city\n");
    let (time, body) = ("1796029200", r#"[{"event":"open","email":"é@x.example"}]"#);
    let question = |told: &str| {
        let signed = json!({
            "key": public_key(&place.signer), "body": told, "time": time,
            "signature": place.signature(time, body),
        });
        Map::from_iter([("signed".to_owned(), signed)])
    };
    let told = sendgrid.ask(&[question(body), question("[]")]).unwrap();
    assert_eq!((&told[0]["holds"], &told[1]["holds"]), (&json!(true), &json!(false)));
}

#[test]
fn contacts_go_both_ways_once_and_an_unsubscribe_reaches_the_profile() {
    let place =
        Place::new("email,last_name,city\nana@x.example,Ana,Nice\nbob@x.example,Bob,Lyon\n");
    let eve = json!({"email": "eve@x.example", "last_name": "Eve", "city": "Brest"});
    let bob = json!({"email": "bob@x.example", "last_name": "Bob", "city": "Lyon"});
    let ids = [eve, bob].map(|person| place.server.vendor().contacts().enter(&person));
    place.settle();
    let expected = ["ana@x.example,Ana,Nice", "bob@x.example,Bob,Lyon", "eve@x.example,Eve,Brest"];
    assert_eq!(place.people(), expected, "somebody was doubled or lost");
    place.settle();
    place.writes();

    // An edit on each side.
    place.server.vendor().contacts().edit(&ids[0], &json!({"city": "Paris"}));
    place.list.write(
        "email,last_name,city\nana@x.example,Ana,Lille\nbob@x.example,Bob,Lyon\neve@x.example,Eve,Brest\n",
    );
    place.settle();
    let expected = ["ana@x.example,Ana,Lille", "bob@x.example,Bob,Lyon", "eve@x.example,Eve,Paris"];
    assert_eq!(place.people(), expected);
    let written = place.writes();
    let once = json!({"contacts": [{"email": "ana@x.example", "city": "Lille"}]});
    assert_eq!(written, [once], "the edit went there once, and nothing else did");

    // And then silence.
    place.settle();
    place.settle();
    assert_eq!(place.writes(), [Value::Null; 0]);

    place.server.vendor().suppressions().enter(
        "unsubscribes",
        "ana@x.example",
        BEGINNING,
        &json!({}),
    );
    let hub = Hub::start(&place.list.hub.binary, &place.list.hub.work).unwrap();
    let event = |id: &str| {
        json!([{
            "sg_event_id": id, "event": "unsubscribe", "email": "ana@x.example",
            "timestamp": BEGINNING, "sg_message_id": "m1",
        }])
        .to_string()
    };
    let (first, second) = (event("e1"), event("e2"));
    assert_eq!(place.deliver(&second, &first), 401, "another body than was signed");
    for body in [&first, &first] {
        let status = place.deliver(body, body);
        assert!((200..300).contains(&status), "{status}\n{}", hub.log_end());
    }
    let limit = Instant::now() + Duration::from_secs(LIMIT_SECONDS);
    let history = loop {
        let history = ["profile", "history", "email:ana@x.example", "--json"];
        let history = hub.command(&history).unwrap();
        if history.contains("withdrawn") {
            break history;
        }
        assert!(Instant::now() < limit, "{history}\n{}", hub.log_end());
        sleep(Duration::from_millis(300));
    };
    assert!(history.contains("newsletter"), "{history}");
    let shown = loop {
        let shown = hub.command(&["profile", "events", "email:ana@x.example", "--json"]);
        let shown: Value =
            shown.ok().and_then(|it| serde_json::from_str(&it).ok()).unwrap_or_default();
        if shown["profiles"][0]["events"].as_array().is_some_and(|events| !events.is_empty()) {
            break shown;
        }
        assert!(Instant::now() < limit, "{shown}\n{}", hub.log_end());
        sleep(Duration::from_millis(300));
    };
    let events = shown["profiles"][0]["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "what came twice is there once: {events:#?}");
    assert_eq!(events[0]["name"], "unsubscribe");
    hub.kill().unwrap();
}
