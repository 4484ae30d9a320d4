//! What the demo and the kill harness share: data, configuration and a real
//! ERP in one folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{
    Stage,
    data::{self, CUSTOMER_COLUMNS, Row},
    hub::Hub,
};
use crate::tryton::{Tryton, free_port, rpc::Session};

/// The syncs, in the order in which the story needs them.
pub const SYNCS: [&str; 4] = ["febrl", "customers", "erp", "out"];

/// A folder with everything in it, and the ERP running.
#[derive(Debug)]
pub struct World {
    /// Binary and components.
    pub stage: Stage,
    /// The ERP.
    pub erp: Tryton,
    /// The customers as they are in their file now.
    pub customers: Vec<Row>,
    /// Rows of FEBRL.
    pub febrl_rows: usize,
    /// Where its hub listens.
    pub port: u16,
}

impl World {
    /// Writes data and configuration, starts the ERP. `febrl` and `customers`
    /// are numbers of rows; FEBRL has 1,000.
    ///
    /// # Errors
    /// A file cannot be written or the ERP does not start.
    pub fn open(stage: Stage, febrl: usize, customers: usize) -> Result<Self> {
        let inbox = stage.work.join("data/in");
        for folder in [&inbox, &stage.work.join("data/out"), &stage.work.join("secrets")] {
            fs::create_dir_all(folder)?;
        }
        let febrl_rows = data::write_febrl(&stage.people, &inbox.join("febrl.csv"), febrl)?;
        let customers = data::customers(&stage.people, customers)?;
        let erp = Tryton::start(&stage.work.join("erp"))?;
        let world = Self { stage, erp, customers, febrl_rows, port: free_port()? };
        world.write_customers()?;
        world.write_configuration()?;
        Ok(world)
    }

    /// Writes the customers' file, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_customers(&self) -> Result<()> {
        let file = self.stage.work.join("data/in/customers.csv");
        data::write_rows(&file, &CUSTOMER_COLUMNS, &self.customers)
    }

    /// What the hub wrote out, by code; empty before it did.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn out(&self) -> Result<Vec<Row>> {
        let file = self.stage.work.join("data/out/people.csv");
        if file.exists() { data::read_rows(&file) } else { Ok(Vec::new()) }
    }

    /// Starts the hub.
    ///
    /// # Errors
    /// It does not answer.
    pub fn start_hub(&self) -> Result<Hub> {
        Hub::start(&self.stage.binary, &self.stage.work)
    }

    /// The parties that carry a code of ours, as the ERP shows them.
    ///
    /// # Errors
    /// The ERP does not answer.
    pub fn parties(&self) -> Result<BTreeMap<String, Vec<i64>>> {
        let session = self.erp.session()?;
        let context = json!({});
        let found = session
            .call("model.party.party.search_read", json!([[], 0, null, null, ["code"], context]))?;
        let mut by_code: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for party in found.as_array().into_iter().flatten() {
            let code = party["code"].as_str().unwrap_or_default();
            if code.starts_with('C') || code.starts_with("rec-") {
                by_code.entry(code.to_owned()).or_default().push(party["id"].as_i64().unwrap_or(0));
            }
        }
        Ok(by_code)
    }

    fn write_configuration(&self) -> Result<()> {
        let password = self.stage.work.join("secrets/erp-password");
        write_private(&password, &self.erp.password)?;
        let url = &self.erp.url;
        let port = self.erp.port;
        let files = [
            ("liaison.toml", include_str!("liaison.toml")),
            ("syncs/febrl.toml", include_str!("febrl.toml")),
            ("syncs/customers.toml", include_str!("customers.toml")),
            ("syncs/erp.toml", include_str!("erp.toml")),
            ("syncs/out.toml", include_str!("out.toml")),
        ];
        fs::create_dir_all(self.stage.work.join("syncs"))?;
        for (name, template) in files {
            let text = template
                .replace("@URL@", url)
                .replace("@PORT@", &port.to_string())
                .replace("@LISTEN@", &format!("127.0.0.1:{}", self.port))
                .replace("@DATABASE@", &self.erp.database)
                .replace("@COMPONENTS@", &self.stage.components.display().to_string());
            let path = self.stage.work.join(name);
            fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }
}

/// One party with its children, for editing it as a person would.
#[derive(Debug)]
pub struct Party<'a> {
    session: &'a Session,
    id: i64,
}

impl<'a> Party<'a> {
    /// The party of an id.
    pub const fn new(session: &'a Session, id: i64) -> Self {
        Self { session, id }
    }

    /// Writes a field of the party itself.
    ///
    /// # Errors
    /// The ERP refuses it.
    pub fn write(&self, values: Value) -> Result<()> {
        self.session.call("model.party.party.write", json!([[self.id], values, {}]))?;
        Ok(())
    }

    /// Writes a child: a contact mechanism of a type, or the n-th address.
    ///
    /// # Errors
    /// There is none, or the ERP refuses it.
    pub fn write_child(
        &self,
        model: &str,
        child: Value,
        index: usize,
        values: Value,
    ) -> Result<()> {
        let mut domain = vec![json!(["party", "=", self.id])];
        domain.extend(child.as_array().cloned().filter(|c| !c.is_empty()).map(Value::Array));
        let method = format!("model.party.{model}.search");
        let order = json!([["sequence", "ASC"], ["id", "ASC"]]);
        let found = self.session.call(&method, json!([domain, 0, null, order, {}]))?;
        let id = found.get(index).and_then(Value::as_i64).context("the party has no such child")?;
        self.session.call(&format!("model.party.{model}.write"), json!([[id], values, {}]))?;
        Ok(())
    }

    /// What the ERP shows: name, e-mail, phone, and the streets of its addresses.
    ///
    /// # Errors
    /// The ERP does not answer.
    pub fn shown(&self) -> Result<Row> {
        let read = |model: &str, fields: Value| {
            let domain = json!([["party", "=", self.id]]);
            let order = json!([["sequence", "ASC"], ["id", "ASC"]]);
            let method = format!("model.party.{model}.search_read");
            self.session.call(&method, json!([domain, 0, null, order, fields, {}]))
        };
        let mut row = Row::new();
        let party =
            self.session.call("model.party.party.read", json!([[self.id], ["name"], {}]))?;
        row.insert("name".to_owned(), text(&party[0]["name"]));
        for mechanism in
            read("contact_mechanism", json!(["type", "value"]))?.as_array().into_iter().flatten()
        {
            row.entry(text(&mechanism["type"])).or_insert_with(|| text(&mechanism["value"]));
        }
        for (index, address) in
            read("address", json!(["street"]))?.as_array().into_iter().flatten().enumerate()
        {
            row.insert(format!("address{}_street", index + 1), text(&address["street"]));
        }
        Ok(row)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Writes a file that nobody else can read.
///
/// # Errors
/// It cannot be written.
pub fn write_private(path: &Path, text: &str) -> Result<PathBuf> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(path.to_path_buf())
}
