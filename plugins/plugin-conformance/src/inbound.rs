//! Rules about what is pushed.

use std::collections::BTreeSet;

use hub_model::{FaultCode, StreamName, Timestamp};
use plugin_api::{Delivery, Inbound, Parsed};

use crate::Verdict;
use crate::breach::{Breach, Must};
use crate::subject::Subject;

/// Bodies that no vendor sends, and anybody may.
const NONSENSE: [&[u8]; 9] = [
    b"",
    b"\xff\xfe\x00",
    b"<html><body>502 Bad Gateway</body></html>",
    b"{",
    b"[]",
    b"null",
    b"{\"a\":",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"9999999999999999999999999999999999999999999999999999999999999e999999",
];

fn inbound<'s>(subject: &'s Subject<'_>, must: Must) -> Result<&'s dyn Inbound, Breach> {
    subject.connector.inbound().ok_or_else(|| must.broken("it has no way in"))
}

/// A delivery of its vendor MUST be understood, and its rows be readable.
///
/// # Errors
/// The breach.
pub async fn a_delivery_is_understood(subject: &Subject<'_>, sample: &Delivery) -> Verdict {
    let must = Must("a delivery of the vendor is understood and its rows are readable");
    let parsed = inbound(subject, must)?.parse(&subject.call, sample).await;
    let parsed = must.succeed("parse", parsed)?;
    let says_something = parsed.iter().any(|meaning| *meaning != Parsed::Ignored);
    must.hold(says_something, || "it means nothing".to_owned())?;
    let bad = parsed.iter().find_map(|meaning| match meaning {
        Parsed::Rows(_, rows) => rows.iter().find_map(|row| row.as_ref().err()),
        _ => None,
    });
    bad.map_or(Ok(()), |bad| Err(must.broken(bad.fault.to_string())))
}

/// After a crash the hub asks again: a delivery MUST mean the same each time.
///
/// # Errors
/// The breach.
pub async fn a_delivery_means_the_same_again(subject: &Subject<'_>, sample: &Delivery) -> Verdict {
    let must = Must("a delivery means the same each time");
    let inbound = inbound(subject, must)?;
    let first = must.succeed("parse", inbound.parse(&subject.call, sample).await)?;
    let again = must.succeed("parse", inbound.parse(&subject.call, sample).await)?;
    must.hold(first == again, || "it meant something else".to_owned())
}

/// A delivery MUST speak about streams that discovery names.
///
/// # Errors
/// The breach.
pub async fn streams_are_discovered(subject: &Subject<'_>, sample: &Delivery) -> Verdict {
    let must = Must("a delivery speaks about streams that discovery names");
    let streams = must.succeed("discover", subject.connector.discover(&subject.call).await)?;
    let known: BTreeSet<StreamName> = streams.into_iter().map(|stream| stream.name).collect();
    let parsed = inbound(subject, must)?.parse(&subject.call, sample).await;
    for meaning in must.succeed("parse", parsed)? {
        let (Parsed::Rows(stream, _) | Parsed::Refetch(stream, _) | Parsed::Read(stream)) = meaning
        else {
            continue;
        };
        must.hold(known.contains(&stream), || format!("discovery names no {stream}"))?;
    }
    Ok(())
}

/// Whoever has the key may send nonsense: it MUST be refused as what it is, without
/// a trap and without an end of the connection's other deliveries.
///
/// # Errors
/// The breach.
pub async fn nonsense_is_refused(subject: &Subject<'_>, sample: &Delivery) -> Verdict {
    let must = Must("nonsense is refused as such, or means nothing");
    let inbound = inbound(subject, must)?;
    for body in NONSENSE {
        let nonsense = Delivery { body: body.to_vec(), ..sample.clone() };
        match inbound.parse(&subject.call, &nonsense).await {
            Ok(_) => {}
            Err(fault) if is_about_the_delivery(fault.code) => {}
            Err(fault) => {
                let shown = String::from_utf8_lossy(body);
                return Err(must.broken(format!("{:.40}: {fault}", shown.escape_debug())));
            }
        }
    }
    Ok(())
}

const fn is_about_the_delivery(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::Rejected
            | FaultCode::RowInvalid
            | FaultCode::SchemaDrift
            | FaultCode::NotSupported
    )
}

/// What cannot be verified MUST be refused before anything of it is parsed.
///
/// # Errors
/// The breach.
pub async fn what_is_not_verified_is_refused(subject: &Subject<'_>, sample: &Delivery) -> Verdict {
    let must = Must("a delivery without its signature is refused");
    let bare = Delivery { headers: Vec::new(), ..sample.clone() };
    let admitted = inbound(subject, must)?.admit(bare, Timestamp::default());
    must.hold(admitted.is_err(), || "it was let in".to_owned())
}
