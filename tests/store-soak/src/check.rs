//! The checker: is what was acknowledged there, and nothing else?

use std::path::Path;

use hub_model::WorkspaceId;
use hub_store::conformance::model::Model;
use hub_store::conformance::{WORKSPACE, differences};
use hub_store::{Error, Store};
use hub_store_sled::SledStore;

use crate::{Plan, Verdict, write};

/// Findings told of each kind; one is enough to fail.
const FINDINGS_MAX: usize = 5;
/// Longest finding told, in characters: they quote whole rows.
const FINDING_CHARS_MAX: usize = 300;

/// Opens a store that `acked` commits of a plan were acknowledged in, and
/// compares all of it with the model.
pub async fn check(dir: &Path, plan: &Plan, acked: u64) -> Verdict {
    let store = match SledStore::open(dir, &WorkspaceId::new(WORKSPACE)) {
        Ok(store) => store,
        Err(error) => return refused(dir, acked, &error).await,
    };
    match compare(&store, plan, acked).await {
        Ok(verdict) => verdict,
        Err(error) => Verdict::Unopenable { why: error.to_string() },
    }
}

/// Why it does not open: because commits are missing, or for nothing.
async fn refused(dir: &Path, acked: u64, error: &Error) -> Verdict {
    let why = error.to_string();
    let seq = match SledStore::inspect(dir) {
        Ok(store) => store.stats().await.ok().map(|stats| stats.seq),
        Err(_) => None,
    };
    let says_so = why.contains("rolled back") || why.contains("cannot be known");
    match seq {
        Some(seq) if seq >= acked => Verdict::Unopenable { why },
        _ if says_so && acked > 0 => Verdict::Refused { seq, acked, why },
        _ => Verdict::Unopenable { why },
    }
}

async fn compare(store: &SledStore, plan: &Plan, acked: u64) -> Result<Verdict, Error> {
    let stats = store.stats().await?;
    let seq = stats.seq;
    if seq < acked {
        return Ok(if seq == 0 { Verdict::Empty { acked } } else { Verdict::Lost { seq, acked } });
    }
    // The writer has one commit under way at most.
    if seq > acked + 1 {
        return Ok(Verdict::Ahead { seq, acked });
    }
    let workload = plan.workload_at(seq);
    let (verified, differing): (Vec<String>, Vec<String>) = differences(store, workload.model())
        .await
        .into_iter()
        .partition(|told| told.starts_with("verify: "));
    let mut findings: Vec<String> = verified.into_iter().take(FINDINGS_MAX).collect();
    findings.extend(cursors_ahead(store, workload.model()).await?);
    findings.extend(differing.into_iter().take(FINDINGS_MAX));
    if findings.is_empty() {
        return Ok(Verdict::Sound { seq, records: stats.records, profiles: stats.profiles });
    }
    let told = |finding: &String| finding.chars().take(FINDING_CHARS_MAX).collect();
    Ok(Verdict::Torn { seq, findings: findings.iter().map(told).collect() })
}

/// Cursors that stand behind rows which are not there: the worst of all, since
/// nobody would ever read those rows again.
async fn cursors_ahead(store: &SledStore, model: &Model) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for (name, wanted) in &model.positions {
        let stored = store.position(name).await?;
        let place = |cursor: &[u8]| write::place(cursor).unwrap_or(0);
        let (is, must) = (stored.as_deref().map_or(0, place), place(wanted));
        if is > must {
            found.push(format!("cursor ahead: {} is at {is}, not {must}", name.as_str()));
        }
    }
    Ok(found)
}
