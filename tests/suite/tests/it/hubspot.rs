//! HubSpot, as the double shows it: the binary keeps a file and the account in
//! step.

use std::collections::BTreeMap;

use doubles::{http::Server, hubspot::HubSpot};
use serde_json::json;
use xtask::tools;

use crate::list::List;

/// Rounds of both syncs in which an edit must have gone the whole way.
const ROUNDS_MAX: usize = 6;

/// A hub's folder with a file of people and the account.
pub struct Place {
    pub list: List,
    pub server: Server<HubSpot>,
}

impl Place {
    pub fn new(file: &str) -> Self {
        let list = List::new(["email", "lastname", "city"], file);
        let server = Server::start(HubSpot::default()).unwrap();
        // The search is behind, as it is in life.
        server.vendor().lag_millis = 200;
        tools::hubspot(&list.hub, "crm", &server).unwrap();
        list.sync("crm", "contacts");
        Self { list, server }
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
            self.list.round("crm");
            if self.list.lines() == self.people() {
                return;
            }
            // What was edited becomes known to the search.
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        assert_eq!(self.list.lines(), self.people(), "file and account differ");
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
    place.list.write(file);
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
