/** A sliding window: in no interval of one period is more than the limit admitted. */

import type { Correction, Meter } from "./bucket.js";
import type { Limit } from "./model.js";

// Charges closer together than this share of a period are kept as one and expire with the last of them: never
// too early, at most 1 % of a period too late, and the log has a bounded length whatever the traffic.
const GRAIN = 0.01;

interface Charged {
  readonly first: number;
  last: number;
  amount: number;
}

/** A log of what was admitted in the last period. */
export class Window implements Meter {
  readonly capacity: number;
  readonly #log: Charged[] = [];
  readonly #noise: number;
  #used = 0;

  constructor(readonly limit: Limit) {
    this.capacity = limit.amount;
    this.#noise = limit.amount * 1e-9;
  }

  /** Units available now. */
  balance(now: number): number {
    for (
      let oldest = this.#log[0];
      oldest !== undefined && oldest.last + this.limit.period <= now;
      oldest = this.#log[0]
    ) {
      this.#used -= oldest.amount;
      this.#log.shift();
    }
    if (this.#log.length === 0) {
      this.#used = 0;
    }
    return this.capacity - this.#used;
  }

  /**
   * The instant at which `amount` can be taken, if nobody else takes anything; `now` if it can be now.
   *
   * More than the capacity is projected as whole periods and a rest.
   */
  readyAt(amount: number, now: number): number {
    const free = this.balance(now);
    if (amount <= free + this.#noise) {
      return now;
    }
    const periods = Math.max(Math.ceil(amount / this.capacity - 1e-9) - 1, 0);
    return periods * this.limit.period + this.#freedAt(amount - periods * this.capacity - free, now);
  }

  #freedAt(missing: number, now: number): number {
    let left = missing;
    for (const charged of this.#log) {
      if (left <= this.#noise) {
        return now;
      }
      left -= charged.amount;
      if (left <= this.#noise) {
        return charged.last + this.limit.period;
      }
    }
    return now;
  }

  /** 0: a window frees what it admitted in lumps, at no pace of its own. */
  step(): number {
    return 0;
  }

  /**
   * Take an amount. What is given back later belongs to the instant of the charge and is void once that has
   * left the window; an excess counts from then.
   */
  charge(amount: number, now: number): Correction {
    const mark = this.#charged(amount, now);
    return (change, later) => {
      this.balance(later);
      if (change > 0) {
        this.#charged(change, later);
      } else if (mark.last + this.limit.period > later) {
        mark.amount += change;
        this.#used += change;
      }
    };
  }

  #charged(amount: number, now: number): Charged {
    this.#used = this.capacity - this.balance(now) + amount;
    const newest = this.#log.at(-1);
    if (newest !== undefined && now - newest.first <= this.limit.period * GRAIN) {
      newest.amount += amount;
      newest.last = Math.max(newest.last, now);
      return newest;
    }
    const charged = { first: now, last: now, amount };
    this.#log.push(charged);
    return charged;
  }

  /** Seconds until nothing of the window is used. */
  fullIn(now: number): number {
    this.balance(now);
    const newest = this.#log.at(-1);
    return newest === undefined ? 0 : newest.last + this.limit.period - now;
  }
}
