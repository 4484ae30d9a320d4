//! Writing: each item is a message of its own, and the server's word on its
//! recipient is its outcome.

use liaison_sdk::mail::{self, Delivery};
use liaison_sdk::{
    Action, Fault, FaultCode, Outcome, Report, Stored, WriteItem, WriteRequest, clock, time,
};
use serde_json::Value;

use crate::encode;
use crate::letter;
use crate::settings::{Settings, TO, Template};

/// Items of one write: each is a connection to the server, which may be slow, and a
/// call has five minutes.
pub const BATCH_ITEMS_MAX: u32 = 20;
/// Before this (2024-01-01) no clock that is set can be.
const CLOCK_MIN: i64 = 1_704_067_200 * time::SECOND_MICROS;
/// A key of the hub has 32 digits; what is not one of these may be anything.
const KEY_BYTES_MAX: usize = 128;

/// Writes a batch.
///
/// # Errors
/// What the server, or the host, says about the sender and not about a recipient.
pub fn write(
    settings: &Settings,
    template: &Template,
    request: &WriteRequest,
) -> Result<Report, Fault> {
    let now = clock::now();
    // Mail of 1970 is thrown away as junk, and cannot be sent again.
    let date = encode::date(now).filter(|_| now >= CLOCK_MIN);
    let date = date.ok_or_else(|| Fault::new(FaultCode::Transient).at("clock"))?;
    let server = settings.server();
    Report::of_each(&request.items, |item| {
        if item.action != Action::Create {
            let what = "what was sent can neither be changed nor taken back";
            return Err(Fault::not_supported(what));
        }
        let key = key(item)?;
        let letter = letter::write(settings, template, &item.patch, (key, &date))?;
        let stored = stored(item, letter.id);
        if request.dry_run {
            return Ok(Outcome::Created(stored));
        }
        let deliveries = mail::send(&server, &letter.message).map_err(of_item)?;
        outcome(deliveries.into_iter().next(), stored)
    })
}

/// The key that the `Message-ID` is made of.
fn key(item: &WriteItem) -> Result<&str, Fault> {
    let key = item.idempotency_key.as_str();
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let good = (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(sound);
    if good { Ok(key) } else { Err(Fault::new(FaultCode::Rejected).at("idempotency-key")) }
}

fn stored(item: &WriteItem, id: String) -> Stored {
    let mut row = item.patch.clone();
    row.insert("message_id".to_owned(), Value::String(id.clone()));
    Stored::key(id).row(row)
}

/// Too large is this message, and nothing else is.
fn of_item(fault: Fault) -> Fault {
    match fault.code {
        FaultCode::Limit if fault.arg("bytes-max").is_some() => {
            Fault { code: FaultCode::Rejected, ..fault }.with("reason", "too-large")
        }
        _ => fault,
    }
}

fn outcome(delivery: Option<Delivery>, stored: Stored) -> Result<Outcome, Fault> {
    match delivery {
        Some(Delivery::Accepted(_)) => Ok(Outcome::Created(stored)),
        Some(Delivery::Deferred(reply)) => {
            Ok(Outcome::Retry(None, told(FaultCode::Transient, &reply, &stored)))
        }
        Some(Delivery::Refused(reply)) => {
            Ok(Outcome::Rejected(told(FaultCode::Rejected, &reply, &stored)))
        }
        Some(Delivery::Unknown(_)) => Ok(Outcome::Unknown),
        None => Err(Fault::bug("no answer about the recipient")),
    }
}

/// What the server said, with its code; the enhanced one (RFC 3463) where it has one.
fn told(code: FaultCode, reply: &str, stored: &Stored) -> Fault {
    let mut words = reply.split(' ');
    let basic = words.next().unwrap_or_default();
    let enhanced = words.next().filter(|word| crate::report::is_status(word));
    // Servers repeat the address, and a fault holds no customer's value.
    let to = stored.row.as_ref().and_then(|row| row.get(TO)).and_then(Value::as_str);
    let message = reply.replace(to.map_or("@", str::trim), "...");
    Fault::new(code).at(TO).vendor(enhanced.unwrap_or(basic), message)
}
