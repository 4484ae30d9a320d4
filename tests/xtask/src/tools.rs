//! The tools of an organisation, as the demo, the suite and the soaks connect them: fake
//! vendors, a real mail server, a web site, files.
//!
//! Each function starts nothing: it writes down how a hub in a [`Place`] reaches what is
//! there already, so that a tool outlives the hub.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use anyhow::{Result, ensure};
use doubles::http::Server;
use doubles::hubspot::{self, HubSpot};
use doubles::meta::{self, Meta};
use serde_json::{Value, json};

use crate::demo::data::{Row, write_rows};
use crate::mail::{self, Catcher};
use crate::place::Place;

/// The key that a web site sends.
const WRITE_KEY: &str = "wk-of-the-web-site";

/// Connects a CRM.
///
/// # Errors
/// A file cannot be written.
pub fn hubspot(place: &Place, id: &str, account: &Server<HubSpot>) -> Result<()> {
    place.keep_secret("hubspot", hubspot::TOKEN)?;
    let more = format!(
        "settings = {{ url = \"{}\", lag_seconds = 5, deleted_minutes = 0 }}\n\
         credentials.token = {{ token = \"file:secrets/hubspot\" }}",
        account.url()
    );
    place.connect(id, "crm-hubspot", account.port(), &more)
}

/// Connects an ad platform.
///
/// # Errors
/// A file cannot be written.
pub fn meta(place: &Place, id: &str, account: &Server<Meta>) -> Result<()> {
    place.keep_secret("meta", meta::TOKEN)?;
    let more = format!(
        "settings = {{ url = \"{}\", account = \"{}\" }}\n\
         credentials.token = {{ token = \"file:secrets/meta\" }}",
        account.url(),
        meta::ACCOUNT
    );
    place.connect(id, "ads-meta", account.port(), &more)
}

/// Connects a mail server; `settings` are the templates, and what else there is to say.
///
/// # Errors
/// A file cannot be written.
pub fn mail(place: &Place, id: &str, server: &Catcher, settings: &str) -> Result<()> {
    place.keep_secret("mail-user", mail::USER)?;
    place.keep_secret("mail-password", mail::PASSWORD)?;
    let port = server.port;
    let more = format!(
        "credentials.login = {{ username = \"file:secrets/mail-user\", \
         password = \"file:secrets/mail-password\" }}\n\
         folders.back = {{ path = {:?} }}\n\
         [connections.{id}.settings]\nserver = \"127.0.0.1:{port}\"\nsecurity = \"none\"\n\
         from = \"shop@example.org\"\nreports = \"back\"\n{settings}",
        server.maildir()
    );
    place.connect(id, "email-smtp", port, &more)
}

/// Connects a web site that sends what happens on it; [`track`] is its side.
///
/// # Errors
/// A file cannot be written.
pub fn web(place: &Place, id: &str) -> Result<()> {
    place.keep_secret("write-key", WRITE_KEY)?;
    place.configure(&format!(
        "[connections.{id}]\nconnector = \"events-in\"\n\
         credentials.write = {{ key = \"file:secrets/write-key\" }}\n"
    ))
}

/// The web site sends calls, as Segment's libraries do.
///
/// # Errors
/// The hub does not keep them.
pub fn track(place: &Place, id: &str, calls: &[Value]) -> Result<()> {
    let body = json!({ "batch": calls, "writeKey": WRITE_KEY }).to_string();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, place.port))?;
    write!(
        stream,
        "POST /inbox/{id}/v1/batch HTTP/1.0\r\nHost: 127.0.0.1:{}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        place.port,
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.split_whitespace().nth(1) == Some("200"), "the inbox said: {answer}");
    Ok(())
}

/// Connects one file of people; one that the hub writes has no rows.
///
/// # Errors
/// A file cannot be written.
pub fn file(place: &Place, id: &str, columns: &[&str], rows: Option<&[Row]>) -> Result<()> {
    let writable = rows.is_none();
    let wanted = if writable { format!(", columns = {columns:?}") } else { String::new() };
    place.configure(&format!(
        "[connections.{id}]\nconnector = \"files\"\n\
         folders.data = {{ path = \"{id}\", writable = {writable} }}\n\
         [connections.{id}.settings]\nfolder = \"data\"\n\
         streams.people = {{ file = \"people.csv\", key = \"email\"{wanted} }}\n"
    ))?;
    let folder = place.work.join(id);
    fs::create_dir_all(&folder)?;
    rows.map_or(Ok(()), |rows| write_rows(&folder.join("people.csv"), columns, rows))
}

/// Fields that are traits of the same name; the address names people where it is read.
#[must_use]
pub fn fields(columns: &[&str], direction: &str) -> String {
    columns.iter().map(|column| field(column, column, direction)).collect()
}

/// A field that is a trait; as an address it names people where it is read.
#[must_use]
pub fn field(name: &str, of: &str, direction: &str) -> String {
    let names = of == "email" && direction != "<-";
    let identity = if names { "identity = \"email\"\n" } else { "" };
    format!(
        "[[fields]]\nfield = \"{name}\"\ntrait = \"{of}\"\n\
         direction = \"{direction}\"\n{identity}"
    )
}

/// A field whose value grants a consent or refuses it.
#[must_use]
pub fn consent(field: &str, key: (&str, &str), granted: &str, withdrawn: &str) -> String {
    format!(
        "[[consents]]\nfield = \"{field}\"\npurpose = \"{}\"\nchannel = \"{}\"\n\
         granted = [\"{granted}\"]\nwithdrawn = [\"{withdrawn}\"]\n",
        key.0, key.1
    )
}
