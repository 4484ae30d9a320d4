//! What a call asks of a guest about audiences.

use serde::Serialize;
use wasmtime::Store;

use crate::since_v0_1_0::GuestState;
use crate::since_v0_1_0::exported::audience as wit;
use crate::since_v0_1_0::imported::types::{Call, Fault};

/// The question, in the contract's types.
pub(crate) enum AudienceAsk {
    Containers(Option<Vec<u8>>),
    Ensure(wit::ContainerWish),
    Delete(String),
    Write { container: String, members: Vec<wit::Member>, session: Option<wit::ReplaceSession> },
}

/// What the guest answered.
#[derive(Serialize)]
pub(crate) enum AudienceAnswer {
    Containers(wit::ContainerPage),
    Container(wit::Container),
    Deleted,
    Members(wit::MemberReport),
}

impl AudienceAsk {
    /// Asks the guest; the outer error is a trap.
    pub(super) async fn of(
        self,
        guest: &wit::Guest,
        store: &mut Store<GuestState>,
        call: &Call,
    ) -> wasmtime::Result<Result<AudienceAnswer, Fault>> {
        Ok(match self {
            Self::Containers(cursor) => {
                let page = guest.call_containers(store, call, cursor.as_deref()).await?;
                page.map(AudienceAnswer::Containers)
            }
            Self::Ensure(wish) => {
                let container = guest.call_ensure_container(store, call, &wish).await?;
                container.map(AudienceAnswer::Container)
            }
            Self::Delete(key) => {
                let deleted = guest.call_delete_container(store, call, &key).await?;
                deleted.map(|()| AudienceAnswer::Deleted)
            }
            Self::Write { container, members, session } => {
                let written = guest.call_write_members(store, call, &container, &members, session);
                written.await?.map(AudienceAnswer::Members)
            }
        })
    }
}
