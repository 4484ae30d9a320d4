//! `liaison plan` and `liaison apply`: what a delivery would write, and writing
//! exactly that.

mod file;
mod show;

pub(super) use show::lines;

use std::sync::Arc;

use hub_engine::plans::moved;
use hub_engine::{Engine, PlanRefused};
use hub_http::views;
use hub_model::{PlannedWrite, SyncId};
use serde_json::{Value, json};

use super::profile::encoded;
use super::sync::{ended, exit_of, explain, refused, watched};
use crate::client::Client;
use crate::commands::lang;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, text};
use crate::reach::{self, Data};
use crate::tokens::StoredTokens;
use crate::trouble::{Item, Trouble};
use crate::wire::Wiring;

/// Writes asked for at once.
const PAGE_WRITES: usize = 500;

/// Who plans.
pub(super) enum Planner {
    /// This process.
    Here(Engine),
    /// The hub that holds the store.
    Hub(Client),
}

impl Planner {
    /// Finds out who.
    pub async fn open(loaded: &Loaded, id: &SyncId) -> Result<Self, Trouble> {
        Ok(match reach::find_or_create(loaded).await? {
            Data::Store(store) => {
                let wiring = Wiring::kept(loaded, Arc::new(StoredTokens(store.clone())))?;
                Self::Here(wiring.engine(store, None, wiring.one(id).await.jobs).await?)
            }
            Data::Hub(client) => Self::Hub(client),
        })
    }

    /// Walks the plan; answers its hash, counts and whether it would be held.
    async fn plan(
        &self,
        id: &SyncId,
        each: &mut (dyn FnMut(Value) -> Result<(), Trouble> + Send),
    ) -> Result<Value, Trouble> {
        match self {
            Self::Here(engine) => {
                let mut trouble = Ok(());
                let mut show = |write: PlannedWrite| {
                    if trouble.is_ok() {
                        trouble = each(views::planned(&write));
                    }
                };
                let shown = engine.plan(id, &mut show).await.map_err(|why| no_plan(id, why))?;
                trouble?;
                let counts = views::plan_counts(&shown.plan.counts);
                let (plan, delivery) = (shown.plan.hash, shown.delivery.as_str());
                let forecast = shown.forecast.as_ref().map(views::forecast);
                Ok(json!({
                    "plan": plan, "counts": counts, "held": shown.held, "delivery": delivery,
                    "forecast": forecast, "awaiting": shown.awaiting,
                }))
            }
            Self::Hub(client) => {
                let path =
                    format!("/api/v1/syncs/{}/plan?limit={PAGE_WRITES}", encoded(id.as_str()));
                let mut page = client.get(&path).await?;
                let head = json!({
                    "plan": page["plan"], "counts": page["counts"], "held": page["held"],
                    "forecast": page["forecast"], "awaiting": page["awaiting"],
                    "delivery": page["delivery"],
                });
                loop {
                    let writes = page.get_mut("writes").map(Value::take).unwrap_or_default();
                    writes.as_array().into_iter().flatten().cloned().try_for_each(&mut *each)?;
                    let Some(next) = page.get("next").and_then(Value::as_u64) else {
                        return Ok(head);
                    };
                    page = client.get(&format!("{path}&after={next}")).await?;
                }
            }
        }
    }

    async fn read(&self, id: &SyncId) -> Result<Value, Trouble> {
        match self {
            Self::Here(engine) => watched(engine, id, engine.read_once(id)).await,
            Self::Hub(client) => {
                let path = format!("/api/v1/syncs/{}/run", encoded(id.as_str()));
                let begun = client.post_json(&path, &json!({ "read_only": true })).await?;
                ended(client, &text(&begun, "/run")).await
            }
        }
    }

    async fn apply(&self, id: &SyncId, plan: &str) -> Result<Value, Trouble> {
        match self {
            Self::Here(engine) => watched(engine, id, engine.apply_once(id, plan)).await,
            Self::Hub(client) => {
                let path = format!("/api/v1/syncs/{}/apply", encoded(id.as_str()));
                let begun = client.post_json(&path, &json!({ "plan": plan })).await?;
                ended(client, &text(&begun, "/run")).await
            }
        }
    }
}

/// `liaison plan`.
///
/// # Errors
/// What the command refuses.
pub async fn show(loaded: &Loaded, id: &str, read: bool, out: Out) -> Result<Exit, Trouble> {
    let id = loaded.sync(id)?.id.clone();
    let planner = Planner::open(loaded, &id).await?;
    if read {
        let run = planner.read(&id).await?;
        if exit_of(&run) != Exit::Ok {
            explain(&run);
            return Ok(Exit::Finding);
        }
    }
    let mut shown = show::Shown::begin(&id, out)?;
    let head = planner.plan(&id, &mut |write| shown.write(&write)).await?;
    shown.end(&head)?;
    Ok(if head["held"] == json!(true) { Exit::Finding } else { Exit::Ok })
}

/// `liaison apply`.
///
/// # Errors
/// What the command refuses.
pub async fn apply(loaded: &Loaded, id: &str, plan: &str, out: Out) -> Result<Exit, Trouble> {
    let id = loaded.sync(id)?.id.clone();
    let wanted = file::read(&id, plan)?;
    let planner = Planner::open(loaded, &id).await?;
    let run = planner.apply(&id, &wanted.hash).await?;
    let is_moved = run.pointer("/fault/code") == Some(&json!("plan-moved"));
    let differences = match &wanted.writes {
        Some(planned) if is_moved => {
            let mut now: Vec<PlannedWrite> = Vec::new();
            let mut take = |write: Value| {
                now.push(serde_json::from_value(write).map_err(|error| file::broken(&error))?);
                Ok(())
            };
            planner.plan(&id, &mut take).await?;
            moved(planned, &now)
        }
        _ => Vec::new(),
    };
    show::applied(&run, &differences, out)?;
    explain(&run);
    Ok(exit_of(&run))
}

/// Why there is no plan.
pub(super) fn no_plan(id: &SyncId, why: PlanRefused) -> Trouble {
    match why {
        PlanRefused::Run(why) => refused(id, why),
        PlanRefused::Fault(fault) => {
            Trouble { exit: Exit::Finding, items: vec![Item::of_fault(&fault, lang())] }
        }
    }
}
