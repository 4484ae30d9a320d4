//! Senders of mail: fake accounts.

use doubles::{
    http::Server,
    sendgrid::{self, BEGINNING, SendGrid},
};
use serde_json::json;

use super::{Against, Case, Stage, reaching};

/// Rows are not written: what becomes of a contact is told by a job alone, a suppression
/// has nothing to clear, and a row of a template would be a letter.
pub const SENDGRID: Case = Case {
    connector: "email-sendgrid",
    class: "e-mail sender",
    against: Against::OwnDouble,
    also: "vendor's specification, by prism too; vendor's client; vendor's vector: signature",
    begin: |_| {
        let mut account = SendGrid::default();
        for email in ["ana@x.example", "bob@x.example", "eve@x.example"] {
            account.contacts().enter(&json!({ "email": email, "city": "Nice" }));
        }
        account.contacts().define("size", "Number");
        let group = account.suppressions().make_group("Offers");
        account.suppressions().leave_group(group, "ana@x.example");
        let why = json!({ "reason": "550 no such user", "status": "5.1.1", "ip": "192.0.2.1" });
        for list in ["unsubscribes", "bounces", "blocks", "spam_reports", "invalid_emails"] {
            account.suppressions().enter(list, "bob@x.example", BEGINNING, &why);
        }
        let server = Server::start(account)?;
        let url = server.url();
        server.vendor().files_url.clone_from(&url);
        let connection = reaching(server.port())
            + &format!(
                "settings = {{ url = \"{url}\", files_url = \"{url}\", export_minutes = 0 }}\n"
            )
            + "credentials.key = { token = \"env:SCORES_TOKEN\" }\n\
               credentials.webhook = { key = \"env:SCORES_HOOK\" }\n";
        let event = |id: &str, event: &str| {
            json!({
                "sg_event_id": id, "event": event, "email": "ana@x.example",
                "timestamp": BEGINNING, "liaison_message": "k1",
            })
        };
        let delivery = json!({ "delivery": {
            "target": "/",
            "headers": { "x-twilio-email-event-webhook-signature": "x" },
            "body": [event("e1", "open"), event("e2", "unsubscribe")],
        }});
        let samples = json!({
            "members": { "member": { "email": "ana@x.example" } },
            "events": delivery,
        });
        let secrets = vec![
            ("SCORES_TOKEN", sendgrid::KEY.to_owned()),
            ("SCORES_HOOK", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE".to_owned()),
        ];
        Ok(Stage { connection, secrets, samples, counterpart: Box::new(server) })
    },
};
