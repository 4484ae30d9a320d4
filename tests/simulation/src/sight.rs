//! What a system has shown, as far as its answers arrived.

use std::collections::{BTreeMap, BTreeSet};

use crate::system::System;

/// What nobody has seen of a system, and which rows were looked up last.
pub struct Sight {
    unseen: BTreeMap<(String, &'static str), u64>,
    looked_up: BTreeSet<String>,
}

impl System {
    /// As it is before a request.
    pub fn sight(&self) -> Sight {
        let looked_up = self.rows.iter().filter(|(_, row)| row.looked_up);
        let looked_up = looked_up.map(|(key, _)| key.clone()).collect();
        Sight { unseen: self.unseen.clone(), looked_up }
    }

    /// The answer never arrived: what it showed was not seen.
    pub fn unsee(&mut self, before: Sight) {
        self.unseen = before.unseen;
        for (key, row) in &mut self.rows {
            row.looked_up = before.looked_up.contains(key);
        }
    }
}
