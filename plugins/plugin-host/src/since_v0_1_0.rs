//! Contract 0.1.0: what `wasmtime` makes of it, and what the host answers.
//!
//! The hub's port never speaks these types: `decode` and `encode` convert. A
//! later contract version gets a module like this one beside it.

mod imports;
mod state;

pub use state::{CallLog, GuestState};

#[allow(
    missing_docs,
    unsafe_code,
    clippy::all,
    reason = "generated from the contract, where everything is documented"
)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../sdk/liaison-sdk/wit/since-v0.1.0",
        world: "everything",
        imports: { default: async },
        exports: { default: async },
        additional_derives: [serde::Serialize],
    });
}

pub use bindings::exports::liaison::connector as exported;
pub use bindings::liaison::connector as imported;

use wasmtime::component::{HasSelf, InstancePre, Linker};

/// Everything that a guest may import.
///
/// # Errors
/// Two interfaces of one name; no contract of ours has them.
pub(crate) fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    type State = HasSelf<GuestState>;
    imported::types::add_to_linker::<_, State>(linker, |state| state)?;
    imported::log::add_to_linker::<_, State>(linker, |state| state)?;
    imported::clock::add_to_linker::<_, State>(linker, |state| state)?;
    imported::random::add_to_linker::<_, State>(linker, |state| state)?;
    imported::http::add_to_linker::<_, State>(linker, |state| state)?;
    imported::http_streams::add_to_linker::<_, State>(linker, |state| state)?;
    imported::files::add_to_linker::<_, State>(linker, |state| state)?;
    imported::crypto::add_to_linker::<_, State>(linker, |state| state)?;
    imported::state::add_to_linker::<_, State>(linker, |state| state)?;
    imported::mail::add_to_linker::<_, State>(linker, |state| state)?;
    imported::sql::add_to_linker::<_, State>(linker, |state| state)
}

/// Where the exports of a component are. What it does not export is none, and
/// calls of it are answered with `not-supported`.
#[derive(Clone)]
pub struct Exports {
    pub(crate) connection: exported::connection::GuestIndices,
    pub(crate) source: Option<exported::source::GuestIndices>,
    pub(crate) lookup: Option<exported::lookup::GuestIndices>,
    pub(crate) destination: Option<exported::destination::GuestIndices>,
    pub(crate) audience: Option<exported::audience::GuestIndices>,
    pub(crate) inbound: Option<exported::inbound::GuestIndices>,
}

impl Exports {
    /// Looks the exports up, each by its name.
    ///
    /// # Errors
    /// An interface is exported but not with the functions of the contract.
    pub(crate) fn find(
        pre: &InstancePre<GuestState>,
        has: impl Fn(&str) -> bool,
    ) -> wasmtime::Result<Self> {
        use exported::{audience, connection, destination, inbound, lookup, source};
        Ok(Self {
            connection: connection::GuestIndices::new(pre)?,
            source: has("source").then(|| source::GuestIndices::new(pre)).transpose()?,
            lookup: has("lookup").then(|| lookup::GuestIndices::new(pre)).transpose()?,
            destination: has("destination")
                .then(|| destination::GuestIndices::new(pre))
                .transpose()?,
            audience: has("audience").then(|| audience::GuestIndices::new(pre)).transpose()?,
            inbound: has("inbound").then(|| inbound::GuestIndices::new(pre)).transpose()?,
        })
    }
}
