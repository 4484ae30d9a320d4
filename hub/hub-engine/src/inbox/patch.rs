//! Pushed rows are patches: laid over what is known of their records.

use std::collections::BTreeMap;

use hub_core::sync::{self, Known};
use hub_model::{RecordRef, RemoteKey, StreamRef};
use hub_store::{Error, Store};
use plugin_api::page::ItemResult;
use plugin_api::{Item, ItemChange};

/// The items with every pushed row made whole; of several for one key the later
/// one is laid over the earlier. Rows that cannot be read stay as they are: they
/// go to quarantine.
pub(super) async fn whole(
    store: &dyn Store,
    stream: &StreamRef,
    items: Vec<ItemResult>,
) -> Result<Vec<ItemResult>, Error> {
    let upserted = |item: &&Item| matches!(item.change, ItemChange::Upsert(_));
    let keys = items.iter().flatten().filter(upserted).map(|item| &item.key);
    let refs: Vec<RecordRef> =
        keys.map(|key| RecordRef { stream: stream.clone(), key: key.clone() }).collect();
    let records = store.records_by_ref(&refs).await?;
    let live = records.into_iter().flatten().filter(|record| record.is_live());
    let mut known: BTreeMap<RemoteKey, Known> =
        live.map(|record| (record.at.key, (record.raw, record.version))).collect();
    Ok(items.into_iter().map(|item| item.map(|item| over(item, &mut known))).collect())
}

fn over(item: Item, known: &mut BTreeMap<RemoteKey, Known>) -> Item {
    match &item.change {
        ItemChange::Upsert(row) => {
            let Ok(row) = row.fields() else { return item };
            let pushed = (row.into_owned(), item.version.clone());
            let (row, version) = sync::patched(known.get(&item.key), pushed);
            known.insert(item.key.clone(), (row.clone(), version.clone()));
            Item { change: ItemChange::Upsert(row.into()), version, ..item }
        }
        ItemChange::Delete | ItemChange::Archive(_) | ItemChange::MergedInto(_) => {
            known.remove(&item.key);
            item
        }
        _ => item,
    }
}
