//! What relates to whom: orders of a person, people of an account or household,
//! and one object with both its ends. Personal data.

use axum::Json;
use axum::extract::State;
use hub_engine::related::{self, COUNTED_RECORDS_MAX, Link, Other};
use hub_engine::workspace::Workspace;
use hub_model::{Identity, Profile, Record, RecordNo, RecordRef, Related, RemoteKey, SyncId};
use hub_store::Error;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::extract::{Query, rows};
use crate::find;
use crate::problem::{Code, Problem};
use crate::state::AppState;
use crate::views;

/// Newest records shown of each role and kind beside a profile.
const SHOWN_RECORDS: usize = 3;

/// What relates to whom, and which page of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    identity: String,
    role: Option<String>,
    below: Option<u64>,
    limit: Option<usize>,
}

/// `GET /related?identity=email:ana@x.fr&role=buyer&below=&limit=`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Query(Which { identity, role, below, limit }): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let identity = find::identity(&identity, state.rules())?;
    let page = Page { role, below: below.map(RecordNo), limit: rows(limit)? };
    Ok(Json(view(state.engine().workspace(), &identity, &page).await?))
}

/// Which object: the stream of a sync, and its key there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    sync: String,
    key: String,
}

/// `GET /objects?sync=orders&key=o-1`.
pub(crate) async fn object(
    State(state): State<AppState>,
    Query(One { sync, key }): Query<One>,
) -> Result<Json<Value>, Problem> {
    let unknown = || Problem::new(Code::UnknownSync).at("sync");
    let jobs = state.engine().jobs();
    let job = jobs.get(&SyncId::new(sync)).ok_or_else(unknown)?;
    let at = RecordRef { stream: job.mapping.stream.clone(), key: RemoteKey::new(key) };
    let found = one(state.engine().workspace(), &at).await?;
    Ok(Json(found.ok_or_else(|| Problem::new(Code::UnknownObject).at("key"))?))
}

/// Which part of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Only this role.
    pub role: Option<String>,
    /// Records below this one.
    pub below: Option<RecordNo>,
    /// So many rows.
    pub limit: usize,
}

/// What relates to an identity: to the profiles that claim it, or to the value
/// itself, which is what members of a household have in common.
///
/// # Errors
/// When the store cannot answer.
pub async fn view(workspace: &Workspace, identity: &Identity, page: &Page) -> Result<Value, Error> {
    let profiles = workspace.profiles_of(identity).await?;
    let mut ends = vec![Related::Identity(identity.clone())];
    let mut records = Vec::new();
    for profile in &profiles {
        ends.extend(related::ends(workspace, profile).await?);
        let own = workspace.store.records(&profile.records).await?;
        records.extend(own.into_iter().flatten());
    }
    ends.sort_unstable();
    ends.dedup();
    let role = page.role.as_deref();
    let found = related::links(workspace, &ends, role, page.below, page.limit).await?;
    let mut others = related::others(workspace, &records).await?;
    others.retain(|other| role.is_none_or(|role| *other.role == *role));
    let ids: Vec<_> = profiles.iter().map(|profile| profile.id).collect();
    let links: Vec<Value> = found.links.iter().map(link).collect();
    let others: Vec<Value> = others.iter().map(other).collect();
    Ok(json!({
        "identity": identity.to_string(), "profiles": ids, "related": links,
        "relates_to": others, "next": found.next,
    }))
}

/// One object: what it says, what it relates to, and what relates to it.
///
/// # Errors
/// When the store cannot answer.
pub async fn one(workspace: &Workspace, at: &RecordRef) -> Result<Option<Value>, Error> {
    let found = workspace.store.records_by_ref(std::slice::from_ref(at)).await?;
    let Some(record) = found.into_iter().flatten().next().filter(Record::is_object) else {
        return Ok(None);
    };
    let others = related::others(workspace, std::slice::from_ref(&record)).await?;
    let ends = [Related::Row(at.clone())];
    let page = related::links(workspace, &ends, None, None, COUNTED_RECORDS_MAX).await?;
    let mapping = workspace.rules.mapping(&at.stream.connection, &at.stream.stream);
    let mut shown = object_line(&record);
    if let Value::Object(entries) = &mut shown {
        let kind = mapping.map_or("object", |mapping| mapping.kind.as_str());
        entries.insert("kind".to_owned(), json!(kind));
        entries.insert("is_there".to_owned(), json!(record.is_live()));
        entries.insert("run".to_owned(), json!(record.run));
        entries.insert("relates_to".to_owned(), others.iter().map(other).collect());
        entries.insert("related".to_owned(), page.links.iter().map(link).collect());
    }
    Ok(Some(shown))
}

/// A profile as [`views::profile`] shows it, with what it relates to, and counts
/// and the newest of what relates to it.
///
/// # Errors
/// When the store cannot answer.
pub async fn profile(workspace: &Workspace, profile: &Profile) -> Result<Value, Error> {
    let mut view = views::profile(&*workspace.store, profile).await?;
    let ends = related::ends(workspace, profile).await?;
    let found = related::counts(workspace, &ends, SHOWN_RECORDS).await?;
    let own = workspace.store.records(&profile.records).await?;
    let own: Vec<Record> = own.into_iter().flatten().collect();
    let others = related::others(workspace, &own).await?;
    let counts = found.counts.iter().map(|count| {
        json!({
            "role": &*count.role, "kind": count.kind.as_str(), "count": count.records,
            "newest": count.newest.iter().map(views::record_ref).collect::<Vec<_>>(),
        })
    });
    let related: Vec<Value> = counts.collect();
    if let Value::Object(entries) = &mut view {
        let relations = json!({
            "related": related, "more": found.more,
            "relates_to": others.iter().map(other).collect::<Vec<_>>(),
        });
        entries.insert("relations".to_owned(), relations);
    }
    Ok(view)
}

fn link(link: &Link) -> Value {
    let mut line = object_line(&link.record);
    if let Value::Object(entries) = &mut line {
        entries.insert("role".to_owned(), json!(&*link.role));
        entries.insert("kind".to_owned(), json!(link.kind.as_str()));
        if !link.record.is_object() {
            entries.insert("profile".to_owned(), json!(link.record.profile));
        }
    }
    line
}

/// What an object says by its mapped fields. Of a person's row only where it is:
/// what it says is part of a profile.
fn object_line(record: &Record) -> Value {
    let mut line = views::record_ref(record);
    if let Value::Object(entries) = &mut line {
        entries.insert("number".to_owned(), json!(record.number));
        if record.is_object() {
            let said = record.fields.iter().filter_map(|(name, state)| {
                Some((name.to_string(), state.asserted.as_ref()?.value.to_json()))
            });
            entries.insert("fields".to_owned(), Value::Object(said.collect::<Map<_, _>>()));
        }
    }
    line
}

pub(crate) fn other(other: &Other) -> Value {
    json!({
        "role": &*other.role, "to": other.to.to_string(), "by": other.by,
        "profiles": other.profiles,
        "object": other.object.as_ref().map(|at| json!({
            "connection": at.stream.connection, "stream": at.stream.stream, "key": at.key,
        })),
    })
}
