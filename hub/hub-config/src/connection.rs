//! `[connections.*]`: connector, grants, settings and credentials.

use std::collections::BTreeMap;

use hub_model::{ConnectionId, Party, Source};

use crate::config::ConnectionConfig;
use crate::fault::{ConfigFault, code};
use crate::folder;
use crate::limits;
use crate::located::Located;
use crate::purposes;
use crate::secret::{NotAReference, SecretRef, SecretSource};
use crate::settings;
use crate::table::{TableReader, shown, wrong_type};
use crate::word;

/// The keys of a connection.
pub(crate) const KEYS: &[&str] = &[
    "connector",
    "account",
    "hosts",
    "private",
    "insecure_http",
    "origin",
    "keep",
    "keep_anonymous",
    "settings",
    "credentials",
    "folders",
    "limits",
];
/// Reads one connection; `None` if it has no connector.
pub(crate) fn read(id: &str, mut table: TableReader<'_>) -> Option<ConnectionConfig> {
    let location = table.location().clone();
    let connector = table.required("connector", "the id of a connector", "connector = \"files\"");
    let connector = connector.filter(|connector| {
        let place = table.place_of("connector");
        word::check_id(table.document(), connector, "the id of a connector", &place)
    });
    let account = table.filled("account", "the name of an account", "account = \"acme\"");
    let account = account.filter(|account| {
        let place = table.place_of("account");
        word::check_id(table.document(), account, "the name of an account", &place)
    });
    let hosts = hosts(&mut table);
    let private = private(&mut table);
    let insecure_http = table.flag("insecure_http").unwrap_or(false);
    let source = source(id, &mut table);
    let (settings, settings_places) = settings::read(&mut table);
    let credentials = credentials(&mut table);
    let folders = folder::read(&mut table);
    let limits = limits::read(&mut table, true);
    table.finish(KEYS);
    Some(ConnectionConfig {
        id: ConnectionId::new(id),
        connector: connector?,
        account: account.map(|account| account.value),
        hosts,
        private,
        insecure_http,
        source,
        folders,
        settings,
        settings_places,
        credentials,
        limits,
        location,
    })
}

/// Whose data they are, and how long they are kept.
fn source(id: &str, table: &mut TableReader<'_>) -> Source {
    let party = table.word("origin", Party::WORDS).map(|word| word.value).unwrap_or_default();
    let keep = purposes::period(table, "keep", "keep = \"3 years\"");
    let anonymous = purposes::period(table, "keep_anonymous", "keep_anonymous = \"90 days\"");
    Source {
        connection: ConnectionId::new(id),
        party,
        keep,
        keep_anonymous: anonymous.or(party.keep_anonymous()),
    }
}

fn hosts(table: &mut TableReader<'_>) -> Vec<Located<String>> {
    let written = table.texts("hosts", "hosts = [\"api.example.com\"]");
    let mut hosts = Vec::with_capacity(written.len());
    for host in written {
        match word::host(&host) {
            Ok(name) => hosts.push(Located::new(name, host.location)),
            Err(bad) => {
                let fault = table.fault(code::HOST, &host.location, "hosts");
                let fault = fault.with("found", shown(&host)).with("why", bad.why);
                match bad.example {
                    Some(example) => fault.with("example", example).record(),
                    None => fault.record(),
                }
            }
        }
    }
    hosts
}

fn private(table: &mut TableReader<'_>) -> Vec<Located<String>> {
    let mut networks = table.texts("private", "private = [\"127.0.0.1/32:8000\"]");
    networks.retain(|network| match word::private(network) {
        Ok(()) => true,
        Err(why) => {
            let fault = table.fault(code::PRIVATE, &network.location, "private");
            fault.with("found", shown(network)).with("why", why).record();
            false
        }
    });
    networks
}

/// `[connections.x.credentials.<slot>]`: parts that refer to secrets.
fn credentials(table: &mut TableReader<'_>) -> BTreeMap<String, BTreeMap<String, SecretRef>> {
    let example = "[connections.x.credentials.login]";
    let mut slots = BTreeMap::new();
    for (slot, parts) in table.tables("credentials", example) {
        let place = parts.place().to_owned();
        if word::check_id(table.document(), &slot, "the name of a credential", &place) {
            slots.insert(slot.value, parts_of(&parts));
        }
    }
    slots
}

fn parts_of(slot: &TableReader<'_>) -> BTreeMap<String, SecretRef> {
    let example = "password = \"env:PASSWORD\"";
    let mut parts = BTreeMap::new();
    for (part, value) in slot.values() {
        let place = slot.place_of(&part);
        if !word::check_id(slot.document(), &part, "the part of a credential", &place) {
            continue;
        }
        let Some(text) = value.get_ref().as_str() else {
            let expected = "a reference to a secret";
            wrong_type(slot.document(), value, &place, expected, example);
            continue;
        };
        let location = slot.document().location(&value.span());
        match SecretSource::parse(text) {
            Ok(source) => {
                parts.insert(part.value, SecretRef { source, location });
            }
            Err(reason) => slot.document().fault(not_a_reference(reason, location, place)),
        }
    }
    parts
}

/// The fault of a bad reference; it repeats nothing of what was written.
pub(crate) fn not_a_reference(
    reason: NotAReference,
    location: crate::located::Location,
    place: String,
) -> ConfigFault {
    let why = match reason {
        NotAReference::Literal => return ConfigFault::new(code::LITERAL_SECRET, location, place),
        NotAReference::Name => {
            "after `env:` comes a name of letters, digits and `_` that does not begin with a digit"
        }
        NotAReference::Path => "after `file:` comes a path, without `//`",
    };
    ConfigFault::new(code::SECRET_REFERENCE, location, place).with("why", why)
}
