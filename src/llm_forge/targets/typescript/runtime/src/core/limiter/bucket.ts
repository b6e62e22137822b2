/** A token bucket: continuous refill up to a burst. */

import type { Limit } from "./model.js";

// A deficit that refills within this many seconds is float noise of the clock, not a deficit.
const NOISE = 1e-6;

/** What a bucket and a window have in common; the mark of a charge is for its correction. */
export interface Meter {
  readonly limit: Limit;
  readonly capacity: number;
  balance(now: number): number;
  readyAt(amount: number, now: number): number;
  step(amount: number): number;
  /** Take an amount; the result corrects it by so much after the fact, or gives back if negative. */
  charge(amount: number, now: number): Correction;
  fullIn(now: number): number;
}

export type Correction = (change: number, now: number) => void;

/** Holds up to `capacity` units and gains `rate` a second; an excess charged later is a debt (below 0). */
export class Bucket implements Meter {
  readonly capacity: number;
  #balance: number;
  #at: number | null = null;

  constructor(readonly limit: Limit) {
    this.capacity = limit.capacity;
    this.#balance = limit.capacity;
  }

  /** Units available now. */
  balance(now: number): number {
    if (this.#at !== null && now > this.#at) {
      this.#balance = Math.min(this.#balance + (now - this.#at) * this.limit.rate, this.capacity);
    }
    this.#at = this.#at === null ? now : Math.max(now, this.#at);
    return this.#balance;
  }

  /**
   * The instant at which `amount` can be taken, if nobody else takes anything; `now` if it can be now.
   *
   * More than the capacity is projected as if taken in parts as they come.
   */
  readyAt(amount: number, now: number): number {
    const wait = (amount - this.balance(now)) / this.limit.rate;
    return wait <= NOISE ? now : now + wait;
  }

  /** Seconds in which the amount is gained again. */
  step(amount: number): number {
    return amount / this.limit.rate;
  }

  charge(amount: number, now: number): Correction {
    this.#balance = this.balance(now) - amount;
    return (change, later) => {
      this.#balance = Math.min(this.balance(later) - change, this.capacity);
    };
  }

  /** Seconds until the bucket is full. */
  fullIn(now: number): number {
    return Math.max(this.capacity - this.balance(now), 0) / this.limit.rate;
  }
}
