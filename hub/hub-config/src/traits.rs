//! `[traits.*]`: which value survives where sources differ.

use hub_model::{Survivorship, SyncId, TraitName, TraitRule};

use crate::fault::code;
use crate::located::Located;
use crate::table::TableReader;
use crate::word;

/// The keys of a trait.
pub(crate) const KEYS: &[&str] = &["survivorship", "sources"];

/// A trait's rule, with what the syncs must confirm.
pub(crate) struct TraitDraft {
    pub(crate) name: Located<String>,
    pub(crate) place: String,
    pub(crate) sources: Vec<Located<String>>,
    /// The rule, if it could be read.
    pub(crate) rule: Option<TraitRule>,
}

/// Reads one trait.
pub(crate) fn read(name: Located<String>, mut table: TableReader<'_>) -> TraitDraft {
    let place = table.place().to_owned();
    let valid = word::check_name(table.document(), &name, &place);
    if !table.has("survivorship") {
        table.missing("survivorship", "survivorship = \"most-recent\"");
    }
    let rule = table.word("survivorship", Survivorship::WORDS).map(|word| word.value);
    let listed = table.has("sources");
    let location = table.key_location("sources");
    let sources = table.texts("sources", "sources = [\"crm-people\"]");
    match rule {
        Some(rule) if rule.looks_at_sources() && !listed => {
            table.missing("sources", "sources = [\"crm-people\"]");
        }
        // Without a source everybody would be as good as the owner.
        Some(Survivorship::Owner) if sources.is_empty() => {
            let fault = table.fault(code::EMPTY, &location, "sources");
            fault.with("expected", "the sync that owns the trait").record();
        }
        Some(rule) if listed && !rule.looks_at_sources() => {
            let why = format!("`{rule}` does not look at an order of sources");
            let fault = table.fault(code::NO_EFFECT, &location, "sources").with("why", why);
            let mend = "remove it, or write `survivorship = \"source-priority\"` or `\"owner\"`";
            fault.with("mend", mend).record();
        }
        _ => {}
    }
    table.finish(KEYS);
    let rule = rule.filter(|_| valid).map(|rule| TraitRule {
        name: TraitName::new(name.as_str()),
        rule,
        sources: sources.iter().map(|sync| SyncId::new(sync.as_str())).collect(),
    });
    TraitDraft { name, place, sources, rule }
}
