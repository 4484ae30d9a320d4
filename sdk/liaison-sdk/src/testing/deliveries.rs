//! A door for tests: what a connector makes of a delivery, held to the contract.

use super::Script;
use crate::call::Call;
use crate::connector::Inbound;
use crate::fault::Fault;
use crate::inbound::{Delivery, Parsed};

/// Longest key.
const KEY_BYTES_MAX: usize = 512;

/// What a connector makes of a delivery, without a network.
///
/// # Errors
/// The connector's own.
///
/// # Panics
/// When the connector breaks the contract: it says something else when it is
/// asked again, names a stream that discovery does not, or a key that is none.
pub fn parse<C: Inbound>(call: &Call, delivery: &Delivery) -> Result<Vec<Parsed>, Fault> {
    Script::new().run(|| {
        let parsed = C::parse(call, delivery);
        assert_eq!(parsed, C::parse(call, delivery), "asked again, it says something else");
        let streams = C::discover(call)?;
        for meaning in parsed.iter().flatten() {
            let (stream, keys) = named(meaning);
            let known =
                stream.is_none_or(|name| streams.iter().any(|it| it.name() == name.as_str()));
            assert!(known, "discovery names no stream {stream:?}");
            let good = |key: &&String| (1..=KEY_BYTES_MAX).contains(&key.len());
            assert!(keys.iter().all(good), "a key is empty or too long: {keys:?}");
        }
        parsed
    })
}

fn named(meaning: &Parsed) -> (Option<&String>, Vec<&String>) {
    match meaning {
        Parsed::Rows(stream, rows) => {
            (Some(stream), rows.iter().filter_map(|row| row.key.as_ref()).collect())
        }
        Parsed::Refetch(stream, keys) => (Some(stream), keys.iter().collect()),
        Parsed::Read(stream) => (Some(stream), Vec::new()),
        Parsed::Ignored => (None, Vec::new()),
    }
}
