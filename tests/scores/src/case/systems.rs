//! Systems that are read, written, or push.

use std::fs;

use doubles::{
    http::Server,
    hubspot::{self, HubSpot},
};
use serde_json::{Value, json};
use xtask::mail::{self, Catcher};
use xtask::tryton::Tryton;

use super::{Against, Case, Stage, reaching};

pub const FILES: Case = Case {
    connector: "files",
    class: "files",
    against: Against::RealFolder,
    also: "",
    begin: |folder| {
        let people = folder.join("people");
        fs::create_dir_all(&people)?;
        fs::write(people.join("people.csv"), "id,name,city\n1,Ana,Nice\n2,Bob,Lyon\n")?;
        let connection = "folders.people = { path = \"people\", writable = true }\n\
             [connections.account.settings]\nfolder = \"people\"\n\
             streams.people = { file = \"people.csv\", key = \"id\" }\n";
        let row = json!({ "id": "rule", "name": "Rule", "city": "Brest" });
        Ok(Stage {
            connection: connection.to_owned(),
            secrets: Vec::new(),
            samples: json!({ "people": sample(&row, &json!({ "name": "Ruled" }), "city") }),
            counterpart: Box::new(()),
        })
    },
};

pub const HUBSPOT: Case = Case {
    connector: "crm-hubspot",
    class: "CRM",
    against: Against::OwnDouble,
    also: "vendor's specification, by prism too; vendor's client",
    begin: |_| {
        // Rows are looked for as soon as they are written.
        let mut account = HubSpot::default();
        account.lag_millis = 0;
        let ana = json!({ "email": "ana@x.example", "lastname": "Ana" });
        let contact = account.enter("contacts", &ana);
        let arbre = json!({ "name": "Arbre", "domain": "arbre.example" });
        let company = account.enter("companies", &arbre);
        let deal = account.enter("deals", &json!({ "dealname": "Arbre 12", "amount": "12" }));
        account.associate(("contacts", &contact), ("companies", &company), None);
        account.associate(("deals", &deal), ("contacts", &contact), None);
        account.associate(("deals", &deal), ("companies", &company), None);
        let server = Server::start(account)?;
        let url = server.url();
        let connection = reaching(server.port())
            + &format!("settings = {{ url = \"{url}\", lag_seconds = 5, deleted_minutes = 0 }}\n")
            + "credentials.token = { token = \"env:SCORES_TOKEN\" }\n";
        let contact = json!({ "email": "rule@x.example", "lastname": "Rule", "city": "Lyon" });
        let company = json!({ "name": "Rule", "domain": "rule.example", "city": "Lyon" });
        let deal = json!({ "dealname": "Rule", "amount": 3 });
        let samples = json!({
            "contacts": sample(&contact, &json!({ "lastname": "Ruled" }), "city"),
            "companies": sample(&company, &json!({ "name": "Ruled" }), "city"),
            "deals": sample(&deal, &json!({ "dealname": "Ruled" }), "amount"),
        });
        let secrets = vec![("SCORES_TOKEN", hubspot::TOKEN.to_owned())];
        Ok(Stage { connection, secrets, samples, counterpart: Box::new(server) })
    },
};

pub const TRYTON: Case = Case {
    connector: "erp-tryton",
    class: "ERP",
    against: Against::RealServer,
    also: "",
    begin: |folder| {
        let erp = Tryton::start(&folder.join("erp"))?;
        let (url, database) = (&erp.url, &erp.database);
        let connection = reaching(erp.port)
            + &format!("settings = {{ url = \"{url}\", database = \"{database}\" }}\n")
            + "credentials.session = \
               { username = \"env:SCORES_USER\", password = \"env:SCORES_PASSWORD\" }\n";
        let secrets =
            vec![("SCORES_USER", erp.user.clone()), ("SCORES_PASSWORD", erp.password.clone())];
        let party = json!({ "name": "Rule", "email": "rule@x.example" });
        let samples = json!({ "parties": sample(&party, &json!({ "name": "Ruled" }), "email") });
        Ok(Stage { connection, secrets, samples, counterpart: Box::new(erp) })
    },
};

/// Without samples: a row that is tried would be a letter to somebody.
pub const MAIL: Case = Case {
    connector: "email-smtp",
    class: "e-mail sender",
    against: Against::RealServer,
    also: "",
    begin: |folder| {
        let catcher = Catcher::start(&folder.join("mx"))?;
        let port = catcher.port;
        let connection = reaching(port)
            + &format!(
                "folders.back = {{ path = {:?} }}\n\
                 credentials.login = {{ username = \"env:SCORES_USER\", password = \"env:SCORES_PASSWORD\" }}\n\
                 [connections.account.settings]\nserver = \"127.0.0.1:{port}\"\nsecurity = \"none\"\n\
                 from = \"rules@x.example\"\nreports = \"back\"\n\
                 templates.hello = {{ subject = \"Hello\", text = \"{{{{name}}}}\", \
                 purpose = \"newsletter\" }}\n",
                catcher.maildir()
            );
        let (user, password) = (mail::USER.to_owned(), mail::PASSWORD.to_owned());
        let secrets = vec![("SCORES_USER", user), ("SCORES_PASSWORD", password)];
        Ok(Stage { connection, secrets, samples: json!({}), counterpart: Box::new(catcher) })
    },
};

pub const TRACKED: Case = Case {
    connector: "events-in",
    class: "web and apps",
    against: Against::OwnSamples,
    also: "vendor's client",
    begin: |_| {
        let delivery = json!({ "delivery": {
            "target": "/v1/batch",
            "headers": { "authorization": "Basic x" },
            "body": { "batch": [
                { "type": "identify", "userId": "u1", "messageId": "1", "traits": { "n": 1 } },
                { "type": "track", "userId": "u1", "messageId": "2", "event": "Seen" },
            ]},
        }});
        Ok(Stage {
            connection: "credentials.write = { key = \"env:SCORES_KEY\" }\n".to_owned(),
            secrets: vec![("SCORES_KEY", "wk_scores".to_owned())],
            samples: json!({ "people": delivery.clone(), "events": delivery }),
            counterpart: Box::new(()),
        })
    },
};

fn sample(row: &Value, changed: &Value, cleared: &str) -> Value {
    json!({ "row": row, "changed": changed, "cleared": cleared })
}
