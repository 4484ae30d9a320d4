//! `[[relations]]`: which fields name somebody, or something, that a row belongs
//! to.

use hub_model::{
    ConnectionId, FieldName, RelatesTo, RelationMapping, StreamName, StreamRef, WorkspaceId,
};

use crate::fault::{ConfigFault, code};
use crate::located::Located;
use crate::near;
use crate::table::{TableReader, shown};
use crate::word;

/// The keys of `[[relations]]`.
pub(crate) const KEYS: &[&str] = &["field", "role", "namespace", "stream"];
/// Most relations of one sync.
const RELATIONS_MAX: usize = 50;

/// What other files must confirm of a relation.
pub(crate) struct RelationDraft {
    pub(crate) to: Located<String>,
    pub(crate) place: String,
    /// The stream, if it is one.
    pub(crate) stream: Option<StreamRef>,
}

/// The fields of the sync, as far as relations need to know.
pub(crate) struct Fields<'a> {
    /// Those that are read.
    pub(crate) read: &'a [&'a str],
    /// All of them, unless some could not be read.
    pub(crate) mapped: Option<&'a [&'a str]>,
    /// The namespaces of those that name the row itself.
    pub(crate) identities: &'a [(&'a str, &'a str)],
    /// The connection of the sync.
    pub(crate) connection: Option<&'a str>,
}

/// Reads the relations of a sync.
pub(crate) fn read(
    table: &mut TableReader<'_>,
    workspace: &WorkspaceId,
    fields: &Fields<'_>,
) -> (Vec<RelationMapping>, Vec<RelationDraft>) {
    let (mut relations, mut drafts) = (Vec::new(), Vec::new());
    let tables = table.list("relations", "[[relations]]");
    if tables.len() > RELATIONS_MAX {
        let fault = table.fault(code::TOO_MANY, &table.key_location("relations"), "relations");
        fault.with("limit", RELATIONS_MAX).record();
    }
    for reader in tables.into_iter().take(RELATIONS_MAX) {
        if let Some((relation, draft)) = relation(reader, workspace, fields) {
            relations.push(relation);
            drafts.push(draft);
        }
    }
    (relations, drafts)
}

fn relation(
    mut table: TableReader<'_>,
    workspace: &WorkspaceId,
    fields: &Fields<'_>,
) -> Option<(RelationMapping, RelationDraft)> {
    let field = table.required("field", "the name of a field", "field = \"customer_id\"");
    let role = table.required("role", "a word for the other end", "role = \"buyer\"");
    let namespace =
        table.filled("namespace", "the name of a namespace", "namespace = \"customer\"");
    let stream = table.filled("stream", "the name of a stream", "stream = \"orders\"");
    let role = role
        .filter(|role| word::check_id(table.document(), role, "a role", &table.place_of("role")));
    if let (Some(field), Some(mapped)) = (&field, fields.mapped)
        && !fields.read.contains(&field.as_str())
    {
        let is_mapped = mapped.contains(&field.as_str());
        let code = if is_mapped { code::NOT_READ } else { code::UNKNOWN_FIELD };
        let fault = ConfigFault::new(code, field.location.clone(), table.place_of("field"));
        let fault = fault.with("name", shown(field));
        table.document().fault(near::hint(fault, field, mapped.iter().copied()));
    }
    let (to, key) = match (namespace, stream) {
        (Some(namespace), None) => (namespace, "namespace"),
        (None, Some(stream)) => (stream, "stream"),
        (namespace, _) => {
            // An entry that is there and could not be read has its fault already.
            let unread = namespace.is_none() && (table.has("namespace") || table.has("stream"));
            let why = if namespace.is_some() {
                "it leads to a namespace and to a stream"
            } else {
                "it leads nowhere"
            };
            if !unread {
                let fault = table.fault(code::RELATION, table.location(), "");
                let mend = "name the `namespace` of its values, or the `stream` of its keys";
                fault.with("why", why).with("mend", mend).record();
            }
            table.finish(KEYS);
            return None;
        }
    };
    let place = table.place_of(key);
    let stream = (key == "stream").then(|| stream_of(&to, workspace, fields.connection));
    let own = field.as_ref().is_some_and(|field| {
        stream.is_none() && fields.identities.contains(&(field.as_str(), to.as_str()))
    });
    if own {
        let fault = table.fault(code::RELATION, &to.location, key);
        let why = format!("the field names the row itself in `{}`", to.value);
        let mend = "give one of the two a namespace of its own";
        fault.with("why", why).with("mend", mend).record();
    }
    table.finish(KEYS);
    let (field, role) = (field?, role?);
    let relates_to = match &stream {
        None => RelatesTo::Namespace(to.as_str().into()),
        Some(stream) => RelatesTo::Stream(stream.clone()?),
    };
    let relation = RelationMapping {
        field: FieldName::new(field.as_str()),
        role: role.as_str().into(),
        to: relates_to,
    };
    Some((relation, RelationDraft { to, place, stream: stream.flatten() }))
}

/// `connection/stream`, or a stream of the sync's own connection.
pub(crate) fn stream_of(
    text: &str,
    workspace: &WorkspaceId,
    connection: Option<&str>,
) -> Option<StreamRef> {
    let (connection, stream) = match text.split_once('/') {
        Some((connection, stream)) => (connection, stream),
        None => (connection?, text),
    };
    Some(StreamRef {
        workspace: workspace.clone(),
        connection: ConnectionId::new(connection),
        stream: StreamName::new(stream),
    })
}
