//! HubSpot, as the double shows it: the binary keeps a file and the account in
//! step.

use std::{collections::BTreeMap, fs, path::Path};

use doubles::{
    http::Server,
    hubspot::{HubSpot, TOKEN},
};
use serde_json::{Value, json};
use xtask::{demo::hub, paths};

/// Rounds of both syncs in which an edit must have gone the whole way.
const ROUNDS_MAX: usize = 6;

/// A hub's folder with a file of people and the account.
pub struct Place {
    pub root: tempfile::TempDir,
    pub server: Server<HubSpot>,
}

impl Place {
    pub fn new(file: &str) -> Self {
        Self::reached(file, |_, account| account.to_owned())
    }

    /// An account that is asked at the address that is made of its own.
    pub fn reached(file: &str, at: impl FnOnce(&Path, &str) -> String) -> Self {
        let place = Self {
            root: tempfile::tempdir().unwrap(),
            server: Server::start(HubSpot::default()).unwrap(),
        };
        // The search is behind, as it is in life.
        place.server.vendor().lag_millis = 200;
        let root = place.root.path();
        for name in ["data/in", "syncs", "secrets"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        place.write_file(file);
        write_secret(&root.join("secrets/token"));
        let url = at(root, &place.server.url());
        let port = url.rsplit_once(':').unwrap().1;
        let config = format!(
            "version = 1\n[connectors]\ndir = {:?}\n\
             [namespaces.email]\nnormaliser = \"email\"\n\
             [connections.list]\nconnector = \"files\"\n\
             folders.in = {{ path = \"data/in\", writable = true }}\n\
             [connections.list.settings]\nfolder = \"in\"\n\
             streams.people = {{ file = \"people.csv\", key = \"email\" }}\n\
             [connections.crm]\nconnector = \"crm-hubspot\"\nhosts = [\"127.0.0.1:{port}\"]\n\
             private = [\"127.0.0.1/32:{port}\"]\ninsecure_http = true\n\
             settings = {{ url = \"{url}\", lag_seconds = 5, deleted_minutes = 0 }}\n\
             credentials.token = {{ token = \"file:secrets/token\" }}\n",
            paths::components()
        );
        fs::write(root.join("liaison.toml"), config).unwrap();
        for (connection, stream) in [("list", "people"), ("crm", "contacts")] {
            fs::write(root.join(format!("syncs/{connection}.toml")), sync(connection, stream))
                .unwrap();
        }
        place
    }

    pub fn write_file(&self, text: &str) {
        fs::write(self.root.path().join("data/in/people.csv"), text).unwrap();
    }

    /// The lines of the file below its head, sorted.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.root.path().join("data/in/people.csv")).unwrap();
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// People of the account in the form of the file, sorted.
    pub fn people(&self) -> Vec<String> {
        let account = self.server.vendor();
        let ids = (101..200).map(|id: u32| id.to_string());
        let people = ids.filter_map(|id| account.values("contacts", &id).cloned());
        let text = |values: &BTreeMap<String, String>, name: &str| {
            values.get(name).cloned().unwrap_or_default()
        };
        let line = |it: BTreeMap<String, String>| {
            ["email", "lastname", "city"].map(|name| text(&it, name)).join(",")
        };
        let mut lines: Vec<String> = people.map(line).collect();
        lines.sort();
        lines
    }

    /// Runs both syncs until both sides show the same.
    pub fn settle(&self) {
        for _ in 0..ROUNDS_MAX {
            for sync in ["list", "crm"] {
                let told = hub::command(
                    &paths::binary(),
                    self.root.path(),
                    &["sync", "run", sync, "--json"],
                );
                let run: Value = serde_json::from_str(&told.unwrap()).unwrap();
                assert_eq!(run["status"], "succeeded", "{run:#}");
            }
            if self.lines() == self.people() {
                return;
            }
            // What was edited becomes known to the search.
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        assert_eq!(self.lines(), self.people(), "file and account differ");
    }

    /// What was written into the account since the last look.
    fn writes(&self) -> usize {
        let mut account = self.server.vendor();
        let writes = ["/create", "/update", "/upsert", "/archive"];
        let is_write = |path: &str| writes.iter().any(|end| path.ends_with(end));
        let count = account.seen().iter().filter(|(request, _)| is_write(request.path())).count();
        account.forget();
        count
    }
}

fn write_secret(path: &Path) {
    fs::write(path, format!("{TOKEN}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn sync(connection: &str, stream: &str) -> String {
    let mut text = format!(
        "connection = \"{connection}\"\nstream = \"{stream}\"\nschedule = \"manual\"\n\
         kind = \"person\"\nmatching = [\"email\"]\n[guards]\nrecords_percent_max = 100\n"
    );
    for field in ["email", "lastname", "city"] {
        let identity = if field == "email" { "identity = \"email\"\n" } else { "" };
        text += &format!(
            "[[fields]]\nfield = \"{field}\"\ntrait = \"{field}\"\ndirection = \"<->\"\n{identity}"
        );
    }
    text
}

#[test]
fn a_file_and_the_account_are_kept_in_step_both_ways() {
    let place = Place::new("email,lastname,city\nana@x.example,Ana,Nice\nbob@x.example,Bob,Lyon\n");
    let eve = json!({"email": "eve@x.example", "lastname": "Eve", "city": "Brest"});
    let bob = json!({"email": "Bob@x.example", "lastname": "Bob"});
    let ids = [eve, bob].map(|person| place.server.vendor().enter("contacts", &person));
    place.settle();
    let expected = ["ana@x.example,Ana,Nice", "bob@x.example,Bob,Lyon", "eve@x.example,Eve,Brest"];
    assert_eq!(place.people(), expected, "somebody was doubled or lost");

    // An edit on each side.
    place.server.vendor().edit("contacts", &ids[0], &json!({"city": "Paris"}));
    let file = "email,lastname,city\nana@x.example,Ana,Lille\nbob@x.example,Bob,Lyon\neve@x.example,Eve,Brest\n";
    place.write_file(file);
    place.settle();
    let expected = ["ana@x.example,Ana,Lille", "bob@x.example,Bob,Lyon", "eve@x.example,Eve,Paris"];
    assert_eq!(place.people(), expected);

    // And then silence.
    place.settle();
    place.writes();
    place.settle();
    assert_eq!(place.writes(), 0);
    assert_eq!(place.people(), expected);
}
