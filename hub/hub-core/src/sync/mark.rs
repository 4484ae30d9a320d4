//! Marks: by what a row is known again without a look at its record.

use std::hash::{Hash, Hasher};

use hub_model::Rules;
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;

/// Makes marks under one set of rules. A row that was admitted and observed, and
/// is read again with the same mark, says nothing new: its record lacks nothing,
/// and no rule has to be asked about it once more. Under other rules every mark
/// is another, since a mapping may read another field and a schema may refuse
/// what another one admitted.
#[derive(Debug, Clone)]
pub struct Marks {
    key: [u8; 16],
}

impl Marks {
    /// Under these rules.
    pub fn under(rules: &Rules) -> Self {
        // Rules hold nothing that cannot be written as JSON.
        let text = serde_json::to_vec(rules).unwrap_or_default();
        Self { key: key(Sha256::new_with_prefix(text)) }
    }

    /// The same for the rows of a stream whose connector declares this schema: a
    /// row is known again only as one that was admitted under it.
    pub fn declared(&self, schema: &serde_json::Value) -> Self {
        let mut digest = Sha256::new_with_prefix(self.key);
        digest.update(schema.to_string());
        Self { key: key(digest) }
    }

    /// The mark of a row by its text as read: never 0. A row that is only written
    /// in another way is looked at, and found to say nothing new.
    pub fn of(&self, text: &str, version: Option<&str>) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        text.hash(&mut hasher);
        version.hash(&mut hasher);
        hasher.finish().max(1)
    }
}

fn key(digest: Sha256) -> [u8; 16] {
    let mut key = [0; 16];
    for (place, byte) in key.iter_mut().zip(digest.finalize()) {
        *place = byte;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::Marks;
    use crate::fixture::{mapping, rules};

    #[test]
    fn a_mark_tells_rows_versions_and_rules_apart() {
        let crm = || mapping("crm", &["name <-> name"]);
        let one = Marks::under(&rules(vec![], vec![crm()]));
        let other = Marks::under(&rules(vec![], vec![mapping("crm", &["name <- name"])]));
        let ana = r#"{"name":"Ana"}"#;
        assert_eq!(one.of(ana, None), Marks::under(&rules(vec![], vec![crm()])).of(ana, None));
        let others = [
            one.of(r#"{"name":"Anna"}"#, None),
            one.of(r#"{"name":"Ana"} "#, None),
            one.of(ana, Some("v1")),
            one.of(ana, Some("")),
            other.of(ana, None),
        ];
        for mark in others {
            assert_ne!(mark, one.of(ana, None));
        }
        let declared =
            |kind: &str| one.declared(&serde_json::json!({ "type": kind })).of(ana, None);
        assert_eq!(declared("object"), declared("object"));
        assert_ne!(declared("object"), declared("array"));
        assert_ne!(declared("object"), one.of(ana, None));
    }
}
