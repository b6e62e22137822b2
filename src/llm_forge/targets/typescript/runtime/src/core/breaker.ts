/**
 * A circuit breaker of one origin and operation group.
 *
 * Rules:
 * - Closed counts outcomes of attempts in a sliding window of buckets; enough failures open it.
 * - Open rejects until its time is over, then half-open admits probes, at most `probes` at once.
 * - `successesToClose` good probes in a row close it; one bad one re-opens it, for twice as long.
 * - Every transition starts a new generation; an outcome of an older one changes nothing but the count of
 *   probes under way, which is kept over generations so that the limit holds for every interleaving.
 */

import { checkSeconds } from "./durations.js";
import { ConfigError } from "./errors.js";
import { OutcomeWindow } from "./outcome-window.js";
import type { Failure } from "./retry.js";

export type CircuitState = "closed" | "open" | "half-open" | "forced-open" | "disabled";
export type Outcome = "success" | "failure" | "neutral";

const FAILED_STATUSES: ReadonlySet<number> = new Set([500, 502, 503, 504, 529]);

/**
 * Durations in seconds; `jitter` is the share by which the open time varies both ways.
 *
 * The slow-call rule counts answers whose headers took longer than `slowCallSeconds` and opens at
 * `slowCallRatio` of all outcomes; null switches it off. `perModel` gives each model of an operation
 * group a breaker of its own.
 */
export interface BreakerSettings {
  readonly window: number;
  readonly buckets: number;
  readonly minOutcomes: number;
  readonly ratio: number;
  readonly openSeconds: number;
  readonly openMax: number;
  readonly jitter: number;
  readonly probes: number;
  readonly successesToClose: number;
  readonly enabled: boolean;
  readonly slowCallSeconds: number | null;
  readonly slowCallRatio: number;
  readonly perModel: boolean;
}

const DEFAULTS: BreakerSettings = {
  window: 30,
  buckets: 10,
  minOutcomes: 20,
  ratio: 0.5,
  openSeconds: 5,
  openMax: 30,
  jitter: 0.2,
  probes: 1,
  successesToClose: 2,
  enabled: true,
  slowCallSeconds: null,
  slowCallRatio: 1,
  perModel: false,
};

/** The settings with every default filled in; ConfigError for values that make no sense. */
export function breakerSettings(given: Partial<BreakerSettings> = {}): BreakerSettings {
  for (const name of Object.keys(given)) {
    check(name, name in DEFAULTS, `one of ${Object.keys(DEFAULTS).join(", ")}`, "this name");
  }
  const made = { ...DEFAULTS, ...given };
  checkSeconds("breaker.window", made.window);
  checkSeconds("breaker.openSeconds", made.openSeconds);
  checkSeconds("breaker.openMax", made.openMax);
  checkSeconds("breaker.slowCallSeconds", made.slowCallSeconds, true);
  for (const name of ["buckets", "minOutcomes", "probes", "successesToClose"] as const) {
    check(name, Number.isInteger(made[name]) && made[name] >= 1, "a whole number from 1", made[name]);
  }
  for (const name of ["ratio", "slowCallRatio"] as const) {
    check(name, made[name] > 0 && made[name] <= 1, "above 0 and at most 1", made[name]);
  }
  check("jitter", made.jitter >= 0 && made.jitter < 1, "at least 0 and below 1", made.jitter);
  return made;
}

function check(name: string, holds: boolean, allowed: string, value: unknown): void {
  if (!holds) {
    throw new ConfigError(`breaker.${name} must be ${allowed}, not ${String(value)}`);
  }
}

/** Leave to send one attempt; give it back with `Breaker.record` exactly once. */
export interface Permit {
  readonly admitted: true;
  readonly generation: number;
  readonly probe: boolean;
}

/** Send nothing; ask again after so many seconds. */
export interface Rejected {
  readonly admitted: false;
  readonly retryAfter: number;
}

/** One change of state, at the monotonic instant `at`. */
export interface Transition {
  readonly before: CircuitState;
  readonly after: CircuitState;
  readonly at: number;
}

/** Decides who may send. */
export class Breaker {
  state: CircuitState;
  readonly #settings: BreakerSettings;
  readonly #window: OutcomeWindow;
  #generation = 0;
  #openUntil = 0;
  #failedProbes = 0;
  #goodProbes = 0;
  #probesUnderWay = 0;
  #transitions: Transition[] = [];

  constructor(settings: BreakerSettings = DEFAULTS) {
    this.#settings = settings;
    this.state = settings.enabled ? "closed" : "disabled";
    this.#window = new OutcomeWindow(settings.window, settings.buckets);
  }

  /** A permit for one attempt, or the rejection with its `retryAfter`. */
  admit(now: number): Permit | Rejected {
    if (this.state === "closed" || this.state === "disabled") {
      return { admitted: true, generation: this.#generation, probe: false };
    }
    if (this.state === "forced-open") {
      return { admitted: false, retryAfter: this.#settings.openMax };
    }
    if (this.state === "open") {
      if (now < this.#openUntil) {
        return { admitted: false, retryAfter: this.#openUntil - now };
      }
      this.#enter("half-open", now);
    }
    return this.#probe();
  }

  /**
   * Report how an admitted attempt ended, once per permit.
   *
   * `neutral` is for attempts cancelled or never sent: the permit comes back, nothing is counted.
   * `chance` in [0, 1] spreads the open time; `responseTime` is the seconds to the response headers, for the
   * slow-call rule, null where none came.
   */
  record(
    permit: Permit,
    outcome: Outcome,
    now: number,
    chance: number,
    responseTime: number | null = null,
  ): void {
    if (permit.probe) {
      this.#probesUnderWay = Math.max(this.#probesUnderWay - 1, 0);
    }
    if (permit.generation !== this.#generation || outcome === "neutral") {
      return;
    }
    if (this.state === "half-open") {
      this.#recordProbe(outcome, now, chance);
    } else if (this.state === "closed") {
      const slow = this.#settings.slowCallSeconds;
      const isSlow = slow !== null && responseTime !== null && responseTime > slow;
      this.#window.add(now, outcome === "failure", isSlow);
      if (this.#isTripped(now)) {
        this.#open(now, chance);
      }
    }
  }

  /** The transitions since the last call, each once. */
  takeTransitions(): readonly Transition[] {
    const taken = this.#transitions;
    this.#transitions = [];
    return taken;
  }

  /** Reject everything until `reset`. */
  forceOpen(now: number): void {
    this.#enter("forced-open", now);
  }

  /** Admit everything and count nothing until `reset`. */
  disable(now: number): void {
    this.#enter("disabled", now);
  }

  /** Start anew, closed and without history. */
  reset(now: number): void {
    this.#failedProbes = 0;
    this.#enter("closed", now);
  }

  #probe(): Permit | Rejected {
    // A probe's end is not known; the shortest open time is a fair guess.
    if (this.#probesUnderWay >= this.#settings.probes) {
      return { admitted: false, retryAfter: this.#settings.openSeconds };
    }
    this.#probesUnderWay += 1;
    return { admitted: true, generation: this.#generation, probe: true };
  }

  #recordProbe(outcome: Outcome, now: number, chance: number): void {
    if (outcome === "failure") {
      this.#failedProbes += 1;
      this.#open(now, chance);
      return;
    }
    this.#goodProbes += 1;
    if (this.#goodProbes >= this.#settings.successesToClose) {
      this.#failedProbes = 0;
      this.#enter("closed", now);
    }
  }

  #isTripped(now: number): boolean {
    const { all, failed, slow } = this.#window.totals(now);
    const settings = this.#settings;
    if (all < settings.minOutcomes) {
      return false;
    }
    const tooSlow = settings.slowCallSeconds !== null && slow >= settings.slowCallRatio * all;
    return tooSlow || failed >= settings.ratio * all;
  }

  #open(now: number, chance: number): void {
    const settings = this.#settings;
    const seconds = Math.min(settings.openSeconds * 2 ** Math.min(this.#failedProbes, 64), settings.openMax);
    this.#openUntil = now + seconds * (1 + settings.jitter * (2 * chance - 1));
    this.#enter("open", now);
  }

  #enter(state: CircuitState, now: number): void {
    if (state === this.state) {
      return;
    }
    this.#transitions.push({ before: this.state, after: state, at: now });
    this.state = state;
    this.#generation += 1;
    this.#goodProbes = 0;
    this.#window.clear();
  }
}

/**
 * How an attempt counts; null is an attempt without failure.
 *
 * Statuses other than 500, 502, 503, 504 and 529 are successes: the server is there. A `pool` time-out and a
 * `fatal` failure without a status say nothing about the server and count as neither.
 */
export function outcomeOf(failure: Failure | null): Outcome {
  if (failure === null) {
    return "success";
  }
  if (failure.status !== null) {
    return FAILED_STATUSES.has(failure.status) ? "failure" : "success";
  }
  return failure.kind === "pool" || failure.kind === "fatal" ? "neutral" : "failure";
}
