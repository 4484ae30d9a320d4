//! The words of Liaison as plain values.
//!
//! Everything that more than one room speaks about lives here: what a system
//! said (records), what we concluded (profiles), what a human settled
//! (decisions), in which order it was received (stamps), and what went wrong
//! (faults). There is no clock, no I/O and no policy in this crate; a value is
//! canonical by construction, so that `==` answers "did it change?" and
//! formatting never does.
//!
//! Two numbers order the world. A [`RecordNo`] is given to a record once, in
//! order of receipt; a profile's id is the number of its founding record. A
//! [`Stamp`] is given to every value when it is first seen; it is the hub's own
//! order of receipt and never a vendor's clock.

pub mod change;
pub mod cleaning;
pub mod conflict;
pub mod consent;
pub mod conversion;
pub mod decision;
pub mod delivery;
pub mod event;
pub mod fault;
pub mod guards;
pub mod id;
pub mod identity;
pub mod ledger;
pub mod limits;
pub mod made_of;
pub mod mapping;
pub mod namespace;
pub mod number;
pub mod period;
pub mod plan;
pub mod profile;
pub mod quarantine;
pub mod rate;
pub mod receipt;
pub mod record;
pub mod relation;
pub mod retention;
pub mod run;
pub mod segment;
pub mod suppression;
pub mod survivorship;
pub mod time;
pub mod time_format;
pub mod transform;
pub mod value;

pub use change::{Change, ChangeKind};
pub use cleaning::{Cleaner, Cleaning, Otherwise};
pub use conflict::{Basis, Conflict, ConflictReason, Dispute, Settled, Side};
pub use consent::{
    ChannelName, Consent, ConsentKey, ConsentMapping, ConsentProof, ConsentState, Purpose,
    PurposeName,
};
pub use conversion::{Conversion, Made, Step, Template};
pub use decision::{Decision, DecisionKind};
pub use delivery::{Attempt, Pending, PendingKey, PendingState, Word};
pub use event::{Event, EventMapping, EventName};
pub use fault::{Fault, FaultCode};
pub use guards::{Answer, Guards, Hold};
pub use id::{
    AccountName, CommitSeq, ConnectionId, FieldName, KindName, PositionName, ProfileId, RecordNo,
    RecordRef, RemoteKey, RunId, Stamp, StreamName, StreamRef, SyncId, TraitName, WorkspaceId,
};
pub use identity::{Claim, Identity, NamespaceName};
pub use ledger::{DeliveryClass, LedgerEntry, LedgerField, LedgerPlace, WriteEnd};
pub use made_of::{Condition, MadeOf, Reference};
pub use mapping::{
    CreatePolicy, DeletePolicy, Direction, FieldMapping, Mapping, Rules, Several, TimeField,
};
pub use namespace::{Namespace, Normaliser, Part};
pub use number::Number;
pub use period::Period;
pub use plan::{PlanCounts, PlannedField, PlannedWrite, WriteKind};
pub use profile::{Claimed, EntityKind, Profile, Provenance, Trait};
pub use quarantine::Quarantined;
pub use rate::{Forecast, Priority, RateBudget, RateHint};
pub use receipt::{ConnectorVersion, Receipt};
pub use record::{Absence, Assertion, FieldState, IdentityFact, Origin, Record};
pub use relation::{Related, RelatesTo, Relation, RelationMapping, RoleName, WhenErased};
pub use retention::{History, Party, Source};
pub use run::{Run, RunCounts, RunStatus, Trigger};
pub use segment::{CountTest, Move, Moved, Segment, SegmentName, Standing, ValueTest};
pub use suppression::{Signed, Suppressing, Suppression};
pub use survivorship::{Survivorship, TraitRule};
pub use time::Timestamp;
pub use time_format::TimeFormat;
pub use transform::{CodeForm, Kind, OneWay, Test, Transform};
pub use value::{Object, Text, Value};
