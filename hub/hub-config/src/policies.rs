//! What a sync does where a row is missing, and where nobody else has its person any
//! more. A policy that could never do anything is a fault: whoever wrote it counts
//! on it.

use hub_model::{CreatePolicy, DeletePolicy, Direction};

use crate::fault::code;
use crate::located::{Located, Location};
use crate::table::TableReader;

/// The words for what happens without a row, and to rows that are there.
pub(crate) const CREATE: &[(&str, CreatePolicy)] = &[
    ("upsert", CreatePolicy::Upsert),
    ("update-only", CreatePolicy::UpdateOnly),
    ("create-only", CreatePolicy::CreateOnly),
    ("mirror", CreatePolicy::Mirror),
];
/// The words for rows of people whom another system deleted.
pub(crate) const DELETES: &[(&str, DeletePolicy)] = &[
    ("ignore", DeletePolicy::Ignore),
    ("propagate", DeletePolicy::Propagate),
    ("archive", DeletePolicy::Archive),
    ("unlink", DeletePolicy::Unlink),
];

/// Why a policy of a sync that only reads does nothing, and how to mend it.
const NOTHING: &str = "nothing is written there";
const WRITE: &str = "write a field with `<-` or `<->`, or remove it";

/// The policies of a sync.
pub(crate) struct Policies {
    /// What happens without a row.
    pub(crate) create: CreatePolicy,
    /// What happens after a delete elsewhere.
    pub(crate) deletes: DeletePolicy,
    written: Option<Located<DeletePolicy>>,
    mirror_at: Location,
}

/// Reads both keys; what is not written is as usual.
pub(crate) fn read(table: &mut TableReader<'_>) -> Policies {
    let create = table.word("create", CREATE).map_or(CreatePolicy::Upsert, |word| word.value);
    let written = table.word("deletes", DELETES);
    let deletes = written.as_ref().map(|word| word.value).unwrap_or_default();
    Policies { create, deletes, written, mirror_at: table.key_location("create") }
}

impl Policies {
    /// Whether the sync creates rows.
    pub(crate) fn creates(&self) -> bool {
        self.create != CreatePolicy::UpdateOnly
    }

    /// Whether they can do what they say with pairs of these directions.
    pub(crate) fn check(&self, table: &TableReader<'_>, directions: &[Direction]) {
        let useless = |at: &Location, key, why, mend| {
            let fault = table.fault(code::NO_EFFECT, at, key);
            fault.with("why", why).with("mend", mend).record();
        };
        let writes = directions.iter().any(|direction| direction.writes());
        let reads = directions.iter().any(|direction| direction.reads());
        let mirror = self.create == CreatePolicy::Mirror;
        let at = &self.mirror_at;
        if mirror && !writes {
            useless(at, "create", NOTHING, WRITE);
        } else if mirror && !reads {
            let why = "a row that is not read is not known, and never deleted";
            useless(at, "create", why, "read a field that names people, with `<->` or `->`");
        }
        let Some(written) = &self.written else { return };
        if !writes && !written.value.is_usual() {
            useless(&written.location, "deletes", NOTHING, WRITE);
        } else if mirror && matches!(written.value, DeletePolicy::Ignore | DeletePolicy::Unlink) {
            let why = "a mirror deletes what nobody else has";
            useless(
                &written.location,
                "deletes",
                why,
                "remove it, or write `deletes = \"archive\"`",
            );
        }
    }
}
