//! Calls made once more, on what their recording holds.

use std::sync::Arc;
use std::time::Duration;

use hub_model::{Fault, FaultCode};
use plugin_api::{CallContext, Cursor};

use super::{Bench, Sandboxed};
use crate::budget::Budget;
use crate::instance::Answer;
use crate::question::Question;
use crate::recording::{Answers, Call, Exchange, Gave, Replayed, Replaying, Said};

impl Sandboxed {
    /// The call once more, with this question and these answers: what came of it, and
    /// what the guest said.
    ///
    /// # Errors
    /// `stopping`: the host is.
    pub(crate) async fn again(
        &self,
        call: &Call,
        purpose: &str,
        (question, exchanges, answers): (Question<'static>, Vec<Exchange>, Answers),
    ) -> Result<(Replayed, Said), Fault> {
        let context = CallContext { purpose: purpose.to_owned(), now: call.now, seed: call.seed };
        let (bench, anew) = (self.bench.clone(), call.anew);
        let script = Replaying::new(exchanges, answers);
        let way = script.clone();
        let work = async move { bench.again(&context, &question, anew, way).await };
        let ran = self.shared.runtime.run(work).await;
        let (gave, said) = ran.map_err(|_| Fault::new(FaultCode::Stopping))?;
        let next = match &said {
            Ok(Ok(Answer::Page(page))) => page.next.clone().map(Cursor),
            _ => None,
        };
        let (difference, exchanges, log) = script.end();
        let replayed = Replayed {
            number: call.number,
            recorded: call.gave.clone(),
            gave,
            difference,
            redacted: call.redacted,
            exchanges,
            log,
            next,
        };
        Ok((replayed, said))
    }
}

impl Bench {
    async fn again(
        self: &Arc<Self>,
        context: &CallContext,
        question: &Question<'_>,
        anew: bool,
        way: Arc<Replaying>,
    ) -> (Gave, Said) {
        let parked = self.parked.take().filter(|_| !anew);
        let said: Said = match (question.ask(), Budget::new(&self.limits, Duration::ZERO)) {
            (Ok(ask), Ok(budget)) => self.call_by(way, parked, context, ask, budget).await,
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
        };
        (Gave::of(&said, self.binding.gateway.redactor()), said)
    }
}
