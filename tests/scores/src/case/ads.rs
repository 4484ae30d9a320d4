//! Ad platforms: audiences of fake accounts.

use doubles::{
    google::{self, Google},
    http::Server,
    meta::{self, Meta, events::DATASET, leads::FORM},
};
use serde_json::{Value, json};

use super::{Against, Case, Stage, reaching};

pub const META: Case = Case {
    connector: "ads-meta",
    class: "ad platform",
    against: Against::OwnDouble,
    also: "vendor's SDK: parameters, hashes, proofs",
    begin: |_| {
        let mut account = Meta::default();
        account.asks_for_proof = true;
        account.page_items_max = 2;
        let leads: Vec<String> = (1..=5).map(|day| lead(&mut account, day)).collect();
        let server = Server::start(account)?;
        let (url, account) = (server.url(), meta::ACCOUNT);
        let connection = reaching(server.port())
            + &format!(
                "settings = {{ url = \"{url}\", account = \"{account}\", dataset = \"{DATASET}\", \
                 forms = [\"{FORM}\"] }}\n"
            )
            + "credentials.token = { token = \"env:SCORES_TOKEN\", app_secret = \"env:SCORES_APP\" }\n\
               credentials.webhook = { key = \"env:SCORES_APP\" }\n\
               credentials.verify = { key = \"env:SCORES_APP\" }\n";
        let secrets = vec![
            ("SCORES_TOKEN", meta::TOKEN.to_owned()),
            ("SCORES_APP", meta::APP_SECRET.to_owned()),
        ];
        let hook =
            json!({ "field": "leadgen", "value": { "form_id": FORM, "leadgen_id": leads[0] } });
        let hook = json!({ "object": "page", "entry": [{ "id": "1", "changes": [hook] }] });
        let mut samples = somebody();
        samples["leads"] = json!({ "delivery": { "target": "/", "body": hook } });
        Ok(Stage { connection, secrets, samples, counterpart: Box::new(server) })
    },
};

/// Somebody sends a form that day of January 2026; the lead's number.
fn lead(account: &mut Meta, day: i64) -> String {
    let answers = json!({ "email": [format!("p{day}@x.example")], "sizes": ["S", "M"] });
    account.leads.send(1_767_225_600 + day * 86_400, answers)
}

pub const GOOGLE: Case = Case {
    connector: "ads-google",
    class: "ad platform",
    against: Against::OwnDouble,
    also: "vendor's messages: requests; vendor's formatter: hashes",
    begin: |_| {
        let server = Server::start(Google::default())?;
        let (url, account) = (server.url(), google::ACCOUNT);
        let connection = reaching(server.port())
            + &format!(
                "settings = {{ url = \"{url}\", login_url = \"{url}\", account = \"{account}\" }}\n"
            )
            + "[connections.account.credentials.google]\nclient_id = \"env:SCORES_CLIENT\"\n\
               client_secret = \"env:SCORES_CLIENT\"\nrefresh_token = \"env:SCORES_TOKEN\"\n";
        let secrets = vec![
            ("SCORES_CLIENT", "client".to_owned()),
            ("SCORES_TOKEN", google::REFRESH_TOKEN.to_owned()),
        ];
        Ok(Stage { connection, secrets, samples: somebody(), counterpart: Box::new(server) })
    },
};

fn somebody() -> Value {
    json!({ "members": { "member": { "email": "ana@x.example", "phone": "+33612345678" } } })
}
