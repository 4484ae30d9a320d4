//! Records.

use std::collections::BTreeMap;

use hub_model::{
    Absence, Assertion, ConnectionId, FieldName, FieldState, Identity, IdentityFact, Object,
    Origin, ProfileId, Record, RecordNo, RecordRef, Related, Relation, RemoteKey, RunId, Stamp,
    StreamName, StreamRef, Value, WorkspaceId,
};

use super::bytes::{Damaged, put_len, put_step, put_text, put_uint};
use super::consent::{put_time, time};
use super::dispute;
use super::names::{Item, Names};
use super::value;

/// What a record has beyond the usual.
mod has {
    pub const CREATOR: u8 = 1;
    pub const DELETED: u8 = 2;
    pub const ABSENCES: u8 = 4;
    pub const VERSION: u8 = 8;
    /// Its profile is not the one that it founded.
    pub const PROFILE: u8 = 16;
    /// It is part of no profile.
    pub const NOBODY: u8 = 32;
    pub const RELATIONS: u8 = 64;
}

/// What a field state says.
mod state {
    pub const ASSERTED: u8 = 1;
    /// ... what the raw row says.
    pub const ASSERTED_RAW: u8 = 2;
    /// ... with the stamp after the one before.
    pub const NEXT_STAMP: u8 = 4;
    pub const REMOTE: u8 = 8;
    pub const REMOTE_RAW: u8 = 16;
    pub const SENT: u8 = 32;
    /// ... the stamp of the assertion.
    pub const SENT_ASSERTED: u8 = 64;
    /// There is more; a byte says what.
    pub const MORE: u8 = 128;
}

/// What more a field state says.
mod more {
    /// The time at its source of the assertion.
    pub const SOURCE: u8 = 1;
    /// The time at which it was seen.
    pub const SEEN: u8 = 2;
    /// What is kept because people may be asked: rare.
    pub const DISPUTE: u8 = 4;
}

/// What an identity fact says.
mod fact {
    pub const IDENTITY: u8 = 1;
    /// ... the text of the raw row, as it is.
    pub const RAW: u8 = 2;
    pub const EDITED: u8 = 4;
    pub const CONTESTED: u8 = 8;
    /// The stamp is that of the field's assertion.
    pub const ASSERTED: u8 = 16;
}

const fn flag(bit: u8, set: bool) -> u8 {
    if set { bit } else { 0 }
}

/// What a relation says.
mod relation {
    /// It leads to a row, not to an identity.
    pub const ROW: u8 = 1;
    /// It names the text of the raw row, as it is.
    pub const RAW: u8 = 2;
}

/// Packs a record.
pub fn put(record: &Record, names: &mut Names, out: &mut Vec<u8>) {
    let nobody = record.is_object();
    let profile = if nobody { record.profile } else { ProfileId::from(record.number) };
    let creator = match record.origin {
        Origin::Received => None,
        Origin::Created { for_record } => Some(for_record),
    };
    out.push(
        flag(has::CREATOR, creator.is_some())
            | flag(has::DELETED, record.deleted.is_some())
            | flag(has::ABSENCES, !record.absences.is_empty())
            | flag(has::VERSION, record.version.is_some())
            | flag(has::PROFILE, record.profile != profile)
            | flag(has::NOBODY, nobody)
            | flag(has::RELATIONS, !record.relations.is_empty()),
    );
    put_uint(out, record.number.0);
    let stream = &record.at.stream;
    names.put(out, stream.workspace.as_str());
    names.put(out, stream.connection.as_str());
    names.put(out, stream.stream.as_str());
    put_text(out, record.at.key.as_str());
    put_uint(out, record.born.0);
    names.put(out, record.run.as_str());
    if let Some(creator) = creator {
        put_step(out, record.number.0, creator.0);
    }
    if let Some(deleted) = record.deleted {
        put_step(out, record.born.0, deleted.0);
    }
    if !record.absences.is_empty() {
        put_len(out, record.absences.len());
        for absence in &record.absences {
            put_step(out, record.born.0, absence.from.0);
            put_step(out, absence.from.0, absence.to.0);
        }
    }
    if let Some(version) = &record.version {
        put_text(out, version);
    }
    if record.profile != profile {
        put_step(out, profile.0, record.profile.0);
    }
    put_len(out, record.raw.len());
    for (name, raw) in &record.raw {
        names.put(out, name);
        value::put(out, raw);
    }
    put_len(out, record.fields.len());
    let mut stamp = record.born;
    for (name, field, raw) in record.fields_beside_raw() {
        names.put(out, name.as_str());
        put_state(field, raw, &mut stamp, out);
    }
    put_len(out, record.identities.len());
    for said in &record.identities {
        put_fact(said, record, names, out);
    }
    if !record.relations.is_empty() {
        put_len(out, record.relations.len());
        for related in &record.relations {
            put_relation(related, record, names, out);
        }
    }
}

fn put_relation(related: &Relation, record: &Record, names: &mut Names, out: &mut Vec<u8>) {
    let raw = record.raw.get(related.field.as_str()).and_then(Value::as_text);
    let value = match &related.to {
        Related::Identity(identity) => &*identity.value,
        Related::Row(at) => at.key.as_str(),
    };
    let is_raw = raw == Some(value);
    let is_row = matches!(related.to, Related::Row(_));
    out.push(flag(relation::ROW, is_row) | flag(relation::RAW, is_raw));
    names.put(out, &related.role);
    names.put(out, related.field.as_str());
    if !is_raw {
        put_text(out, value);
    }
    match &related.to {
        Related::Identity(identity) => names.put(out, &identity.namespace),
        Related::Row(RecordRef { stream, .. }) => {
            names.put(out, stream.workspace.as_str());
            names.put(out, stream.connection.as_str());
            names.put(out, stream.stream.as_str());
        }
    }
}

fn read_relation(item: &mut Item<'_>, raw: &Object) -> Result<Relation, Damaged> {
    let flags = item.bytes.byte()?;
    let role = item.name()?;
    let field = FieldName::new(item.name()?);
    let value = match flags & relation::RAW {
        0 => item.bytes.text()?,
        _ => raw.get(field.as_str()).and_then(Value::as_text).ok_or(Damaged)?,
    };
    let to = match flags & relation::ROW {
        0 => Related::Identity(Identity { namespace: item.name()?, value: value.into() }),
        _ => Related::Row(RecordRef { stream: read_stream(item)?, key: RemoteKey::from(value) }),
    };
    Ok(Relation { role, to, field })
}

fn read_stream(item: &mut Item<'_>) -> Result<StreamRef, Damaged> {
    Ok(StreamRef {
        workspace: WorkspaceId::new(item.name()?),
        connection: ConnectionId::new(item.name()?),
        stream: StreamName::new(item.name()?),
    })
}

fn put_state(field: &FieldState, raw: Option<&Value>, before: &mut Stamp, out: &mut Vec<u8>) {
    let FieldState { asserted, remote, sent, dispute } = field;
    let asserted_raw = asserted.as_ref().is_some_and(|asserted| Some(&asserted.value) == raw);
    let next_stamp = asserted.as_ref().is_some_and(|a| a.stamp.0 == before.0.wrapping_add(1));
    let remote_raw = remote.is_some() && remote.as_ref() == raw;
    let sent_asserted = asserted.as_ref().is_some_and(|asserted| asserted.stamp == *sent);
    let source_time = asserted.as_ref().and_then(|asserted| asserted.source_time);
    let seen = asserted.as_ref().and_then(|asserted| asserted.seen);
    let more = flag(more::SOURCE, source_time.is_some())
        | flag(more::SEEN, seen.is_some())
        | flag(more::DISPUTE, dispute.is_some());
    out.push(
        flag(state::ASSERTED, asserted.is_some())
            | flag(state::ASSERTED_RAW, asserted_raw)
            | flag(state::NEXT_STAMP, next_stamp)
            | flag(state::REMOTE, remote.is_some())
            | flag(state::REMOTE_RAW, remote_raw)
            | flag(state::SENT, sent.0 != 0)
            | flag(state::SENT_ASSERTED, sent_asserted)
            | flag(state::MORE, more != 0),
    );
    if let Some(asserted) = asserted {
        if !asserted_raw {
            value::put(out, &asserted.value);
        }
        if !next_stamp {
            put_step(out, before.0, asserted.stamp.0);
        }
        *before = asserted.stamp;
    }
    if more != 0 {
        out.push(more);
        [source_time, seen].into_iter().flatten().for_each(|time| put_time(out, time));
        if let Some(dispute) = dispute {
            dispute::put(dispute, out);
        }
    }
    if let Some(remote) = remote.as_ref().filter(|_| !remote_raw) {
        value::put(out, remote);
    }
    if sent.0 != 0 && !sent_asserted {
        put_step(out, before.0, sent.0);
    }
}

fn put_fact(said: &IdentityFact, record: &Record, names: &mut Names, out: &mut Vec<u8>) {
    let raw = record.raw.get(said.field.as_str()).and_then(Value::as_text);
    let value = said.identity.as_ref().map(|identity| &*identity.value);
    let is_raw = value.is_some() && value == raw;
    let asserted = record.fields.get(&said.field).and_then(|field| field.asserted.as_ref());
    let at_assertion = asserted.is_some_and(|asserted| asserted.stamp == said.stamp);
    out.push(
        flag(fact::IDENTITY, said.identity.is_some())
            | flag(fact::RAW, is_raw)
            | flag(fact::EDITED, said.edited)
            | flag(fact::CONTESTED, said.contested)
            | flag(fact::ASSERTED, at_assertion),
    );
    // An identity is of the namespace of its fact.
    names.put(out, &said.namespace);
    names.put(out, said.field.as_str());
    if let Some(value) = value.filter(|_| !is_raw) {
        put_text(out, value);
    }
    if !at_assertion {
        put_step(out, record.born.0, said.stamp.0);
    }
}

/// Unpacks a record.
pub fn read(mut item: Item<'_>) -> Result<Record, Damaged> {
    let flags = item.bytes.byte()?;
    let number = RecordNo(item.bytes.uint()?);
    let stream = read_stream(&mut item)?;
    let key = RemoteKey::from(item.bytes.text()?);
    let born = Stamp(item.bytes.uint()?);
    let run = RunId::new(item.name()?);
    let mut origin = Origin::Received;
    if flags & has::CREATOR != 0 {
        origin = Origin::Created { for_record: RecordNo(item.bytes.step(number.0)?) };
    }
    let mut deleted = None;
    if flags & has::DELETED != 0 {
        deleted = Some(Stamp(item.bytes.step(born.0)?));
    }
    let mut absences = Vec::new();
    if flags & has::ABSENCES != 0 {
        for _ in 0..item.bytes.count()? {
            let from = item.bytes.step(born.0)?;
            absences.push(Absence { from: Stamp(from), to: Stamp(item.bytes.step(from)?) });
        }
    }
    let mut version = None;
    if flags & has::VERSION != 0 {
        version = Some(item.bytes.text()?.to_owned());
    }
    let mut profile =
        if flags & has::NOBODY == 0 { ProfileId::from(number) } else { ProfileId::NOBODY };
    if flags & has::PROFILE != 0 {
        profile = ProfileId(item.bytes.step(profile.0)?);
    }
    // Collected, not put in one by one: they come in order.
    let raw = (0..item.bytes.count()?).map(|_| {
        let name = item.name()?;
        Ok(((*name).into(), value::read(&mut item.bytes)?))
    });
    let raw: Object = raw.collect::<Result<_, _>>()?;
    let mut stamp = born;
    // They come in order of name, as the raw row does.
    let mut beside = raw.iter().peekable();
    let fields = (0..item.bytes.count()?).map(|_| {
        let name = FieldName::new(item.name()?);
        while beside.next_if(|(other, _)| other.as_str() < name.as_str()).is_some() {}
        let own = beside.peek().filter(|(other, _)| other.as_str() == name.as_str());
        let field = read_state(&mut item, own.map(|(_, value)| *value), &mut stamp)?;
        Ok((name, field))
    });
    let fields: BTreeMap<FieldName, FieldState> = fields.collect::<Result<_, _>>()?;
    let identities = (0..item.bytes.count()?).map(|_| read_fact(&mut item, &raw, &fields, born));
    let identities = identities.collect::<Result<_, _>>()?;
    let mut relations = Vec::new();
    if flags & has::RELATIONS != 0 {
        for _ in 0..item.bytes.count()? {
            relations.push(read_relation(&mut item, &raw)?);
        }
    }
    let at = RecordRef { stream, key };
    Ok(Record {
        number,
        at,
        origin,
        born,
        deleted,
        absences,
        version,
        raw,
        fields,
        identities,
        relations,
        profile,
        run,
    })
}

fn read_state(
    item: &mut Item<'_>,
    raw: Option<&Value>,
    before: &mut Stamp,
) -> Result<FieldState, Damaged> {
    let flags = item.bytes.byte()?;
    let mut field = FieldState::default();
    if flags & state::ASSERTED != 0 {
        let value = value_or_raw(item, flags & state::ASSERTED_RAW != 0, raw)?;
        let stamp = match flags & state::NEXT_STAMP {
            0 => item.bytes.step(before.0)?,
            _ => before.0.wrapping_add(1),
        };
        *before = Stamp(stamp);
        field.asserted = Some(Assertion::new(value, *before));
    }
    if flags & state::MORE != 0 {
        let has = item.bytes.byte()?;
        if has & (more::SOURCE | more::SEEN) != 0 {
            let asserted = field.asserted.as_mut().ok_or(Damaged)?;
            if has & more::SOURCE != 0 {
                asserted.source_time = Some(time(item)?);
            }
            if has & more::SEEN != 0 {
                asserted.seen = Some(time(item)?);
            }
        }
        if has & more::DISPUTE != 0 {
            let dispute = dispute::read(&mut item.bytes)?;
            field.dispute = Some(Box::new(dispute));
        }
    }
    if flags & state::REMOTE != 0 {
        field.remote = Some(value_or_raw(item, flags & state::REMOTE_RAW != 0, raw)?);
    }
    if flags & state::SENT_ASSERTED != 0 {
        field.sent = field.asserted.as_ref().ok_or(Damaged)?.stamp;
    } else if flags & state::SENT != 0 {
        field.sent = Stamp(item.bytes.step(before.0)?);
    }
    Ok(field)
}

fn value_or_raw(item: &mut Item<'_>, is_raw: bool, raw: Option<&Value>) -> Result<Value, Damaged> {
    if is_raw { raw.cloned().ok_or(Damaged) } else { value::read(&mut item.bytes) }
}

fn read_fact(
    item: &mut Item<'_>,
    raw: &Object,
    fields: &BTreeMap<FieldName, FieldState>,
    born: Stamp,
) -> Result<IdentityFact, Damaged> {
    let flags = item.bytes.byte()?;
    let namespace = item.name()?;
    let field = FieldName::new(item.name()?);
    let mut identity = None;
    if flags & fact::IDENTITY != 0 {
        let value = match flags & fact::RAW {
            0 => item.bytes.text()?,
            _ => raw.get(field.as_str()).and_then(Value::as_text).ok_or(Damaged)?,
        };
        identity = Some(Identity { namespace: namespace.clone(), value: value.into() });
    }
    let stamp = match flags & fact::ASSERTED {
        0 => Stamp(item.bytes.step(born.0)?),
        _ => {
            let asserted = fields.get(&field).and_then(|field| field.asserted.as_ref());
            asserted.ok_or(Damaged)?.stamp
        }
    };
    Ok(IdentityFact {
        identity,
        namespace,
        field,
        stamp,
        edited: flags & fact::EDITED != 0,
        contested: flags & fact::CONTESTED != 0,
    })
}
