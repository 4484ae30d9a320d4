//! The store's own upkeep: compaction and backups while the hub runs.
//!
//! One piece of work at a time. It is started by one request and watched by
//! others; how the last one ended stays to be asked for until the next begins.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_store::Error;
use hub_store::upkeep::{BackedUp, Compacted, Progress, Tell, Upkeep};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::extract;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Compact,
    Backup,
}

/// How a piece of work stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
enum Standing {
    Running { progress: Option<Progress> },
    Compacted(Compacted),
    BackedUp(BackedUp),
    Failed { reason: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Work {
    kind: Kind,
    #[serde(flatten)]
    standing: Standing,
}

/// The store's upkeep, and the work that was asked for last.
pub(crate) struct Keeper {
    upkeep: Arc<dyn Upkeep>,
    work: Mutex<Option<Work>>,
}

impl Keeper {
    pub fn new(upkeep: Arc<dyn Upkeep>) -> Self {
        Self { upkeep, work: Mutex::default() }
    }

    fn work(&self) -> MutexGuard<'_, Option<Work>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stands(&self, kind: Kind, standing: Standing) {
        *self.work() = Some(Work { kind, standing });
    }

    fn begin(&self, kind: Kind) -> Result<(), Problem> {
        let mut work = self.work();
        if work.as_ref().is_some_and(|w| matches!(w.standing, Standing::Running { .. })) {
            return Err(Problem::new(Code::UpkeepRunning));
        }
        *work = Some(Work { kind, standing: Standing::Running { progress: None } });
        Ok(())
    }

    fn tell(self: &Arc<Self>, kind: Kind) -> Tell {
        let keeper = Arc::clone(self);
        Box::new(move |progress| {
            keeper.stands(kind, Standing::Running { progress: Some(progress) });
            Ok(())
        })
    }

    fn end(&self, kind: Kind, ended: Result<Standing, Error>) {
        let standing = ended.unwrap_or_else(|error| {
            tracing::warn!(%error, ?kind, "the store's upkeep failed");
            Standing::Failed { reason: error.to_string() }
        });
        self.stands(kind, standing);
    }
}

/// `GET /store`: counts, and bytes on disk against bytes alive.
pub(crate) async fn show(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    let stats = state.store().stats().await?;
    let sizes = state.keeper().upkeep.sizes().await?;
    Ok(Json(json!({ "stats": stats, "sizes": sizes })))
}

/// `GET /store/work`: the work that was asked for last.
pub(crate) async fn work(State(state): State<AppState>) -> Json<Value> {
    Json(json!({ "work": *state.keeper().work() }))
}

/// Nothing can be chosen; a field that is sent is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompactRequest {}

/// `POST /store/compact`: 202 once it runs, 409 while other work does.
pub(crate) async fn compact(
    State(state): State<AppState>,
    extract::Json(CompactRequest {}): extract::Json<CompactRequest>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let keeper = state.keeper().clone();
    keeper.begin(Kind::Compact)?;
    tokio::spawn(async move {
        let ended = keeper.upkeep.compact(keeper.tell(Kind::Compact)).await;
        keeper.end(Kind::Compact, ended.map(Standing::Compacted));
    });
    Ok((StatusCode::ACCEPTED, work(State(state)).await))
}

/// Where the backup goes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupRequest {
    /// An absolute path at which there is nothing yet.
    to: PathBuf,
}

/// `POST /store/backup`: 202 once it runs, 409 while other work does.
pub(crate) async fn backup(
    State(state): State<AppState>,
    extract::Json(BackupRequest { to }): extract::Json<BackupRequest>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if !to.is_absolute() {
        return Err(Problem::new(Code::BadBody).at("to").with("expected an absolute path"));
    }
    let keeper = state.keeper().clone();
    keeper.begin(Kind::Backup)?;
    tokio::spawn(async move {
        let ended = keeper.upkeep.backup(to, keeper.tell(Kind::Backup)).await;
        keeper.end(Kind::Backup, ended.map(Standing::BackedUp));
    });
    Ok((StatusCode::ACCEPTED, work(State(state)).await))
}
