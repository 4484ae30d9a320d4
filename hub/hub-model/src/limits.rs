//! Limits of the data model. Each name carries its unit; the reasons are in
//! the comments because the numbers are expensive to change later.

/// Longest remote key, id, stream or connection name.
pub const KEY_BYTES_MAX: usize = 512;
/// Longest single field value in its JSON form. The store keeps values in
/// leaves of sixteen; larger ones would leave the log and lose its guarantees.
pub const VALUE_BYTES_MAX: usize = 32 * 1024;
/// Deepest nesting of a value.
pub const DEPTH_LEVELS_MAX: usize = 16;
/// Most fields in one record.
pub const RECORD_FIELDS_MAX: usize = 1_000;
/// Most relations of one record; a list that names more relates to the first.
pub const RECORD_RELATIONS_MAX: usize = 256;
/// Most decimal digits of a number, and the largest power of ten.
pub const NUMBER_DIGITS_MAX: usize = 1_000;
/// Largest absolute decimal exponent of a number.
pub const NUMBER_EXPONENT_MAX: i64 = 10_000;
/// Longest cursor that a connector may hand out.
pub const CURSOR_BYTES_MAX: usize = 64 * 1024;
/// Largest page that a connector may return.
pub const PAGE_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Most items in one page.
pub const PAGE_ITEMS_MAX: usize = 10_000;
/// Most records in one commit: a page is applied in slices of this size.
pub const SLICE_RECORDS_MAX: usize = 1_000;
/// Most bytes of rows in one commit. A commit that takes more than a segment of
/// the store's log (4 MiB) can be torn by a power cut in a way that its recovery
/// does not notice.
pub const SLICE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Within so many seconds edits count as answers to each other.
pub const TURNS_WITHIN_SECONDS: i64 = 10 * 60;
/// So many answers within that time are a conversation of people; one more, and
/// the field is paused.
pub const TURNS_MAX: usize = 3;
/// Answers kept per field: one more than may be.
pub const TURNS_KEPT_MAX: usize = TURNS_MAX + 1;
