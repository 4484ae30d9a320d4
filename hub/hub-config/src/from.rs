//! `[from]`: of which objects those of a sync are made, and what these have to fulfil.

use hub_model::{Condition, MadeOf, Mapping, Reference, StreamRef, TraitName, WorkspaceId};

use crate::fault::code;
use crate::located::Located;
use crate::relations::stream_of;
use crate::table::TableReader;
use crate::transform::{self, Word};

/// The keys of `[from]`.
pub(crate) const KEYS: &[&str] = &["stream", "when", "whose"];
/// The keys of `[[from.when]]`.
pub(crate) const WHEN_KEYS: &[&str] = &["trait", "equals", "one_of", "empty", "not"];
/// The keys of `reference`.
pub(crate) const REFERENCE_KEYS: &[&str] = &["role", "stream", "through", "optional"];
/// Most conditions of one sync.
const CONDITIONS_MAX: usize = 20;

/// Where a sync is at home.
#[derive(Clone, Copy)]
pub(crate) struct Home<'a> {
    pub(crate) workspace: &'a WorkspaceId,
    pub(crate) connection: Option<&'a str>,
    /// Whether its objects are made of others.
    pub(crate) makes: bool,
}

/// What other files must confirm.
pub(crate) struct FromDraft {
    /// The stream as it is written.
    pub(crate) to: Located<String>,
    pub(crate) stream: StreamRef,
    /// The values that are tested, with the place of each.
    pub(crate) tested: Vec<(Located<String>, String)>,
    /// The role of those whose consents count.
    pub(crate) whose: Option<Located<String>>,
}

/// Reads the table.
pub(crate) fn read(
    table: &mut TableReader<'_>,
    workspace: &WorkspaceId,
    connection: Option<&str>,
) -> Option<(MadeOf, FromDraft)> {
    let mut table = table.table("from", "[from]")?;
    let to = table.required("stream", "the name of a stream", "stream = \"crm/deals\"");
    let (mut when, mut tested) = (Vec::new(), Vec::new());
    let conditions = table.list("when", "[[from.when]]");
    if conditions.len() > CONDITIONS_MAX {
        let fault = table.fault(code::TOO_MANY, &table.key_location("when"), "when");
        fault.with("limit", CONDITIONS_MAX).record();
    }
    for mut condition in conditions.into_iter().take(CONDITIONS_MAX) {
        let name = condition.required("trait", "the name of a value", "trait = \"stage\"");
        let test = transform::test(&mut condition, Some(Word::When));
        let not = condition.flag("not").unwrap_or(false);
        let place = condition.place_of("trait");
        condition.finish(WHEN_KEYS);
        if let (Some(name), Some(test)) = (name, test) {
            when.push(Condition { name: TraitName::new(name.as_str()), test, not });
            tested.push((name, place));
        }
    }
    let whose = table.filled("whose", "a role of the source", "whose = \"buyer\"");
    table.finish(KEYS);
    let to = to?;
    let stream = stream_of(&to, workspace, connection)?;
    let role = whose.as_ref().map(|role| role.as_str().into());
    let made_of = MadeOf { stream: stream.clone(), when, whose: role };
    Some((made_of, FromDraft { to, stream, tested, whose }))
}

/// Reads the key of another row that a field holds. `None` if it could not be read.
pub(crate) fn reference(table: &mut TableReader<'_>, home: Home<'_>) -> Option<Reference> {
    let example = "reference = { role = \"buyer\", stream = \"parties\" }";
    let mut table = table.table("reference", example)?;
    let role = table.required("role", "a role of the source", "role = \"buyer\"");
    let stream = table.required("stream", "the name of a stream", "stream = \"parties\"");
    let example = "through = \"crm/deal_companies\"";
    let through = table.filled("through", "the name of a stream", example);
    let through = through.and_then(|through| stream_of(&through, home.workspace, home.connection));
    let optional = table.flag("optional").unwrap_or(false);
    let stream = stream.and_then(|stream| {
        let other = stream.contains('/');
        if other {
            let fault = table.fault(code::RELATION, &stream.location, "stream");
            let why = "a row refers to rows of its own connection";
            fault.with("why", why).with("mend", "write the stream's name alone").record();
        }
        (!other).then(|| stream_of(&stream, home.workspace, home.connection)).flatten()
    });
    table.finish(REFERENCE_KEYS);
    Some(Reference { role: role?.as_str().into(), stream: stream?, through, optional })
}

/// What has no meaning where nothing is made, or of what is no object; and what must be
/// said where consents are asked for, which no object gives.
pub(crate) fn check(table: &TableReader<'_>, draft: &FromDraft, mapping: Option<&Mapping>) {
    let Some(mapping) = mapping else { return };
    if mapping.kind.is_object() && !mapping.requires.is_empty() && draft.whose.is_none() {
        let fault = table.fault(code::RELATION, &draft.to.location, "from.whose");
        let why = "consents are required, and nothing says whose";
        let mend = "write `whose = \"buyer\"` in `[from]`: a role that the source has";
        fault.with("why", why).with("mend", mend).record();
    }
    let why = if !mapping.kind.is_object() {
        "objects alone are made of others, and the rows are resolved into profiles"
    } else if !mapping.writes() {
        "no field is written"
    } else {
        return;
    };
    let fault = table.fault(code::NO_EFFECT, &draft.to.location, "from");
    fault.with("why", why).with("mend", "remove it, or write fields with `<-`").record();
}
