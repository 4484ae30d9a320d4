//! The data of one workspace, and the right to decide about them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hub_core::identity::settle_never;
use hub_core::privacy;
use hub_core::sync::Marks;
use hub_model::{CommitSeq, Profile, Rules};
use hub_store::{Error, Store, WriteSet};
use tokio::sync::{Mutex, MutexGuard, broadcast};

use crate::audience;
use crate::budget::Budgets;
use crate::env::Env;
use crate::run::Event;
use crate::suppressions::Suppressions;
use crate::tombstones::Tombstones;

/// How many events a slow watcher may fall behind before it loses the oldest.
const EVENTS_BEHIND_MAX: usize = 1_024;

/// The store, the rules, and the order of decisions.
pub struct Workspace {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What was configured.
    pub rules: Arc<Rules>,
    /// Time and randomness.
    pub env: Arc<dyn Env>,
    /// What rows are known by, under these rules.
    pub(crate) marks: Marks,
    /// What must not come back.
    pub(crate) tombstones: Tombstones,
    /// To whom nothing may be sent.
    pub(crate) suppressions: Suppressions,
    /// Somebody has refused something, and the destinations do not know yet.
    pub(crate) refused: AtomicBool,
    /// One at a time looks after what the clock and people asked to be removed.
    pub(crate) tending: Mutex<()>,
    /// How often vendors may be called.
    pub(crate) budgets: Budgets,
    decision: Mutex<()>,
    events: broadcast::Sender<Event>,
}

impl Workspace {
    /// A workspace over a store.
    pub fn new(store: Arc<dyn Store>, rules: Arc<Rules>, env: Arc<dyn Env>) -> Self {
        let (events, _) = broadcast::channel(EVENTS_BEHIND_MAX);
        let rules = settled(&rules);
        let marks = Marks::under(&rules);
        let (decision, tending) = (Mutex::new(()), Mutex::new(()));
        let (rules, tombstones) = (Arc::new(rules), Tombstones::none());
        let budgets = Budgets::default();
        let (suppressions, refused) = (Suppressions::default(), AtomicBool::new(false));
        Self {
            store,
            rules,
            env,
            marks,
            tombstones,
            suppressions,
            refused,
            tending,
            budgets,
            decision,
            events,
        }
    }

    /// The same, with what must not come back, and to whom nothing may be sent.
    pub(crate) async fn with_tombstones(mut self, key: privacy::Key) -> Result<Self, Error> {
        self.tombstones = Tombstones::open(&*self.store, key).await?;
        self.suppressions = Suppressions::open(&*self.store, &self.tombstones.key).await?;
        Ok(self)
    }

    /// The right to read, decide and commit with nobody in between. Hold it
    /// for one slice; never across a call to a connector.
    pub async fn decide(&self) -> MutexGuard<'_, ()> {
        self.decision.lock().await
    }

    /// Commits, and says when: what a profile was is known by the instant at which
    /// another was put in its place. Whom the set's events and objects are about is
    /// noted in the change log, where segments ask for them.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn commit(&self, mut set: WriteSet) -> Result<CommitSeq, Error> {
        audience::touch(&*self.store, &self.rules, &mut set).await?;
        self.store.commit(WriteSet { at: Some(self.env.now()), ..set }).await
    }

    /// The newest commit: while it is the same, whatever was read still holds.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn head(&self) -> Result<CommitSeq, Error> {
        Ok(self.store.log(CommitSeq(u64::MAX), 1).await?.head)
    }

    /// Tells watchers; nobody listening is fine.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Watches runs from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// The profiles that claim an identity.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn profiles_of(&self, identity: &hub_model::Identity) -> Result<Vec<Profile>, Error> {
        let claims = self.store.claims(std::slice::from_ref(identity)).await?;
        let ids: Vec<_> = claims.into_iter().flat_map(|claim| claim.profiles).collect();
        Ok(self.store.profiles(&ids).await?.into_iter().flatten().collect())
    }
}

/// The rules with every list of values that never identify in normal form.
pub(crate) fn settled(rules: &Rules) -> Rules {
    let mut rules = rules.clone();
    for namespace in &mut rules.namespaces {
        let (settled, strange) = settle_never(namespace.clone());
        for place in strange {
            tracing::warn!(
                namespace = %namespace.name,
                place,
                "a value of `never` lacks the form of its namespace and will not be met"
            );
        }
        *namespace = settled;
    }
    rules
}
