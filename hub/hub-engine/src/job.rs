//! A sync as the engine runs it: what was configured, and the connector bound
//! to its connection.

use std::sync::Arc;

use hub_model::{AccountName, Guards, Mapping, PositionName, SyncId};
use hub_schedule::Schedule;
use plugin_api::{Capability, Connector};

/// A sync, ready to run.
#[derive(Clone)]
pub struct SyncJob {
    /// What is read and written, and by which rules.
    pub mapping: Mapping,
    /// How much one run may write without being asked.
    pub guards: Guards,
    /// When it runs by itself.
    pub schedule: Schedule,
    /// The schedule as configured, for display.
    pub schedule_text: String,
    /// When everybody is brought into its audience anew, after a run; none = never.
    pub reconcile: Option<Schedule>,
    /// Whether the schedule is suspended; it still runs by hand.
    pub paused: bool,
    /// The account at the vendor: syncs that name one share its budgets.
    pub account: AccountName,
    /// The way to its system.
    pub connector: Arc<dyn Connector>,
}

impl SyncJob {
    /// The sync's id.
    pub fn id(&self) -> &SyncId {
        &self.mapping.sync
    }

    /// Fields that are mapped, as asked of the connector; all of an event, which
    /// is kept whole.
    pub fn fields(&self) -> Vec<String> {
        if self.mapping.event.is_some() {
            return Vec::new();
        }
        let there = self.mapping.fields.iter().filter(|pair| pair.has_field());
        there.map(|pair| pair.field.to_string()).collect()
    }

    /// Whether its stream can be read page by page; one that is only pushed
    /// cannot.
    pub fn has_pages(&self) -> bool {
        let abilities = &self.connector.manifest().capabilities;
        abilities.contains(&Capability::Source) || !abilities.contains(&Capability::Inbound)
    }

    /// Whether it takes what its connection is delivered.
    pub fn takes_deliveries(&self) -> bool {
        self.mapping.reads() && self.connector.inbound().is_some()
    }

    /// Where the reading of its stream stands.
    pub fn cursor_position(&self) -> PositionName {
        cursor_position(&self.mapping)
    }

    /// Where its delivery stands in the change log.
    pub fn delivery_position(&self) -> PositionName {
        delivery_position(&self.mapping)
    }

    /// The newest due instant that was run or skipped.
    pub fn schedule_position(&self) -> PositionName {
        PositionName::new(format!("schedule/{}", self.id()))
    }
}

/// Where the reading of a mapping's stream stands.
pub(crate) fn cursor_position(mapping: &Mapping) -> PositionName {
    PositionName::new(format!("cursor/{}/{}", mapping.stream.connection, mapping.stream.stream))
}

/// Where the delivery of a mapping's sync stands in the change log.
pub(crate) fn delivery_position(mapping: &Mapping) -> PositionName {
    PositionName::new(format!("delivery/{}", mapping.sync))
}
