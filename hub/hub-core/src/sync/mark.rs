//! Marks: by what a row is known again without a look at its record.

use std::hash::{Hash, Hasher};

use hub_model::{Object, Rules};
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;

/// Makes marks under one set of rules. A row that was observed, and observed
/// again with the same mark under the same rules, says nothing new: its record
/// lacks nothing. Under other rules every mark is another, since a mapping may
/// read another field.
#[derive(Debug, Clone)]
pub struct Marks {
    key: [u8; 16],
}

impl Marks {
    /// Under these rules.
    pub fn under(rules: &Rules) -> Self {
        // Rules hold nothing that cannot be written as JSON.
        let text = serde_json::to_vec(rules).unwrap_or_default();
        let mut key = [0; 16];
        for (place, byte) in key.iter_mut().zip(Sha256::digest(text)) {
            *place = byte;
        }
        Self { key }
    }

    /// The mark of a row as read: never 0.
    pub fn of(&self, object: &Object, version: Option<&str>) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        object.hash(&mut hasher);
        version.hash(&mut hasher);
        hasher.finish().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;
    use crate::fixture::{mapping, row, rules};

    #[test]
    fn a_mark_tells_rows_versions_and_rules_apart() {
        let crm = || mapping("crm", &["name <-> name"]);
        let one = Marks::under(&rules(vec![], vec![crm()]));
        let other = Marks::under(&rules(vec![], vec![mapping("crm", &["name <- name"])]));
        let ana = row(&[("name", "Ana")]);
        assert_eq!(one.of(&ana, None), Marks::under(&rules(vec![], vec![crm()])).of(&ana, None));
        let others = [
            one.of(&row(&[("name", "Anna")]), None),
            one.of(&row(&[("nam", "eAna")]), None),
            one.of(&ana, Some("v1")),
            one.of(&ana, Some("")),
            other.of(&ana, None),
        ];
        for mark in others {
            assert_ne!(mark, one.of(&ana, None));
        }
    }
}
