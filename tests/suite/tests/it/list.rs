//! A hub with a file of people, who are to be in step with those of an account.

use std::fs;

use xtask::{place::Place, tools};

/// The hub's folder.
pub struct List {
    pub hub: Place,
    columns: [&'static str; 3],
    _folder: tempfile::TempDir,
}

impl List {
    /// A file of these columns, the address among them.
    pub fn new(columns: [&'static str; 3], text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Place::new(folder.path()).unwrap();
        hub.configure(
            "[namespaces.email]\nnormaliser = \"email\"\n\
             [connections.list]\nconnector = \"files\"\n\
             folders.in = { path = \"in\", writable = true }\n\
             [connections.list.settings]\nfolder = \"in\"\n\
             streams.people = { file = \"people.csv\", key = \"email\" }\n",
        )
        .unwrap();
        let list = Self { hub, columns, _folder: folder };
        list.write(text);
        list.sync("list", "people");
        list
    }

    /// Keeps people in step both ways, in a sync that is called as its connection.
    pub fn sync(&self, connection: &str, stream: &str) {
        let text = format!(
            "connection = \"{connection}\"\nstream = \"{stream}\"\nschedule = \"manual\"\n\
             kind = \"person\"\nmatching = [\"email\"]\n[guards]\nrecords_percent_max = 100\n{}",
            tools::fields(&self.columns, "<->")
        );
        self.hub.write(&format!("syncs/{connection}.toml"), &text).unwrap();
    }

    /// Somebody edits the file.
    pub fn write(&self, text: &str) {
        self.hub.write("in/people.csv", text).unwrap();
    }

    /// The lines of the file below its head, sorted.
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.hub.work.join("in/people.csv")).unwrap();
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Runs the sync of the file, and that of a connection.
    pub fn round(&self, connection: &str) {
        for sync in ["list", connection] {
            self.hub.run(sync).unwrap();
        }
    }
}
