/**
 * What an error means for retrying, for the breaker and for the limiter.
 *
 * Only classes and structured facts decide; message text never does.
 */

import type { Outcome } from "./breaker.js";
import { outcomeOf } from "./breaker.js";
import * as errors from "./errors.js";
import type { Headers } from "./headers.js";
import type { Health, Result } from "./limiter/model.js";
import type { Failure, FailureKind } from "./retry.js";
import { failureOfKind } from "./retry.js";
import { shouldRetry } from "./server-wait.js";

type ErrorClass = typeof errors.ForgeError;

const KIND_OF_CLASS: readonly (readonly [ErrorClass, FailureKind])[] = [
  [errors.ConnectError, "connect"],
  [errors.PoolTimeoutError, "pool"],
  [errors.AttemptTimeoutError, "timeout"],
  [errors.ConnectionLostError, "lost"],
  [errors.StreamInterruptedError, "lost"],
];
// The exchange worked; what it brought was not acceptable.
const COMPLETE_BUT_WRONG: readonly ErrorClass[] = [
  errors.InvalidResponseError,
  errors.RedirectError,
  errors.ResponseTooLargeError,
  errors.StreamDecodeError,
  errors.StreamProtocolError,
];
const OVERLOAD_STATUSES: ReadonlySet<number> = new Set([429, 498, 529]);
const AFTER_SENDING: ReadonlySet<string> = new Set(["response", "body", "stream"]);

function isOneOf(error: unknown, classes: readonly ErrorClass[]): boolean {
  return classes.some((one) => error instanceof one);
}

/** The failure for the retry policy; `headers` are those of the failed response, if one came. */
export function failureOf(error: errors.ForgeError, headers: Headers | null): Failure {
  if (error instanceof errors.ApiError) {
    return failureOfKind("status", {
      status: error.status,
      serverWait: error.retryAfter,
      shouldRetry: headers === null ? null : shouldRetry(headers),
      terminalQuota: error instanceof errors.QuotaExceededError && error.status === 429,
    });
  }
  const found = KIND_OF_CLASS.find(([one]) => error instanceof one);
  return failureOfKind(found?.[1] ?? "fatal");
}

/** How an attempt counts for the breaker; cancellation and local rejection count as nothing. Null is success. */
export function breakerOutcome(error: unknown): Outcome {
  if (error === null) {
    return "success";
  }
  if (!(error instanceof errors.ForgeError)) {
    return "neutral";
  }
  if (isOneOf(error, [errors.StreamIdleError, errors.StreamStallError])) {
    return "failure";
  }
  if (error instanceof errors.DeadlineExceededError) {
    return AFTER_SENDING.has(error.phase ?? "") ? "failure" : "neutral";
  }
  if (isOneOf(error, [errors.TlsError, errors.ProtocolError])) {
    return "failure";
  }
  return isOneOf(error, COMPLETE_BUT_WRONG) ? "success" : outcomeOf(failureOf(error, null));
}

/** How a reservation is settled. */
export function limiterResult(error: unknown, sent: boolean): Result {
  if (!sent || isOneOf(error, [errors.ConnectError, errors.PoolTimeoutError])) {
    return "unsent";
  }
  if (error instanceof errors.ApiError && error.status === 429) {
    return "throttled";
  }
  return error === null || error instanceof errors.ForgeError ? "done" : "cancelled";
}

/**
 * What an ended attempt says about the server's load, for the adaptive limits.
 *
 * 429, 498, 529 and time-outs are overload; every other exchange that the breaker counts as a success was
 * accepted; faults and other 5xx say neither.
 */
export function serverHealth(error: unknown): Health {
  const status = error instanceof errors.ForgeError ? error.status : null;
  if (error instanceof errors.AttemptTimeoutError || OVERLOAD_STATUSES.has(status ?? 0)) {
    return "overload";
  }
  return breakerOutcome(error) === "success" ? "good" : "unknown";
}
