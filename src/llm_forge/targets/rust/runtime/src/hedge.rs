//! A second attempt beside a slow first one.
//!
//! - Off unless `hedge_after` is set; only the first attempt of a unary call of a safe operation is hedged, and only
//!   while another attempt is allowed and the retry budget can pay for it.
//! - Both are attempts like any other: each passes breaker, limiter and auth on its own.
//! - The hedge is paid like a retry: one that wins gets its cost back, one that loses does not.
//! - A hedge that this client refused to send (limiter, breaker) never was: it costs nothing and is not listed.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::FutureExt as _;

use super::attempt::unary;
use super::call::Call;
use super::core::errors::{Error, Kind, Result};
use super::core::retry::{Retry, WaitSource, RETRY_COST};
use super::middleware::Response;

/// One of the two attempts, on a copy of the call that it alone changes.
struct Branch {
    call: Arc<Call>,
    plan: Option<Retry>,
    work: BoxFuture<'static, Result<Response>>,
    result: Option<Result<Response>>,
}

impl Branch {
    fn start(call: &Call, number: u32, plan: Option<Retry>) -> Self {
        let branch = Arc::new(call.branch(number, plan));
        Self { call: branch.clone(), plan, work: unary(branch).boxed(), result: None }
    }

    /// Returns when the attempt is over; never if it was before.
    async fn run(&mut self) {
        if self.result.is_some() {
            std::future::pending::<()>().await;
        }
        self.result = Some((&mut self.work).await);
    }

    /// Whether this decides: it succeeded, or the other attempt could only fail in the same way.
    fn is_decisive(&self) -> bool {
        match &self.result {
            None => false,
            Some(Ok(_)) => true,
            Some(Err(error)) => !error.is_local_rejection() && !self.call.is_retryable(error),
        }
    }

    fn was_refused(&self) -> bool {
        matches!(&self.result, Some(Err(error)) if error.is_local_rejection())
    }
}

/// The attempt, joined by a second one where the call's options ask for it.
pub(super) async fn hedged(call: Arc<Call>) -> Result<Response> {
    let Some(after) = call.hedge_after() else {
        return unary(call).await;
    };
    let mut first = Branch::start(&call, call.attempt_number(), None);
    tokio::select! {
        biased;
        () = first.run() => {}
        () = call.shared.clock.timer(after) => {}
    }
    if first.result.is_some() || !call.pay(RETRY_COST) {
        first.run_to_end().await;
        return settled(&call, first, None);
    }
    let plan = Retry { after, source: WaitSource::Hedge, cost: RETRY_COST };
    call.tell_retry("slow", None, &plan);
    let mut second = Branch::start(&call, call.attempt_number() + 1, Some(plan));
    second.call.tell_attempt_start();
    loop {
        tokio::select! {
            biased;
            () = first.run() => {}
            () = second.run() => {}
        }
        let both = first.result.is_some() && second.result.is_some();
        if first.is_decisive() || (both && !second.is_decisive() && !first.was_refused()) {
            return settled(&call, first, Some(second));
        }
        if second.is_decisive() || both {
            return settled(&call, second, Some(first));
        }
    }
}

impl Branch {
    async fn run_to_end(&mut self) {
        if self.result.is_none() {
            self.run().await;
        }
    }
}

/// The call stands as if only the winner had been; a loser that was sent is listed.
fn settled(call: &Call, winner: Branch, loser: Option<Branch>) -> Result<Response> {
    if let Some(loser) = loser {
        if loser.was_refused() {
            loser.plan.into_iter().for_each(|plan| call.refund(plan.cost));
        } else {
            call.adopt(&loser.call);
            let lost = Error::new(Kind::Cancelled, "The other attempt was faster");
            let mut error = loser.result.and_then(Result::err).unwrap_or(lost);
            drop(loser.work); // its connection is closed before its end is told
            call.note(Some(&mut error));
        }
    }
    call.adopt(&winner.call);
    winner.result.unwrap_or_else(|| Err(Error::new(Kind::Cancelled, "")))
}
