//! The systems of a fleet, drawn from its seed.
//!
//! What came to be drawn later has dice of its own, so that a seed goes on meaning
//! the fleet that it meant, as far as that goes.

use std::sync::{Arc, Mutex};

use crate::character::Character;
use crate::dice::Dice;
use crate::policy::Policy;
use crate::system::System;

/// A way to differ that some fleets have.
struct Gift {
    /// How many fleets in a hundred.
    fleets_percent: u32,
    /// Sets its dice apart.
    salt: u64,
    /// Gives it to a system of such a fleet, perhaps.
    give: fn(&mut Character, Dice),
}

const GIFTS: [Gift; 5] = [
    Gift { fleets_percent: 40, salt: 0xf0f0, give: Character::give_forms },
    Gift { fleets_percent: 30, salt: 0x0b0b, give: Character::give_jobs },
    Gift { fleets_percent: 15, salt: 0xc047, give: Character::give_counts },
    Gift { fleets_percent: 25, salt: 0x7e42, give: Character::give_cuts },
    Gift { fleets_percent: 25, salt: 0xca11, give: Character::give_allowance },
];

/// How many fleets in a hundred have syncs with policies other than the usual ones.
const FLEETS_WITH_POLICIES_PERCENT: u32 = 40;

/// So many systems, whose requests fail so many times in a hundred.
pub fn systems(seed: u64, count: usize, faults: u32) -> Vec<Arc<Mutex<System>>> {
    let gifts: Vec<&Gift> = GIFTS
        .iter()
        .filter(|gift| Dice::new(seed ^ gift.salt).percent(gift.fleets_percent))
        .collect();
    let mut policies = Dice::new(seed ^ 0x0901_1c1e);
    let has_policies = policies.percent(FLEETS_WITH_POLICIES_PERCENT);
    let system = |(k, name): (usize, &str)| {
        let own = seed * 31 + k as u64;
        let mut system = System::new(name, Dice::new(own), faults);
        for Gift { salt, give, .. } in &gifts {
            give(&mut system.character, Dice::new(own ^ salt));
        }
        if has_policies && policies.percent(60) {
            system.policy = Policy::drawn(&mut policies);
        }
        Arc::new(Mutex::new(system))
    };
    ["a", "b", "c", "d", "e"].into_iter().take(count).enumerate().map(system).collect()
}
