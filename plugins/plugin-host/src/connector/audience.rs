//! The port's audiences over instances of the guest.

use std::borrow::Cow;

use async_trait::async_trait;
use hub_model::{Fault, RemoteKey};
use plugin_api::{
    Audience, CallContext, Container, ContainerPage, ContainerWish, Cursor, MemberReport,
    MemberRequest,
};

use super::{Sandboxed, mixed_up};
use crate::decode::{self, fault::of_write};
use crate::instance::{Answer, AudienceAnswer};
use crate::question::Question;

#[async_trait]
impl Audience for Sandboxed {
    async fn containers(
        &self,
        call: &CallContext,
        cursor: Option<&Cursor>,
    ) -> Result<ContainerPage, Fault> {
        let asked = cursor.cloned();
        let question = Question::Containers(cursor.map(Cow::Borrowed));
        self.call(call, question, move |bench, answer| match answer {
            Answer::Audience(AudienceAnswer::Containers(page)) => {
                decode::audience::containers(page, asked.as_ref(), &bench.limits)
            }
            _ => Err(mixed_up()),
        })
        .await
    }

    async fn ensure_container(
        &self,
        call: &CallContext,
        wish: &ContainerWish,
    ) -> Result<Container, Fault> {
        let question = Question::EnsureContainer(Cow::Borrowed(wish));
        let container = self.call(call, question, |_, answer| match answer {
            Answer::Audience(AudienceAnswer::Container(it)) => decode::audience::container(it),
            _ => Err(mixed_up()),
        });
        container.await.map_err(of_write)
    }

    async fn delete_container(&self, call: &CallContext, key: &RemoteKey) -> Result<(), Fault> {
        let question = Question::DeleteContainer(Cow::Borrowed(key));
        let deleted = self.call(call, question, |_, answer| match answer {
            Answer::Audience(AudienceAnswer::Deleted) => Ok(()),
            _ => Err(mixed_up()),
        });
        deleted.await.map_err(of_write)
    }

    async fn write_members(
        &self,
        call: &CallContext,
        request: &MemberRequest,
    ) -> Result<MemberReport, Fault> {
        let members = request.members.len();
        let question = Question::WriteMembers(Cow::Borrowed(request));
        let report = self.call(call, question, move |bench, answer| match answer {
            Answer::Audience(AudienceAnswer::Members(report)) => {
                decode::audience::report(report, members, bench.binding.gateway.redactor())
            }
            _ => Err(mixed_up()),
        });
        report.await.map_err(of_write)
    }
}
