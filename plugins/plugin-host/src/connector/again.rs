//! Calls made once more, on what their recording holds.

use std::sync::Arc;
use std::time::Duration;

use hub_model::{Fault, FaultCode};
use plugin_api::{CallContext, Cursor};

use super::{Bench, Sandboxed};
use crate::budget::Budget;
use crate::instance::Answer;
use crate::question::Question;
use crate::recording::{Call, Exchange, Gave, Replayed, Replaying, Said};

impl Sandboxed {
    /// The call once more, with this question and these answers in place of the recorded
    /// ones where values were replaced.
    ///
    /// # Errors
    /// `stopping`: the host is.
    pub(crate) async fn again(
        &self,
        call: &Call,
        purpose: &str,
        other: Option<(Question<'static>, Vec<Exchange>)>,
    ) -> Result<Replayed, Fault> {
        let context = CallContext { purpose: purpose.to_owned(), now: call.now, seed: call.seed };
        let lenient = other.is_some();
        let (question, exchanges) =
            other.unwrap_or_else(|| (call.question.clone(), call.exchanges.clone()));
        let (bench, anew) = (self.bench.clone(), call.anew);
        let script = Replaying::new(exchanges, lenient);
        let way = script.clone();
        let work = async move { bench.again(&context, &question, anew, way).await };
        let ran = self.shared.runtime.run(work).await;
        let (gave, next) = ran.map_err(|_| Fault::new(FaultCode::Stopping))?;
        let (difference, exchanges, log) = script.end();
        Ok(Replayed {
            number: call.number,
            recorded: call.gave.clone(),
            gave,
            difference,
            redacted: call.redacted,
            exchanges,
            log,
            next,
        })
    }
}

impl Bench {
    async fn again(
        self: &Arc<Self>,
        context: &CallContext,
        question: &Question<'_>,
        anew: bool,
        way: Arc<Replaying>,
    ) -> (Gave, Option<Cursor>) {
        let parked = self.parked.take().filter(|_| !anew);
        let said: Said = match (question.ask(), Budget::new(&self.limits, Duration::ZERO)) {
            (Ok(ask), Ok(budget)) => self.call_by(way, parked, context, ask, budget).await,
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
        };
        let next = match &said {
            Ok(Ok(Answer::Page(page))) => page.next.clone().map(Cursor),
            _ => None,
        };
        (Gave::of(&said, self.binding.gateway.redactor()), next)
    }
}
