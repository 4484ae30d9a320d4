//! Ad platforms: audiences of fake accounts.

use doubles::{
    google::{self, Google},
    http::Server,
    meta::{self, Meta},
};
use serde_json::{Value, json};

use super::{Against, Case, Stage, reaching};

pub const META: Case = Case {
    connector: "ads-meta",
    class: "ad platform",
    against: Against::OwnDouble,
    also: "vendor's SDK: parameters, hashes",
    begin: |_| {
        let server = Server::start(Meta::default())?;
        let (url, account) = (server.url(), meta::ACCOUNT);
        let connection = reaching(server.port())
            + &format!("settings = {{ url = \"{url}\", account = \"{account}\" }}\n")
            + "credentials.token = { token = \"env:SCORES_TOKEN\" }\n";
        Ok(Stage {
            connection,
            secrets: vec![("SCORES_TOKEN", meta::TOKEN.to_owned())],
            samples: somebody(),
            counterpart: Box::new(server),
        })
    },
};

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
