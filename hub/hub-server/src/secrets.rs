//! Credentials of a connection: from references in the configuration to what
//! the gateway applies. Values are read when they are used; here they are read
//! once to say at the start what cannot be had, and dropped.

use std::collections::BTreeMap;
use std::path::Path;

use hub_config::{ConfigFault, ConnectionConfig, SecretSource};
use plugin_api::{CredentialSlot, Manifest};
use plugin_gateway::{Credential, CredentialError, Secret, SecretError, SecretRef};

use crate::load::near;

/// The credentials of a connection, by slot.
///
/// # Errors
/// Every slot that is missing or unknown, every part that does not fit, every
/// secret that cannot be read.
pub fn credentials(
    connection: &ConnectionConfig,
    manifest: &Manifest,
    root: &Path,
) -> Result<BTreeMap<String, Credential>, Vec<ConfigFault>> {
    let mut faults = unknown_slots(connection, manifest);
    let mut credentials = BTreeMap::new();
    let given = |slot: &&CredentialSlot| connection.credentials.contains_key(&slot.name);
    for slot in manifest.credentials.iter().filter(|slot| !slot.optional || given(slot)) {
        match credential(connection, slot, root) {
            Ok(credential) => {
                credentials.insert(slot.name.clone(), credential);
            }
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(credentials) } else { Err(faults) }
}

fn place(connection: &ConnectionConfig, slot: &str) -> String {
    format!("connections.{}.credentials.{slot}", connection.id)
}

fn unknown_slots(connection: &ConnectionConfig, manifest: &Manifest) -> Vec<ConfigFault> {
    let known = || manifest.credentials.iter().map(|slot| slot.name.as_str());
    let unknown = connection.credentials.iter().filter(|(name, _)| !known().any(|k| k == **name));
    unknown
        .map(|(name, parts)| {
            let at = parts.values().next().map_or(&connection.location, |part| &part.location);
            let problem = format!("the connector has no credential `{name}`");
            let mend = near(name, known(), "remove it: the connector takes no credential");
            let place = place(connection, name);
            ConfigFault::told("secret/unknown-slot", at.clone(), place, problem, mend)
        })
        .collect()
}

fn credential(
    connection: &ConnectionConfig,
    slot: &CredentialSlot,
    root: &Path,
) -> Result<Credential, Vec<ConfigFault>> {
    let place = place(connection, &slot.name);
    let Some(parts) = connection.credentials.get(&slot.name) else {
        let what = if slot.title.is_empty() { "" } else { ": " };
        let problem = format!("the credential `{}` is missing{what}{}", slot.name, slot.title);
        let mend = format!("add a table `[{place}]` with references such as `env:NAME`");
        let at = connection.location.clone();
        return Err(vec![ConfigFault::told("secret/missing-slot", at, place, problem, mend)]);
    };
    let mut faults = Vec::new();
    let mut secrets = BTreeMap::new();
    for (name, part) in parts {
        let (secret, fault) = reference(part, root, &format!("{place}.{name}"));
        faults.extend(fault);
        secrets.insert(name.clone(), secret);
    }
    let at = parts.values().next().map_or(&connection.location, |part| &part.location).clone();
    match Credential::from_slot(slot, secrets) {
        Ok(credential) if faults.is_empty() => Ok(credential),
        Ok(_) => Err(faults),
        Err(error) => {
            faults.push(ConfigFault::told("secret/parts", at, place, &error, parts_mend(&error)));
            Err(faults)
        }
    }
}

/// A secret by its reference, and the fault if that leads to none now.
pub fn reference(
    written: &hub_config::SecretRef,
    root: &Path,
    place: &str,
) -> (Secret, Option<ConfigFault>) {
    let reference = match &written.source {
        SecretSource::Env(name) => SecretRef::Env(name.clone()),
        SecretSource::File(path) => SecretRef::File(path.into()),
    };
    let secret = Secret::reference(reference, root);
    let fault = secret.resolve().err().map(|error| {
        let (code, mend) = explain(&error);
        ConfigFault::told(code, written.location.clone(), place, &error, mend)
    });
    (secret, fault)
}

const fn explain(error: &SecretError) -> (&'static str, &'static str) {
    match error {
        SecretError::Syntax => ("secret/reference", "write `env:NAME` or `file:path`"),
        SecretError::Variable(_) => {
            ("secret/variable", "set the variable for the process that runs liaison")
        }
        SecretError::File { .. } => (
            "secret/file",
            "create the file with the secret in it, readable by the hub's user only",
        ),
        SecretError::Exposed { .. } => {
            ("secret/exposed", "chmod 600, and change the secret: others may have read it")
        }
    }
}

const fn parts_mend(error: &CredentialError) -> &'static str {
    match error {
        CredentialError::Missing(_) => "add the part with a reference such as `env:NAME`",
        CredentialError::Unused(_) => "remove the part, or correct its name",
        CredentialError::Kind(_) | CredentialError::Place(_) | CredentialError::Recipe(_) => {
            "update the connector, or report this to its author"
        }
    }
}
