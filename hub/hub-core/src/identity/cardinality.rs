//! How many records of one stream may be one person.

use std::collections::BTreeMap;

use hub_model::{Record, Rules, StreamRef};

/// Whether a join would put more living records of a stream on one profile than
/// its sync allows. Only a stream with living records on both sides counts: a
/// profile that has too many by somebody's decision still joins others.
pub(super) fn crowded<'a>(
    left: impl Iterator<Item = &'a Record>,
    right: impl Iterator<Item = &'a Record>,
    rules: &Rules,
) -> bool {
    if rules.mappings.iter().all(|mapping| mapping.records_per_profile_max.is_none()) {
        return false;
    }
    let mut counts: BTreeMap<&StreamRef, (u32, u32)> = BTreeMap::new();
    left.for_each(|record| counts.entry(&record.at.stream).or_default().0 += 1);
    right.for_each(|record| counts.entry(&record.at.stream).or_default().1 += 1);
    counts.into_iter().any(|(stream, (left, right))| {
        let mapping = rules.mapping(&stream.connection, &stream.stream);
        let limit = mapping.and_then(|mapping| mapping.records_per_profile_max);
        left > 0 && right > 0 && limit.is_some_and(|limit| left.saturating_add(right) > limit)
    })
}
