//! A whole recording once more: as it is, or with other values.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::Arc;

use hub_model::Fault;
use plugin_api::Cursor;
use plugin_gateway::{ConnectionPolicy, Gateway, GatewayOptions, Grants, HttpLimits};

use super::form::{Call, Ending, Header};
use super::mask::{Mask, MaskRefused};
use super::read::Recording;
use super::replay::{Answers, Replayed};
use super::tape::Tape;
use crate::binding::Binding;
use crate::connector::Sandboxed;
use crate::host::Host;
use crate::package::Package;
use crate::question::Question;

/// Cursors are a component's own words: in place of a recorded one comes what it gives
/// where it had given that.
#[derive(Default)]
pub(super) struct Cursors {
    known: HashMap<Cursor, Cursor>,
    pub(super) last: Option<Cursor>,
}

impl Cursors {
    pub(super) fn put(&mut self, recorded: &Question<'_>, question: &mut Question<'_>) {
        let (Question::Read(before), Question::Read(now)) = (recorded, question) else { return };
        let Some(recorded) = &before.cursor else { return };
        if let Some(cursor) = self.known.get(recorded).or(self.last.as_ref()) {
            now.to_mut().cursor = Some(cursor.clone());
        }
        self.known.extend(now.cursor.clone().map(|cursor| (recorded.clone(), cursor)));
    }
}

impl Recording {
    /// The number of the call that read the page of that number, from 1.
    #[must_use]
    pub fn call_of_page(&self, page: usize) -> Option<u32> {
        let reads = self.calls.iter().filter(|call| matches!(call.question, Question::Read(_)));
        reads.map(|call| call.number).nth(page.checked_sub(1)?)
    }

    /// The calls that must be made to make one again, its instance's up to it; or all.
    fn needed(&self, only: Option<u32>) -> impl Iterator<Item = &Call> {
        let last = only.unwrap_or(u32::MAX);
        let calls = self.calls.iter().filter(move |call| call.number <= last);
        let anew = calls.clone().filter(|call| call.anew && only.is_some());
        let first = anew.map(|call| call.number).max().unwrap_or_default();
        calls.filter(move |call| call.number >= first)
    }

    /// Runs a component on the recorded answers: the call with this number, or all.
    ///
    /// # Errors
    /// The host cannot run it. What the component does is no error.
    pub async fn replay(
        &self,
        host: &Host,
        package: Arc<Package>,
        only: Option<u32>,
    ) -> Result<Vec<Replayed>, Fault> {
        let guest = self.bind(host, package)?;
        let mut replayed = Vec::new();
        for call in self.needed(only) {
            let asked = (call.question.clone(), call.exchanges.clone(), Answers::Exact);
            replayed.push(guest.again(call, &self.header.run, asked).await?.0);
        }
        replayed.retain(|it| only.is_none_or(|only| it.number == only));
        Ok(replayed)
    }

    /// Writes the same with other values, as [`mask`](super::mask) says.
    ///
    /// # Errors
    /// [`MaskRefused`].
    pub async fn mask(
        &self,
        host: &Host,
        package: Arc<Package>,
        key: [u8; 32],
        to: Box<dyn Write + Send>,
    ) -> Result<Ending, MaskRefused> {
        let unfit = |error: &dyn std::fmt::Display| MaskRefused::Host(error.to_string());
        let guest = self.bind(host, package).map_err(|fault| unfit(&fault))?;
        let mut mask = Mask::new(key, &self.header, self.calls.iter().map(|call| &call.question));
        let tape = Tape::begin(to, Header { masked: true, ..self.header.clone() })?;
        let mut cursors = Cursors::default();
        for call in &self.calls {
            let asked = mask.question(&call.question).map_err(|error| unfit(&error))?;
            let mut question = serde_json::from_value(asked).map_err(|error| unfit(&error))?;
            cursors.put(&call.question, &mut question);
            let asked = serde_json::to_value(&question).map_err(|error| unfit(&error))?;
            let mut exchanges = call.exchanges.clone();
            exchanges.iter_mut().for_each(|exchange| mask.reply(&mut exchange.reply));
            let other = (question, exchanges, Answers::Kind);
            let again = guest.again(call, &self.header.run, other).await;
            let (again, _) = again.map_err(|fault| unfit(&fault))?;
            let code = |fault: &Option<Fault>| fault.as_ref().map(|fault| fault.code);
            let (recorded, gave) = (&call.gave, &again.gave);
            if (&recorded.kind, recorded.items, code(&recorded.fault))
                != (&gave.kind, gave.items, code(&gave.fault))
            {
                let (recorded, gave) = (Box::new(recorded.clone()), Box::new(gave.clone()));
                return Err(MaskRefused::OtherWay { call: call.number, recorded, gave });
            }
            if again.difference.is_some() {
                return Err(MaskRefused::OtherErrands { call: call.number });
            }
            cursors.last = again.next.or(cursors.last);
            tape.add(Call {
                number: call.number,
                anew: call.anew,
                now: call.now,
                seed: call.seed,
                question: asked,
                exchanges: again.exchanges,
                log: again.log,
                gave: again.gave,
                redacted: false,
            });
        }
        Ok(tape.end()?)
    }

    /// The component with the recorded settings, and no way out.
    pub(super) fn bind(&self, host: &Host, package: Arc<Package>) -> Result<Sandboxed, Fault> {
        let Header { connection, settings, environment, .. } = &self.header;
        let gateway = Gateway::new(GatewayOptions::default())
            .map_err(|error| crate::decode::bug(&error.to_string()))?;
        let gateway = gateway.connection(ConnectionPolicy {
            connection: connection.clone(),
            grants: Grants::default(),
            credentials: BTreeMap::new(),
            settings: serde_json::Value::Null,
            limits: HttpLimits::default(),
        });
        let binding = Binding {
            environment: *environment,
            ..Binding::new(connection.as_str(), settings.clone(), gateway)
        };
        Ok(host.sandboxed(package, binding))
    }
}
