//! Events.

use hub_model::{
    ConnectionId, Event, Identity, RecordRef, RemoteKey, StreamName, StreamRef, Timestamp,
    WorkspaceId,
};

use super::bytes::{Damaged, put_len, put_step, put_text, put_uint};
use super::names::{Item, Names};
use super::value;

/// An event, and the commit that brought it: by which its places are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The event.
    pub event: Event,
    /// The commit.
    pub seq: u64,
}

/// Packs an event.
pub fn put(Kept { event, seq }: &Kept, names: &mut Names, out: &mut Vec<u8>) {
    let StreamRef { workspace, connection, stream } = &event.at.stream;
    names.put(out, workspace.as_str());
    names.put(out, connection.as_str());
    names.put(out, stream.as_str());
    put_text(out, event.at.key.as_str());
    names.put(out, &event.name);
    put_uint(out, *seq);
    let received = event.received.0.cast_unsigned();
    put_step(out, 0, received);
    put_step(out, received, event.time.0.cast_unsigned());
    put_len(out, event.properties.len());
    for (name, value) in &event.properties {
        names.put(out, name);
        value::put(out, value);
    }
    put_len(out, event.identities.len());
    for identity in &event.identities {
        names.put(out, &identity.namespace);
        put_text(out, &identity.value);
    }
}

/// Unpacks an event.
pub fn read(mut item: Item<'_>) -> Result<Kept, Damaged> {
    let stream = StreamRef {
        workspace: WorkspaceId::new(item.name()?),
        connection: ConnectionId::new(item.name()?),
        stream: StreamName::new(item.name()?),
    };
    let at = RecordRef { stream, key: RemoteKey::new(item.bytes.text()?) };
    let name = item.name()?;
    let seq = item.bytes.uint()?;
    let received = item.bytes.step(0)?;
    let time = Timestamp(item.bytes.step(received)?.cast_signed());
    let received = Timestamp(received.cast_signed());
    let count = item.bytes.count()?;
    let property = |_| Ok(((&*item.name()?).into(), value::read(&mut item.bytes)?));
    let properties = (0..count).map(property).collect::<Result<_, _>>()?;
    let count = item.bytes.count()?;
    let identity = |_| Ok(Identity { namespace: item.name()?, value: item.bytes.text()?.into() });
    let identities = (0..count).map(identity).collect::<Result<_, _>>()?;
    Ok(Kept { event: Event { at, name, time, received, properties, identities }, seq })
}
