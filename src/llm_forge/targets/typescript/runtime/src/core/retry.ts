/**
 * Whether a failed attempt is repeated, and after how long.
 *
 * Rules, asked in this order:
 * - the failure is one that another attempt may cure;
 * - attempts are left;
 * - sending again cannot do a thing twice;
 * - an attempt time-out is repeated once per call;
 * - the server's wait is neither longer than we accept nor than the time left;
 * - the whole wait ends early enough for an attempt to follow.
 *
 * The retry budget is asked by the caller, last, with the cost given here.
 */

import { MIN_ATTEMPT } from "./deadline.js";
import { ConfigError } from "./errors.js";
import type { Replay } from "./profile.js";

export type FailureKind = "status" | "connect" | "refused-stream" | "lost" | "timeout" | "pool" | "fatal";
export type GiveUpReason =
  "not-retryable" | "attempts" | "server-wait" | "deadline" | "replay" | "timeout-again" | "budget";

export const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 409, 425, 429, 500, 502, 503, 504, 529]);
export const THROTTLING_STATUSES: ReadonlySet<number> = new Set([429, 498, 529]);
export const MOST_ATTEMPTS = 20;
export const RETRY_COST = 5;
const TIMEOUT_RETRY_COST = 10;
// Nothing of the request was taken on. A pool time-out is ours to add to R-076's list: nothing was sent.
const NEVER_PROCESSED: ReadonlySet<FailureKind> = new Set(["connect", "refused-stream", "pool"]);

/**
 * What went wrong in an attempt.
 *
 * `timeout` is the attempt's own timer; `fatal` is never repeated (certificate, redirect, too large, undecodable,
 * local rejection). `serverWait` is in seconds, null or 0 for none; `shouldRetry` is the server's own word;
 * `terminalQuota` marks a 429 that waiting does not cure.
 */
export interface Failure {
  readonly kind: FailureKind;
  readonly status: number | null;
  readonly serverWait: number | null;
  readonly shouldRetry: boolean | null;
  readonly terminalQuota: boolean;
}

/** A failure of this kind; what is left out is unknown. */
export function failureOfKind(kind: FailureKind, facts: Partial<Failure> = {}): Failure {
  return { kind, status: null, serverWait: null, shouldRetry: null, terminalQuota: false, ...facts };
}

export type RetrySource = "backoff" | "server" | "token" | "hedge";

/** Wait `after` seconds and try again; `cost` is what the retry budget is to pay. */
export interface Retry {
  readonly after: number;
  readonly source: RetrySource;
  readonly cost: number;
}

/** Throw the error of the attempt that failed. */
export interface GiveUp {
  readonly reason: GiveUpReason;
}

/**
 * What is known of a call when an attempt has failed.
 *
 * `timeouts` counts the call's attempt time-outs with this one; `keyed` says that an idempotency key is really
 * sent; `renewable` that a 401 may be cured by another token, for which one attempt more than `maxAttempts` is
 * allowed; `left` is the seconds to the deadline; `chance` and `jitter` are uniform in [0, 1].
 */
export interface Situation {
  readonly replay?: Replay;
  readonly rewindable?: boolean;
  readonly keyed?: boolean;
  readonly timeouts?: number;
  readonly renewable?: boolean;
  readonly left: number | null;
  readonly chance: number;
  readonly jitter: number;
}

/** The numbers of in seconds, and the provider's additions. */
export interface PolicyFacts {
  readonly maxAttempts: number;
  readonly base: number;
  readonly throttleBase: number;
  readonly factor: number;
  readonly cap: number;
  readonly maxServerWait: number;
  readonly retryableStatuses: readonly number[];
  readonly notProcessed: readonly number[];
}

const DEFAULTS: PolicyFacts = {
  maxAttempts: 3,
  base: 0.5,
  throttleBase: 1,
  factor: 2,
  cap: 20,
  maxServerWait: 60,
  retryableStatuses: [],
  notProcessed: [429],
};

/** Decides about retries; ConfigError if `maxAttempts` is not a whole number from 1 (no retries) to 20. */
export class RetryPolicy {
  readonly #facts: PolicyFacts;

  constructor(facts: Partial<PolicyFacts> = {}) {
    this.#facts = { ...DEFAULTS, ...facts };
    const { maxAttempts } = this.#facts;
    if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > MOST_ATTEMPTS) {
      throw new ConfigError(
        `maxAttempts must be a whole number from 1 to ${MOST_ATTEMPTS}, not ${maxAttempts}`,
      );
    }
  }

  /** The retry to make after attempt number `attempt` (from 1) failed, or why there is none. */
  decide(attempt: number, failure: Failure, given: Situation): Retry | GiveUp {
    if (given.renewable === true && failure.status === 401 && failure.shouldRetry !== false) {
      return this.#mayReplay(failure, given) ? renewed(given.left) : { reason: "replay" };
    }
    if (!this.isRetryable(failure)) {
      return { reason: "not-retryable" };
    }
    if (attempt >= this.#facts.maxAttempts) {
      return { reason: "attempts" };
    }
    if (!this.#mayReplay(failure, given)) {
      return { reason: "replay" };
    }
    if (failure.kind === "timeout" && (given.timeouts ?? 0) > 1) {
      return { reason: "timeout-again" };
    }
    return this.#timed(attempt, failure, given);
  }

  /**
   * Whether another attempt may cure this, without regard to attempts, time and replay class.
   *
   * A terminal quota code outweighs `x-should-retry: true`: R-072 is about one kind of response, R-068 about any.
   */
  isRetryable(failure: Failure): boolean {
    if (failure.kind !== "status") {
      return failure.kind !== "fatal";
    }
    if (failure.shouldRetry === false || this.#quotaIsSpent(failure)) {
      return false;
    }
    const status = failure.status ?? 0;
    return (
      failure.shouldRetry === true ||
      RETRYABLE_STATUSES.has(status) ||
      this.#facts.retryableStatuses.includes(status)
    );
  }

  #quotaIsSpent(failure: Failure): boolean {
    const wait = failure.serverWait ?? 0;
    return failure.terminalQuota && (wait === 0 || wait > this.#facts.maxServerWait);
  }

  /** an operation that would need a key and has none counts as `once`. */
  #mayReplay(failure: Failure, given: Situation): boolean {
    if (given.rewindable === false) {
      return false;
    }
    const replay = given.replay ?? "safe";
    if (replay === "safe" || (replay === "keyed" && given.keyed === true)) {
      return true;
    }
    const refused = failure.kind === "status" && this.#facts.notProcessed.includes(failure.status ?? 0);
    return refused || NEVER_PROCESSED.has(failure.kind);
  }

  #timed(attempt: number, failure: Failure, given: Situation): Retry | GiveUp {
    const { left } = given;
    const backoff = this.#backoff(attempt, failure) * given.chance;
    const wait = failure.serverWait ?? 0;
    if (wait > this.#facts.maxServerWait || (left !== null && wait > left)) {
      return { reason: "server-wait" };
    }
    const after = Math.max(wait, backoff) + given.jitter * Math.min(1, wait / 10);
    if (left !== null && after + MIN_ATTEMPT > left) {
      return { reason: "deadline" };
    }
    const cost = failure.kind === "timeout" ? TIMEOUT_RETRY_COST : RETRY_COST;
    return { after, source: wait > 0 ? "server" : "backoff", cost };
  }

  /** The upper bound of the wait before the attempt that follows `attempt`. */
  #backoff(attempt: number, failure: Failure): number {
    const status = failure.status ?? 0;
    const throttled = THROTTLING_STATUSES.has(status) || (status === 503 && (failure.serverWait ?? 0) > 0);
    const base = throttled ? this.#facts.throttleBase : this.#facts.base;
    return Math.min(this.#facts.cap, base * this.#facts.factor ** (attempt - 1));
  }
}

/** Whether a decision is to try again. */
export function isRetry(decision: Retry | GiveUp): decision is Retry {
  return "after" in decision;
}

/** At once with another token, if there is time for an attempt. */
function renewed(left: number | null): Retry | GiveUp {
  return left !== null && left < MIN_ATTEMPT
    ? { reason: "deadline" }
    : { after: 0, source: "token", cost: RETRY_COST };
}
