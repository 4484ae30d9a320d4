//! What a field keeps because people may be asked about it. Rare, and packed like
//! everything that holds values: what a vendor sends must not decide whether a row
//! can be read again.

use hub_model::{Basis, Dispute, Settled, Stamp, Timestamp};

use super::bytes::{Bytes, Damaged, put_len, put_step, put_uint};
use super::value;

/// What is kept.
mod has {
    pub const TOLD: u8 = 1;
    pub const BASIS: u8 = 2;
    pub const SETTLED: u8 = 4;
    pub const TURNS: u8 = 8;
    pub const PAUSED: u8 = 16;
}

/// Packs it.
pub fn put(dispute: &Dispute, out: &mut Vec<u8>) {
    let Dispute { told, basis, settled, turns, paused } = dispute;
    let bit = |bit, set: bool| if set { bit } else { 0 };
    out.push(
        bit(has::TOLD, told.is_some())
            | bit(has::BASIS, basis.is_some())
            | bit(has::SETTLED, settled.is_some())
            | bit(has::TURNS, !turns.is_empty())
            | bit(has::PAUSED, paused.is_some()),
    );
    if let Some(told) = told {
        value::put(out, told);
    }
    if let Some(Basis { knew, agreed, before }) = basis {
        put_uint(out, knew.0);
        value::put(out, agreed);
        value::put(out, before);
    }
    if let Some(Settled { stamp, value }) = settled {
        put_uint(out, stamp.0);
        value::put(out, value);
    }
    if !turns.is_empty() {
        put_len(out, turns.len());
    }
    for time in turns.iter().chain(paused) {
        put_step(out, 0, time.0.cast_unsigned());
    }
}

fn time(bytes: &mut Bytes<'_>) -> Result<Timestamp, Damaged> {
    Ok(Timestamp(bytes.step(0)?.cast_signed()))
}

/// Unpacks it.
pub fn read(bytes: &mut Bytes<'_>) -> Result<Dispute, Damaged> {
    let flags = bytes.byte()?;
    let mut dispute = Dispute::default();
    if flags & has::TOLD != 0 {
        dispute.told = Some(value::read(bytes)?);
    }
    if flags & has::BASIS != 0 {
        let knew = Stamp(bytes.uint()?);
        let (agreed, before) = (value::read(bytes)?, value::read(bytes)?);
        dispute.basis = Some(Basis { knew, agreed, before });
    }
    if flags & has::SETTLED != 0 {
        let stamp = Stamp(bytes.uint()?);
        dispute.settled = Some(Settled { stamp, value: value::read(bytes)? });
    }
    if flags & has::TURNS != 0 {
        for _ in 0..bytes.count()? {
            dispute.turns.push(time(bytes)?);
        }
    }
    if flags & has::PAUSED != 0 {
        dispute.paused = Some(time(bytes)?);
    }
    Ok(dispute)
}
