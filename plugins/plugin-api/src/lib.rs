//! The port to connectors: everything that the hub may ask of one, and nothing
//! about how it runs.
//!
//! The engine speaks to [`Connector`] and never learns whether a WebAssembly
//! component, a test double or a native implementation answers. A `Connector`
//! value is bound to one connection: settings, grants and credentials are in it
//! already, and no secret ever crosses this port.
//!
//! Two rules carry the design. **The connector classifies, the host
//! transports**: an HTTP status is not an outcome, so every call answers with
//! typed items and typed faults ([`Fault`](hub_model::Fault) codes decide
//! retry, pause or alert). **The hub owns the loop**: a connector returns one
//! page or handles one batch; when, how often and what becomes of it is decided
//! outside.

pub mod bytes;

pub mod audience;
pub mod connector;
pub mod inbound;
pub mod manifest;
pub mod page;
pub mod recipe;
pub mod row;
pub mod stream;
pub mod tokens;
pub mod write;

pub use audience::{
    Audience, Container, ContainerPage, ContainerWish, Identity, Member, MemberChange,
    MemberCounts, MemberOutcome, MemberReport, MemberRequest, ReplaceSession,
};
pub use connector::{CallContext, Connector, Learned};
pub use inbound::{Admitted, Delivery, Inbound, Parsed, Refusal, Reply};
pub use manifest::{Capability, CredentialSlot, HostGrant, Manifest};
pub use page::{Cursor, Item, ItemChange, Page, ReadRequest};
pub use recipe::{InboundDeclaration, Place, Recipe};
pub use row::Row;
pub use stream::{FieldInfo, StreamInfo};
pub use tokens::{TokenStore, TokenStoreError};
pub use write::{
    Action, Aggregate, Consent, Found, JobState, LookupKey, LookupRequest, Outcome, WriteItem,
    WriteReport, WriteRequest,
};
