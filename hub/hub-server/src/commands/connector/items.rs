//! Items to write, as a person states them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hub_model::{FieldName, Object, RemoteKey, Value};
use plugin_api::{Action, Consent, WriteItem};
use serde::Deserialize;

use crate::exit::Exit;
use crate::trouble::Trouble;

/// Most items of one batch.
const ITEMS_MAX: usize = 1_000;

/// An item; what is left out is empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    action: Action,
    key: Option<RemoteKey>,
    #[serde(default)]
    matching: BTreeMap<FieldName, Value>,
    #[serde(default)]
    patch: Object,
    if_version: Option<String>,
    idempotency_key: Option<String>,
    #[serde(default)]
    consents: Vec<Consent>,
    ttl_seconds: Option<u32>,
}

/// Reads a file of items.
///
/// # Errors
/// What is wrong with it.
pub fn read(path: &Path) -> Result<Vec<WriteItem>, Trouble> {
    let refuse = |what: String, mend: &str| {
        Trouble::new(Exit::Usage, "connector/items", path.display(), what, mend)
    };
    let form = "a list of items, each with \"action\" (create, update, archive or delete), \
                \"key\" or \"matching\", and \"patch\"";
    let bytes = fs::read(path)
        .map_err(|error| refuse(format!("it cannot be read: {error}"), "check the path"))?;
    let stated: Vec<Stated> =
        serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string(), form))?;
    if stated.is_empty() || stated.len() > ITEMS_MAX {
        let what = format!("it holds {} items, and 1 to {ITEMS_MAX} are taken", stated.len());
        return Err(refuse(what, form));
    }
    Ok(stated.into_iter().map(whole).collect())
}

/// The item with a key of idempotency: the same for the same item.
fn whole(stated: Stated) -> WriteItem {
    let mut item = WriteItem {
        action: stated.action,
        key: stated.key,
        matching: stated.matching,
        patch: stated.patch,
        if_version: stated.if_version,
        idempotency_key: String::new(),
        consents: stated.consents,
        ttl_seconds: stated.ttl_seconds,
    };
    let content = serde_json::to_vec(&item).unwrap_or_default();
    item.idempotency_key = stated.idempotency_key.unwrap_or_else(|| {
        plugin_install::digest(&content).trim_start_matches("sha256:").to_owned()
    });
    item
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn items_are_whole_and_say_what_is_wrong_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("items.json");
        for (text, wrong) in [
            (r#"[{"action":"create","patch":{"email":"d@x.fr"}}]"#, ""),
            (r#"[{"action":"delete","key":"43","if_version":"7"}]"#, ""),
            (r#"[{"action":"upsert","key":"43"}]"#, "unknown variant"),
            (r#"[{"action":"delete","id":"43"}]"#, "unknown field"),
            ("[]", "0 items"),
            ("{}", "invalid type"),
        ] {
            std::fs::write(&path, text).unwrap();
            match read(&path) {
                Ok(items) => {
                    assert!(wrong.is_empty(), "{text}");
                    assert_eq!(items[0].idempotency_key, read(&path).unwrap()[0].idempotency_key);
                    assert_eq!(items[0].idempotency_key.len(), 64);
                }
                Err(trouble) => {
                    assert!(!wrong.is_empty(), "{trouble}");
                    assert!(trouble.to_string().contains(wrong), "{trouble}");
                }
            }
        }
    }
}
