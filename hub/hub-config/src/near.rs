//! Near names: what somebody probably meant.

use crate::fault::ConfigFault;

/// Names listed when none is near; more would not be read.
const LISTED_MAX: usize = 12;

/// The known name nearest to a wrong one, if it is near enough to be a slip:
/// at most one edit (a swap counts as one) for every three characters.
pub(crate) fn nearest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let allowed = (wrong.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, name)| (*distance, *name))
        .map(|(_, name)| name)
}

/// Whether one edit, or one swap, makes one word the other.
pub(crate) fn is_one_edit(one: &str, other: &str) -> bool {
    strsim::damerau_levenshtein(one, other) == 1
}

/// Adds `near` if there is a near name, and `known` if anything is known.
pub(crate) fn hint<'a>(
    fault: ConfigFault,
    wrong: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> ConfigFault {
    let fault = match list(known.clone()) {
        Some(list) => fault.with("known", list),
        None => fault,
    };
    match nearest(wrong, known) {
        Some(near) => fault.with("near", near),
        None => fault,
    }
}

/// `a`, `b`, `c`; `None` if there is nothing.
pub(crate) fn list<'a>(known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    let rest = names.len().saturating_sub(LISTED_MAX);
    let shown = names.iter().take(LISTED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match (shown.is_empty(), rest) {
        (true, _) => None,
        (false, 0) => Some(shown),
        (false, rest) => Some(format!("{shown} and {rest} more")),
    }
}

#[cfg(test)]
mod tests {
    use super::{list, nearest};

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        let known = ["schedule", "stream", "zone", "kind"];
        let table = [
            ("shedule", Some("schedule")),
            ("scheduel", Some("schedule")),
            ("Zone", Some("zone")),
            ("kidn", Some("kind")),
            ("timeout", None),
            ("", None),
            ("k", None),
        ];
        for (wrong, near) in table {
            assert_eq!(nearest(wrong, known), near, "{wrong}");
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..20).map(|n| format!("n{n:02}")).collect();
        let text = list(names.iter().map(String::as_str));
        assert!(text.is_some_and(|text| text.ends_with("`n11` and 8 more")));
        assert_eq!(list([]), None);
    }
}
