//! Partners that take segments and give data back, as files.

use std::fs;

use serde_json::json;

use super::{Against, Case, Stage};

pub const AUDIENCE_FILES: Case = Case {
    connector: "dmp-audience-files",
    class: "DMP",
    against: Against::RealFolder,
    also: "published forms, by hand",
    begin: |folder| {
        for name in ["to-partner", "from-partner"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let matched = "email,partner_id\nana@x.example,m-1\nbob@x.example,m-2\n";
        fs::write(folder.join("from-partner").join("match_1.csv"), matched)?;
        let connection = "folders.out = { path = \"to-partner\", writable = true }\n\
             folders.in = { path = \"from-partner\" }\n\
             [connections.account.settings]\nfolder = \"out\"\nidentifiers = [\"email\"]\n\
             audience_manager = { source = \"21\" }\n\
             segments = { \"Liaison conformance\" = \"12345\" }\n\
             streams.matches = { folder = \"in\", files = \"match_*.csv\", key = \"email\" }\n";
        Ok(Stage {
            connection: connection.to_owned(),
            secrets: Vec::new(),
            samples: json!({ "members": { "member": { "email": "ana@x.example" } } }),
            counterpart: Box::new(()),
        })
    },
};
