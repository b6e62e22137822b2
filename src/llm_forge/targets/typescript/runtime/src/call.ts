/**
 * The one call loop: deadline, retry, breaker, limiter, auth, transport, in this order.
 *
 * Rules of this file:
 * - There is exactly one retry loop in the product; `run` is it.
 * - The last real error is thrown, enriched, never wrapped.
 * - Decisions come from core; this file waits and records, `attempt.ts` and `pump.ts` send.
 */

import type { Call } from "./context.js";
import { closedUnder, outcomeName, stopReason } from "./context.js";
import { failureOf } from "./core/classify.js";
import { MIN_ATTEMPT } from "./core/deadline.js";
import {
  AttemptTimeoutError,
  CircuitOpenError,
  DeadlineExceededError,
  ForgeError,
  LocalRejection,
} from "./core/errors.js";
import type { Retry } from "./core/retry.js";
import { isRetry, RetryPolicy } from "./core/retry.js";
import { isRewindable } from "./transport.js";

/** The policy of this call's settings and its provider's additions. */
export function retryPolicy(call: Call): RetryPolicy {
  const { errors } = call.shared.profile;
  const { settings } = call;
  return new RetryPolicy({
    maxAttempts: settings.maxAttempts,
    factor: settings.backoffFactor,
    cap: settings.maxBackoff,
    maxServerWait: settings.maxServerWait,
    retryableStatuses: errors.retryableStatuses,
    notProcessed: errors.notProcessed,
  });
}

/** Make attempts until one succeeds or the policy gives up; the last real error is thrown. */
export async function run<T>(call: Call, attempt: (call: Call) => Promise<T>): Promise<T> {
  const before = call.attempts.length;
  call.lastError = null;
  for (let plan: Retry | null = null; ;) {
    call.beginAttempt(plan);
    try {
      const result = await attempt(call);
      succeed(call);
      return result;
    } catch (error) {
      plan = after(call, error, call.attempts.length - before + 1);
    }
    await sleep(call, plan.after);
  }
}

/** The retry to make after attempt `number` of this run has failed; throws what ends the call. */
function after(call: Call, error: unknown, number: number): Retry {
  const stopped = stopReason(call);
  if (stopped !== null) {
    end(call, call.signal.reason);
    throw stopped;
  }
  if (error instanceof LocalRejection) {
    end(call, error);
    throw rejected(call, error);
  }
  if (!(error instanceof ForgeError)) {
    end(call, error);
    throw error;
  }
  if (call.shared.closed) {
    throw closedUnder(call).because(error);
  }
  note(call, error);
  return decide(call, number, error);
}

/** List the running attempt with how it ended; null is success. */
export function note(call: Call, error: unknown): void {
  call.attempts.push({
    number: call.number,
    outcome: error === null ? "ok" : outcomeName(error, call.signal),
    duration: call.io.now() - call.began,
    waited: call.plan?.after ?? 0,
    requestId: call.requestId,
    status: statusOf(error),
  });
  call.attempts.sort((one, other) => one.number - other.number); // two may have run at once
  call.timeouts += Number(error instanceof AttemptTimeoutError);
  if (error instanceof DeadlineExceededError && error.cause === undefined) {
    error.because(call.lastError);
  }
  call.lastError = error instanceof ForgeError ? error : null;
  end(call, error);
}

function statusOf(error: unknown): number | null {
  return error instanceof ForgeError ? error.status : null;
}

/** What is thrown where this client itself declines to send: the last real error, if there is one. */
function rejected(call: Call, error: LocalRejection): ForgeError {
  if (call.shared.closed) {
    return closedUnder(call);
  }
  const last = call.lastError;
  if (last === null) {
    return call.enrich(error);
  }
  if (error instanceof CircuitOpenError) {
    last.enrich({ circuitOpen: true });
  }
  return call.enrich(last.because(last.cause ?? error));
}

function end(call: Call, error: unknown): void {
  if (call.shared.hooks.any) {
    call.emit("attempt-end", {
      outcome: error === null ? "ok" : outcomeName(error, call.signal),
      status: statusOf(error) ?? call.responseStatus,
      duration: call.io.now() - call.began,
      requestId: call.requestId,
    });
  }
}

function succeed(call: Call): void {
  note(call, null);
  if (call.plan === null) {
    call.budget.succeedFirst();
  } else {
    call.budget.refund(call.plan.cost);
  }
}

/** The retry to make after so many attempts, or the final error thrown. */
function decide(call: Call, number: number, error: ForgeError): Retry {
  const policy = retryPolicy(call);
  const told = failureOf(error, call.responseHeaders);
  const failure = call.settings.respectRetryAfter ? told : { ...told, serverWait: null };
  error.retryable = policy.isRetryable(failure);
  const plan = policy.decide(number - call.renewals, failure, {
    renewable: error.status === 401 && call.shared.auth.refused(call) && call.renewals === 0,
    replay: call.operation.replay,
    rewindable: isRewindable(call.prepared.request),
    keyed: call.keyed,
    timeouts: call.timeouts,
    left: call.deadline.left(call.io.now()),
    chance: call.io.random(),
    jitter: call.io.random(),
  });
  if (!isRetry(plan)) {
    throw call.enrich(error);
  }
  if (!call.budget.spend(plan.cost)) {
    error.retryBudgetExhausted = true;
    call.emit("budget-exhausted");
    throw call.enrich(error);
  }
  call.renewals += Number(plan.source === "token");
  call.emit("retry", { cause: error.kind, status: error.status, wait: plan.after, source: plan.source });
  return plan;
}

/** Wait for the next attempt; DeadlineExceededError if it woke too late to make one. */
async function sleep(call: Call, seconds: number): Promise<void> {
  try {
    await call.io.clock.sleep(seconds, call.signal);
  } catch (error) {
    throw stopReason(call) ?? error;
  }
  const left = call.deadline.left(call.io.now());
  if (left !== null && left < MIN_ATTEMPT) {
    const late = new DeadlineExceededError("The deadline passed while waiting to retry", {
      phase: "retry-sleep",
    });
    throw call.enrich(late).because(call.lastError);
  }
}
