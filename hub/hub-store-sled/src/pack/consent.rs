//! Consents of a profile.

use hub_model::{
    Consent, ConsentKey, ConsentProof, ConsentState, FieldName, ProfileId, RecordNo, Stamp,
    Timestamp,
};

use super::bytes::{Damaged, put_len, put_step, put_text};
use super::names::{Item, Names};

/// What a consent has beyond the usual.
mod has {
    pub const EXPIRES: u8 = 1;
    pub const GIVEN: u8 = 2;
    pub const TEXT_VERSION: u8 = 4;
    pub const RAW: u8 = 8;
}

const STATES: [ConsentState; 4] =
    [ConsentState::Unknown, ConsentState::Granted, ConsentState::Denied, ConsentState::Withdrawn];

/// Appends an instant.
pub fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    put_step(out, 0, time.0.cast_unsigned());
}

/// See [`put_time`].
pub fn time(item: &mut Item<'_>) -> Result<Timestamp, Damaged> {
    Ok(Timestamp(item.bytes.step(0)?.cast_signed()))
}

/// Packs the consents of a profile.
pub fn put(consents: &[Consent], id: ProfileId, names: &mut Names, out: &mut Vec<u8>) {
    put_len(out, consents.len());
    for consent in consents {
        let proof = &consent.proof;
        names.put(out, &consent.key.purpose);
        names.put(out, &consent.key.channel);
        out.push(match consent.state {
            ConsentState::Unknown => 0,
            ConsentState::Granted => 1,
            ConsentState::Denied => 2,
            ConsentState::Withdrawn => 3,
        });
        let bit = |bit, set: bool| if set { bit } else { 0 };
        out.push(
            bit(has::EXPIRES, consent.expires.is_some())
                | bit(has::GIVEN, proof.given.is_some())
                | bit(has::TEXT_VERSION, proof.text_version.is_some())
                | bit(has::RAW, proof.raw.is_some()),
        );
        put_step(out, id.0, consent.stamp.0);
        put_step(out, id.0, proof.record.0);
        names.put(out, proof.field.as_str());
        [consent.expires, proof.given].into_iter().flatten().for_each(|time| put_time(out, time));
        let texts = [&proof.text_version, &proof.raw];
        texts.into_iter().flatten().for_each(|text| put_text(out, text));
    }
}

/// Unpacks the consents of a profile.
pub fn read(item: &mut Item<'_>, id: ProfileId) -> Result<Vec<Consent>, Damaged> {
    let mut consents = Vec::new();
    for _ in 0..item.bytes.count()? {
        let key = ConsentKey { purpose: item.name()?, channel: item.name()? };
        let state = STATES.get(usize::from(item.bytes.byte()?)).copied().ok_or(Damaged)?;
        let flags = item.bytes.byte()?;
        let stamp = Stamp(item.bytes.step(id.0)?);
        let record = RecordNo(item.bytes.step(id.0)?);
        let field = FieldName::new(item.name()?);
        let mut expires = None;
        if flags & has::EXPIRES != 0 {
            expires = Some(time(item)?);
        }
        let mut given = None;
        if flags & has::GIVEN != 0 {
            given = Some(time(item)?);
        }
        let mut text_version = None;
        if flags & has::TEXT_VERSION != 0 {
            text_version = Some(item.bytes.text()?.to_owned());
        }
        let mut raw = None;
        if flags & has::RAW != 0 {
            raw = Some(item.bytes.text()?.to_owned());
        }
        let proof = ConsentProof { record, field, given, text_version, raw };
        consents.push(Consent { key, state, stamp, expires, proof });
    }
    Ok(consents)
}
