//! Readings: rows of a stream as they were read, checked and cleaned.
//!
//! What cannot be accepted is a reading too: it goes to quarantine with the
//! commit in which it would have become a record.

use std::borrow::Cow;
use std::sync::Arc;

use hub_core::event::{self, Told};
use hub_core::quality::StreamRules;
use hub_core::sync::Marks;
use hub_model::{
    DeletePolicy, Event, EventMapping, Fault, FaultCode, Object, Quarantined, RecordRef, RemoteKey,
    id, limits,
};
use plugin_api::page::ItemResult;
use plugin_api::{Item, ItemChange, StreamInfo};

use crate::budget::Call;
use crate::events::Ties;
use crate::retry;
use crate::run::RunContext;

/// One row as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) what: What,
}

/// What was read.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A row that nobody has looked into yet: most rows of a page are known by
    /// their mark, and then nobody has to.
    Unopened {
        key: RemoteKey,
        row: plugin_api::Row,
        version: Option<String>,
        /// By what it is known again.
        mark: u64,
        /// What it has to keep.
        rules: Arc<StreamRules>,
    },
    /// A row that its rules admit.
    Row(Admitted),
    /// Something happened; and what that ties, if it does.
    Event { event: Box<Event>, ties: Option<Ties> },
    /// It does not exist any more.
    Gone(RemoteKey),
    /// A row that breaks a rule, on its way to quarantine.
    Rejected(Box<Quarantined>),
}

/// A row that its rules admit.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub key: RemoteKey,
    /// As received.
    pub raw: Object,
    /// As it goes on, where cleaning changes it.
    pub cleaned: Option<Object>,
    pub version: Option<String>,
    /// By what it is known again.
    pub mark: u64,
}

impl Reading {
    /// The row with this key does not exist any more.
    pub fn gone(key: RemoteKey) -> Self {
        Self { what: What::Gone(key) }
    }

    /// What an item says about its row; `None` for kinds that records are not
    /// made of.
    fn of(item: Item, rules: &Arc<StreamRules>, marks: &Marks) -> Option<Self> {
        let Item { key, change, version, .. } = item;
        let what = match change {
            ItemChange::Upsert(row) => {
                let mark = marks.of(&row.text(), version.as_deref());
                What::Unopened { key, row, version, mark, rules: Arc::clone(rules) }
            }
            // Archived or merged away by its own system: it is not there any
            // more, whatever the system may still show of it.
            ItemChange::Archive(_) | ItemChange::Delete | ItemChange::MergedInto(_) => {
                What::Gone(key)
            }
            ItemChange::Event(_)
            | ItemChange::MemberAdd { .. }
            | ItemChange::MemberRemove { .. } => {
                return None;
            }
        };
        Some(Self { what })
    }

    /// The same, looked into: admitted or rejected.
    pub fn opened(self, context: &RunContext<'_>) -> Self {
        let What::Unopened { key, row, version, mark, rules } = self.what else { return self };
        let raw = match row.fields() {
            Ok(fields) => fields.into_owned(),
            Err(fault) => return reject(context, Some(key), fault, row.text().into_owned()),
        };
        let cleaned = match rules.admit(&raw) {
            Ok(Cow::Borrowed(_)) => None,
            Ok(Cow::Owned(cleaned)) => Some(cleaned),
            Err(fault) => return reject(context, Some(key), fault, row.text().into_owned()),
        };
        Self { what: What::Row(Admitted { key, raw, cleaned, version, mark }) }
    }

    pub fn key(&self) -> Option<&RemoteKey> {
        match &self.what {
            What::Unopened { key, .. } | What::Row(Admitted { key, .. }) | What::Gone(key) => {
                Some(key)
            }
            // The record that it is about, if there is one.
            What::Event { ties, .. } => ties.as_ref().map(|ties| &ties.key),
            What::Rejected(row) => row.key.as_ref(),
        }
    }

    /// The mark of the row; `None` if nothing is to be seen of it.
    pub fn mark(&self) -> Option<u64> {
        match &self.what {
            What::Unopened { mark, .. } | What::Row(Admitted { mark, .. }) => Some(*mark),
            What::Event { ties, .. } => ties.as_ref().map(|ties| ties.mark),
            What::Gone(_) | What::Rejected(_) => None,
        }
    }

    pub fn is_row(&self) -> bool {
        matches!(self.what, What::Unopened { .. } | What::Row(_) | What::Event { .. })
    }

    /// Why the row was not admitted, if it was not.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.what {
            What::Rejected(row) => Some(&row.fault),
            What::Unopened { .. } | What::Row(_) | What::Event { .. } | What::Gone(_) => None,
        }
    }

    pub fn too_large(self, context: &RunContext<'_>, fault: &Fault) -> Self {
        let (key, raw) = match self.what {
            What::Unopened { key, row, .. } => (key, row.text().into_owned()),
            What::Row(Admitted { key, raw, .. }) => {
                (key, serde_json::to_string(&raw).unwrap_or_default())
            }
            What::Event { event, .. } => {
                (event.at.key, serde_json::to_string(&event.properties).unwrap_or_default())
            }
            what => return Self { what },
        };
        reject(context, Some(key), fault.clone(), raw)
    }

    pub fn size_bytes(&self) -> usize {
        let bytes = |row: &Object| -> usize {
            row.iter().map(|(name, value)| name.len() + value.size_bytes()).sum()
        };
        match &self.what {
            What::Unopened { row, .. } => row.size_bytes(),
            What::Event { event, .. } => bytes(&event.properties),
            What::Row(Admitted { raw, cleaned, .. }) => {
                bytes(raw) + cleaned.as_ref().map_or(0, bytes)
            }
            What::Gone(_) => 0,
            What::Rejected(row) => row.raw.len(),
        }
    }
}

/// The discovered stream of the run's sync, asked for once per run.
pub(crate) async fn stream_info(context: &mut RunContext<'_>) -> Result<StreamInfo, Fault> {
    if let Some(stream) = &context.stream {
        return Ok(stream.clone());
    }
    let call = context.call();
    let discover = || context.job.connector.discover(&call);
    let streams = retry::reading(context, Call::Discover, discover).await?;
    let mapping = &context.job.mapping;
    let known: Vec<_> = streams.iter().map(|stream| stream.name.to_string()).collect();
    let Some(stream) = streams.into_iter().find(|s| s.name == mapping.stream.stream) else {
        return Err(Fault::new(FaultCode::Mapping)
            .at(format!("syncs/{}/stream", context.job.id()))
            .with("named", &mapping.stream.stream)
            .with("known", known.join(", ")));
    };
    // A stream without declared fields takes any.
    let of_event = mapping.event.iter().flat_map(EventMapping::fields);
    let there = mapping.fields.iter().filter(|pair| pair.has_field());
    let mut named = there.map(|pair| &pair.field).chain(of_event);
    let unknown = named.find(|field| stream.field(field.as_str()).is_none());
    if let (Some(field), false) = (unknown, stream.fields.is_empty()) {
        let known: Vec<_> = stream.fields.iter().map(|field| field.name.to_string()).collect();
        return Err(Fault::new(FaultCode::Mapping)
            .at(format!("syncs/{}/fields/{field}", context.job.id()))
            .with("named", field)
            .with("known", known.join(", ")));
    }
    if mapping.writes() && mapping.deletes == DeletePolicy::Archive && !stream.archives {
        return Err(Fault::new(FaultCode::NoArchive)
            .at(format!("syncs/{}/deletes", context.job.id()))
            .with("stream", &stream.name));
    }
    context.stream = Some(stream.clone());
    Ok(stream)
}

/// What rows of the sync's stream must keep and how they are cleaned, compiled
/// once per run.
pub(crate) async fn row_rules(context: &mut RunContext<'_>) -> Result<Arc<StreamRules>, Fault> {
    if let Some(rules) = &context.rules {
        return Ok(Arc::clone(rules));
    }
    let schema = stream_info(context).await?.schema;
    let rules = Arc::new(StreamRules::compile(Some(&schema), &context.job.mapping)?);
    context.marks = context.workspace.marks.declared(&schema);
    context.rules = Some(Arc::clone(&rules));
    Ok(rules)
}

/// The rows of a page, unopened.
pub(crate) fn take_rows(
    context: &RunContext<'_>,
    rules: &Arc<StreamRules>,
    items: Vec<ItemResult>,
) -> Vec<Reading> {
    items.into_iter().map(|item| take_row(context, rules, item)).collect()
}

/// A row, wherever it was seen: admitted and cleaned, or on its way to
/// quarantine.
pub(crate) fn check_row(context: &RunContext<'_>, rules: &Arc<StreamRules>, item: Item) -> Reading {
    take_row(context, rules, Ok(item)).opened(context)
}

fn take_row(context: &RunContext<'_>, rules: &Arc<StreamRules>, item: ItemResult) -> Reading {
    let item = match item {
        Ok(item) => item,
        Err(bad) => return reject(context, bad.key, bad.fault, bad.raw),
    };
    if !id::valid(item.key.as_str()) {
        let fault = Fault::new(FaultCode::RowKey).with("key_bytes_max", limits::KEY_BYTES_MAX);
        return reject(context, None, fault, String::new());
    }
    if context.job.mapping.event.is_some() {
        return happened(context, rules, item);
    }
    let key = item.key.clone();
    Reading::of(item, rules, &context.marks).unwrap_or_else(|| {
        let fault = Fault::new(FaultCode::NotSupported).with("change", "event or membership");
        reject(context, Some(key), fault, String::new())
    })
}

/// What an item of a stream of events says; an ordinary row is an event as well.
fn happened(context: &RunContext<'_>, rules: &StreamRules, item: Item) -> Reading {
    let Item { key, change, time, .. } = item;
    let row = match change {
        ItemChange::Upsert(row) => row,
        ItemChange::Event(fields) => fields.into(),
        ItemChange::Archive(_) | ItemChange::Delete | ItemChange::MergedInto(_) => {
            return Reading::gone(key);
        }
        ItemChange::MemberAdd { .. } | ItemChange::MemberRemove { .. } => {
            let fault = Fault::new(FaultCode::NotSupported).with("change", "membership");
            return reject(context, Some(key), fault, String::new());
        }
    };
    let (workspace, mapping) = (context.workspace, &context.job.mapping);
    let at = RecordRef { stream: mapping.stream.clone(), key };
    let event = row.fields().and_then(|raw| {
        let admitted = rules.admit(&raw)?;
        let (time, now) = (time.as_deref(), workspace.env.now());
        let told = Told { at: &at, row: &admitted, time, now };
        event::of(&told, mapping, &workspace.rules)
    });
    match event {
        Ok(event) => {
            let ties = event::tie(&event, mapping, &workspace.rules).map(|tie| {
                let row = plugin_api::Row::from(tie.row.clone());
                let mark = context.marks.of(&row.text(), None);
                Ties { key: tie.key, row: tie.row, mark }
            });
            Reading { what: What::Event { event: Box::new(event), ties } }
        }
        Err(fault) => reject(context, Some(at.key), fault, row.text().into_owned()),
    }
}

/// A row in the form in which it is compared with what was written. One that
/// cannot be cleaned is compared as it is: it is refused where it is read.
pub(crate) fn comparable<'a>(rules: &StreamRules, row: &'a Object) -> Cow<'a, Object> {
    rules.cleaned(row).unwrap_or(Cow::Borrowed(row))
}

/// A row that was read and is not taken goes to quarantine.
fn reject(
    context: &RunContext<'_>,
    key: Option<RemoteKey>,
    fault: Fault,
    mut raw: String,
) -> Reading {
    let mut end = raw.len().min(limits::VALUE_BYTES_MAX);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    raw.truncate(end);
    let row = Quarantined {
        stream: context.job.mapping.stream.clone(),
        key,
        fault,
        raw,
        run: context.id.clone(),
        at: context.workspace.env.now(),
    };
    Reading { what: What::Rejected(Box::new(row)) }
}
