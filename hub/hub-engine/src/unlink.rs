//! Rows of others that name somebody who was erased: what is taken of them.

use std::borrow::Cow;

use hub_core::privacy::Unlink;
use hub_model::{Mapping, Object, Related, RemoteKey, WhenErased};

use crate::workspace::Workspace;

/// A row as received, and cleaned.
pub(crate) type Both<'a> = (Cow<'a, Object>, Cow<'a, Object>);

/// What is taken of a row; `None` if nothing of it may be. A row that relates to
/// nobody who was erased is taken as it is.
pub(crate) fn taken<'a>(
    workspace: &Workspace,
    mapping: &Mapping,
    key: &RemoteKey,
    (raw, object): (&'a Object, &'a Object),
) -> Option<Both<'a>> {
    let whole = (Cow::Borrowed(raw), Cow::Borrowed(object));
    if workspace.tombstones.is_empty() {
        return Some(whole);
    }
    let is_erased = |to: &Related| workspace.tombstones.refuse_related(to);
    let unlink = Unlink { mapping, rules: &workspace.rules, is_erased: &is_erased, texts: &[] };
    if unlink.is_named_by(key.as_str()) {
        return None;
    }
    if !unlink.concerns(object) {
        return Some(whole);
    }
    if mapping.kind.is_object() && mapping.when_erased == WhenErased::Erase {
        return None;
    }
    Some((Cow::Owned(unlink.row(raw)), Cow::Owned(unlink.row(object))))
}
