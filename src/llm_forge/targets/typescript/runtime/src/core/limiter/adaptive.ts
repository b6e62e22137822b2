/** Limits that follow how the server copes; both are off unless asked for. */

import { ConfigError } from "../errors.js";
import { OutcomeWindow } from "../outcome-window.js";

const DECREASE = 0.7;
const DECREASE_INTERVAL = 1;
const THROTTLE_WINDOW = 120;
const BUCKETS = 12;

/** Additive increase, multiplicative decrease of the calls in flight, within 1 and `most`. */
export class AdaptiveConcurrency {
  #limit: number;
  #decreasedAt: number | null = null;

  constructor(private readonly most: number) {
    this.#limit = most;
  }

  /** Calls that may be in flight now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** A call went well: as many of them as the limit raise it by one. */
  succeed(): void {
    this.#limit = Math.min(this.#limit + 1 / this.#limit, this.most);
  }

  /** A call was throttled or timed out; one of a burst counts. */
  overload(now: number): void {
    if (this.#decreasedAt !== null && now - this.#decreasedAt < DECREASE_INTERVAL) {
      return;
    }
    this.#decreasedAt = now;
    this.#limit = Math.max(this.#limit * DECREASE, 1);
  }
}

/**
 * Turns calls away when the server has accepted few of the recent ones.
 *
 * `k` is how many calls are sent for each that the server accepts; 2 lets twice as many through. ConfigError
 * below 1, where calls would be turned away even from a server that accepts all.
 */
export class AdaptiveThrottle {
  readonly #requests = new OutcomeWindow(THROTTLE_WINDOW, BUCKETS);
  readonly #accepts = new OutcomeWindow(THROTTLE_WINDOW, BUCKETS);

  constructor(private readonly k: number) {
    if (!(k >= 1 && k < Infinity)) {
      throw new ConfigError(`adaptiveThrottle must be at least 1, not ${k}`);
    }
  }

  /** Whether this attempt is turned away; it counts as attempted either way. */
  rejects(now: number, chance: number): boolean {
    const requests = this.#requests.totals(now).all;
    const accepts = this.#accepts.totals(now).all;
    this.#requests.add(now, false);
    return chance < Math.max(0, (requests - this.k * accepts) / (requests + 1));
  }

  /** The server accepted a call. */
  accept(now: number): void {
    this.#accepts.add(now, false);
  }
}
