//! What a connector implements, and how that becomes the exports of a
//! component.
//!
//! Functions take no `self`: between two calls the host may throw the instance
//! away, so whatever must survive belongs into a cursor.

use crate::audience::{Container, ContainerPage, ContainerWish, MemberReport, MemberRequest};
use crate::bindings::audience::exports::liaison::connector::audience as audience_api;
use crate::bindings::connection::exports::liaison::connector::connection as connection_api;
use crate::bindings::destination::exports::liaison::connector::destination as destination_api;
use crate::bindings::host::liaison::connector::types as wit;
use crate::bindings::inbound::exports::liaison::connector::inbound as inbound_api;
use crate::bindings::lookup::exports::liaison::connector::lookup as lookup_api;
use crate::bindings::source::exports::liaison::connector::source as source_api;
use crate::call::Call;
use crate::fault::Fault;
use crate::find::{Found, LookupRequest};
use crate::inbound::{self, Delivery, Parsed, Reply, Subscription};
use crate::page::{Page, ReadRequest};
use crate::panics;
use crate::stream::Stream;
use crate::write::{JobState, Report, WriteRequest};

/// What every connector implements.
pub trait Connector {
    /// The streams of this connection.
    ///
    /// # Errors
    /// Whatever keeps the connector from telling.
    fn discover(call: &Call) -> Result<Vec<Stream>, Fault>;

    /// Whether settings, credential and host work; changes nothing. By default
    /// a connector works when it can tell its streams: enough only where telling
    /// them asks the vendor.
    ///
    /// # Errors
    /// What a person should mend.
    fn check(call: &Call) -> Result<(), Fault> {
        Self::discover(call).map(|_| ())
    }
}

/// A connector that reads.
pub trait Source: Connector {
    /// One page.
    ///
    /// # Errors
    /// `cursor-expired` makes the hub take a new snapshot.
    fn read(call: &Call, request: &ReadRequest) -> Result<Page, Fault>;
}

/// A connector that finds rows.
pub trait Lookup: Connector {
    /// One answer per key, in order.
    ///
    /// # Errors
    /// Whatever keeps the connector from telling for all keys.
    fn lookup(call: &Call, request: &LookupRequest) -> Result<Vec<Found>, Fault>;
}

/// A connector that writes.
pub trait Destination: Connector {
    /// Writes a batch: one outcome per item, in order.
    ///
    /// # Errors
    /// A fault means that nothing was written, except `timeout` and `bug`, which
    /// mean that nobody knows.
    fn write(call: &Call, request: &WriteRequest) -> Result<Report, Fault>;

    /// How a job stands that a write was accepted into.
    ///
    /// # Errors
    /// `not-found` when the vendor has forgotten it.
    fn poll_job(_call: &Call, _job: &str) -> Result<JobState, Fault> {
        Err(Fault::not_supported("jobs"))
    }
}

/// A connector whose vendor has audiences; see [`crate::audience`].
pub trait Audience: Connector {
    /// The containers there are, a page at a time.
    ///
    /// # Errors
    /// `cursor-expired` for a cursor that leads nowhere.
    fn containers(call: &Call, cursor: Option<&[u8]>) -> Result<ContainerPage, Fault>;

    /// The container as wished: found or created, never doubled.
    ///
    /// # Errors
    /// `not-found` for a key that does not exist.
    fn ensure_container(call: &Call, wish: &ContainerWish) -> Result<Container, Fault>;

    /// Removes a container.
    ///
    /// # Errors
    /// `not-found` when there is none.
    fn delete_container(call: &Call, key: &str) -> Result<(), Fault>;

    /// Adds and removes members, or replaces all of them within a session.
    ///
    /// # Errors
    /// A fault means that nothing was changed, except `timeout` and `bug`, which
    /// mean that nobody knows.
    fn write_members(call: &Call, request: &MemberRequest) -> Result<MemberReport, Fault>;
}

/// A connector whose vendor pushes; see [`crate::inbound`].
pub trait Inbound: Connector {
    /// What a delivery means; one delivery may mean several things. Asked again
    /// about the same delivery it must say the same.
    ///
    /// # Errors
    /// What the delivery cannot be understood for: it goes to quarantine as it is.
    fn parse(call: &Call, delivery: &Delivery) -> Result<Vec<Parsed>, Fault>;

    /// The answer to a challenge; none = an ordinary delivery. Asked only where
    /// the manifest says `handshake`.
    ///
    /// # Errors
    /// Whatever keeps the connector from answering.
    fn handshake(_call: &Call, _delivery: &Delivery) -> Result<Option<Reply>, Fault> {
        Ok(None)
    }

    /// Asks the vendor to deliver to an address.
    ///
    /// # Errors
    /// `not-supported` where a person has to.
    fn register(_call: &Call, _address: &str, _streams: &[String]) -> Result<Subscription, Fault> {
        Err(Fault::not_supported("subscriptions"))
    }

    /// Renews a subscription that would expire.
    ///
    /// # Errors
    /// `not-supported` where none expires.
    fn renew(_call: &Call, _id: &str) -> Result<Subscription, Fault> {
        Err(Fault::not_supported("subscriptions"))
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// `not-supported` where a person has to.
    fn unregister(_call: &Call, _id: &str) -> Result<(), Fault> {
        Err(Fault::not_supported("subscriptions"))
    }
}

impl<T: Connector> connection_api::Guest for T {
    fn check(call: wit::Call) -> Result<(), wit::Fault> {
        panics::report();
        <T as Connector>::check(&call.into()).map_err(Into::into)
    }

    fn discover(call: wit::Call) -> Result<Vec<connection_api::StreamInfo>, wit::Fault> {
        panics::report();
        let streams = <T as Connector>::discover(&call.into())?;
        Ok(streams.into_iter().map(Into::into).collect())
    }
}

impl<T: Source> source_api::Guest for T {
    fn read(
        call: wit::Call,
        request: source_api::ReadRequest,
    ) -> Result<source_api::Page, wit::Fault> {
        panics::report();
        let page = <T as Source>::read(&call.into(), &request.into())?;
        Ok(page.try_into()?)
    }
}

impl<T: Lookup> lookup_api::Guest for T {
    fn lookup(
        call: wit::Call,
        request: lookup_api::LookupRequest,
    ) -> Result<Vec<lookup_api::Found>, wit::Fault> {
        panics::report();
        let found = <T as Lookup>::lookup(&call.into(), &request.try_into()?)?;
        Ok(found.into_iter().map(TryInto::try_into).collect::<Result<_, Fault>>()?)
    }
}

impl<T: Destination> destination_api::Guest for T {
    fn write(
        call: wit::Call,
        request: destination_api::WriteRequest,
    ) -> Result<destination_api::Report, wit::Fault> {
        panics::report();
        Ok(<T as Destination>::write(&call.into(), &request.try_into()?)?.into())
    }

    fn poll_job(call: wit::Call, job: String) -> Result<destination_api::JobState, wit::Fault> {
        panics::report();
        Ok(<T as Destination>::poll_job(&call.into(), &job)?.into())
    }
}

impl<T: Audience> audience_api::Guest for T {
    fn containers(
        call: wit::Call,
        cursor: Option<Vec<u8>>,
    ) -> Result<audience_api::ContainerPage, wit::Fault> {
        panics::report();
        Ok(<T as Audience>::containers(&call.into(), cursor.as_deref())?.into())
    }

    fn ensure_container(
        call: wit::Call,
        wish: audience_api::ContainerWish,
    ) -> Result<audience_api::Container, wit::Fault> {
        panics::report();
        Ok(<T as Audience>::ensure_container(&call.into(), &wish.try_into()?)?.into())
    }

    fn delete_container(call: wit::Call, key: String) -> Result<(), wit::Fault> {
        panics::report();
        Ok(<T as Audience>::delete_container(&call.into(), &key)?)
    }

    fn write_members(
        call: wit::Call,
        container: String,
        members: Vec<audience_api::Member>,
        session: Option<audience_api::ReplaceSession>,
    ) -> Result<audience_api::MemberReport, wit::Fault> {
        panics::report();
        let request = MemberRequest::of(container, members, session);
        Ok(<T as Audience>::write_members(&call.into(), &request)?.into())
    }
}

impl<T: Inbound> inbound_api::Guest for T {
    fn handshake(
        call: wit::Call,
        delivery: inbound_api::Delivery,
    ) -> Result<Option<inbound_api::Reply>, wit::Fault> {
        panics::report();
        Ok(<T as Inbound>::handshake(&call.into(), &delivery.into())?.map(Into::into))
    }

    fn parse(
        call: wit::Call,
        delivery: inbound_api::Delivery,
    ) -> Result<Vec<inbound_api::Parsed>, wit::Fault> {
        panics::report();
        inbound::answer(<T as Inbound>::parse(&call.into(), &delivery.into())?)
    }

    fn register(
        call: wit::Call,
        address: String,
        streams: Vec<String>,
    ) -> Result<inbound_api::Subscription, wit::Fault> {
        panics::report();
        Ok(<T as Inbound>::register(&call.into(), &address, &streams)?.into())
    }

    fn renew(call: wit::Call, id: String) -> Result<inbound_api::Subscription, wit::Fault> {
        panics::report();
        Ok(<T as Inbound>::renew(&call.into(), &id)?.into())
    }

    fn unregister(call: wit::Call, id: String) -> Result<(), wit::Fault> {
        panics::report();
        Ok(<T as Inbound>::unregister(&call.into(), &id)?)
    }
}

/// Makes a type the connector of this component, with the interfaces named.
/// `connection` is always exported.
///
/// ```ignore
/// export_connector!(Demo: source);
/// export_connector!(TwoWay: source, lookup, destination);
/// ```
///
/// Interfaces and what they need: `source` ([`Source`]), `lookup` ([`Lookup`]),
/// `destination` ([`Destination`]), `audience` ([`Audience`]), `inbound` ([`Inbound`]);
/// `choices`, `erasure`, `sender` (the trait `Guest` of that module of
/// [`crate::contract`]).
/// Natively it only checks that the traits are implemented.
#[macro_export]
macro_rules! export_connector {
    ($connector:ident $(: $($interface:ident),+ $(,)?)?) => {
        const _: () = {
            const fn implements<T: $crate::contract::connection::Guest>() {}
            implements::<$connector>();
            $($({
                const fn implements<T: $crate::contract::$interface::Guest>() {}
                implements::<$connector>();
            })+)?
        };
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            $crate::export_interface!(connection $connector);
            $($($crate::export_interface!($interface $connector);)+)?
        };
    };
}

/// See [`export_connector!`].
#[doc(hidden)]
#[macro_export]
macro_rules! export_interface {
    (connection $connector:ident) => {
        $crate::bindings::connection::export_connection!($connector with_types_in $crate::bindings::connection);
    };
    (choices $connector:ident) => {
        $crate::bindings::choices::export_choices!($connector with_types_in $crate::bindings::choices);
    };
    (source $connector:ident) => {
        $crate::bindings::source::export_source!($connector with_types_in $crate::bindings::source);
    };
    (lookup $connector:ident) => {
        $crate::bindings::lookup::export_lookup!($connector with_types_in $crate::bindings::lookup);
    };
    (destination $connector:ident) => {
        $crate::bindings::destination::export_destination!($connector with_types_in $crate::bindings::destination);
    };
    (erasure $connector:ident) => {
        $crate::bindings::erasure::export_erasure!($connector with_types_in $crate::bindings::erasure);
    };
    (audience $connector:ident) => {
        $crate::bindings::audience::export_audience!($connector with_types_in $crate::bindings::audience);
    };
    (sender $connector:ident) => {
        $crate::bindings::sender::export_sender!($connector with_types_in $crate::bindings::sender);
    };
    (inbound $connector:ident) => {
        $crate::bindings::inbound::export_inbound!($connector with_types_in $crate::bindings::inbound);
    };
}
