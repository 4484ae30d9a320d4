//! `[recording]`: which runs are recorded, and how long recordings are kept.

use hub_model::Period;

use crate::purposes;
use crate::table::TableReader;

/// The keys of the table.
pub(crate) const KEYS: &[&str] = &["on", "keep"];
/// When a run is recorded.
pub(crate) const WORDS: &[(&str, RecordOn)] =
    &[("never", RecordOn::Never), ("failure", RecordOn::Failure), ("always", RecordOn::Always)];

/// When a run is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordOn {
    /// Only when it is asked for.
    #[default]
    Never,
    /// Every run is, and those are kept that failed or in which the connector did.
    Failure,
    /// Every run is, and all are kept.
    Always,
}

/// Which runs are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingConfig {
    /// When.
    pub on: RecordOn,
    /// How long a recording is kept: it holds what systems answered.
    pub keep: Period,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self { on: RecordOn::Never, keep: Period::Days(14) }
    }
}

pub(crate) fn read(table: &mut TableReader<'_>) -> RecordingConfig {
    let usual = RecordingConfig::default();
    let Some(mut recording) = table.table("recording", "[recording]") else { return usual };
    let on = recording.word("on", WORDS).map_or(usual.on, |word| word.value);
    let keep = purposes::period(&mut recording, "keep", "keep = \"14 days\"");
    recording.finish(KEYS);
    RecordingConfig { on, keep: keep.unwrap_or(usual.keep) }
}
