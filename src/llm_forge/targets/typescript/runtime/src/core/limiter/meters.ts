/** All declared limits of one limiter: charged together or not at all. */

import type { Correction, Meter } from "./bucket.js";
import { Bucket } from "./bucket.js";
import type { Cost, FamilyState, Limit, Result } from "./model.js";
import { amountOf, NOTHING } from "./model.js";
import { Window } from "./window.js";

export type LimiterMode = "bucket" | "sliding";
export type MeterMarks = readonly Correction[];

/** Any number of buckets or windows; empty it costs nothing. */
export class Meters {
  readonly #meters: readonly Meter[];

  constructor(limits: readonly Limit[], mode: LimiterMode) {
    this.#meters = limits.map((limit) => (mode === "bucket" ? new Bucket(limit) : new Window(limit)));
  }

  get size(): number {
    return this.#meters.length;
  }

  /** Whether a limit can never hold as much. */
  isTooLarge(cost: Cost): boolean {
    return this.#meters.some((meter) => amountOf(cost, meter.limit.unit) > meter.capacity);
  }

  /**
   * When the cost can be charged after what is `ahead` of it; `now` if it can be now.
   *
   * A cost above a limit's capacity is ready when that limit is untouched.
   */
  readyAt(cost: Cost, now: number, ahead: Cost = NOTHING): number {
    let ready = now;
    for (const meter of this.#meters) {
      const amount = amountOf(cost, meter.limit.unit);
      if (amount > 0) {
        const need = Math.min(amount, meter.capacity) + amountOf(ahead, meter.limit.unit);
        ready = Math.max(ready, meter.readyAt(need, now));
      }
    }
    return ready;
  }

  /** Seconds in which the buckets gain this cost again; 0 without one, as windows have no pace. */
  step(cost: Cost): number {
    return this.#meters.reduce(
      (most, meter) => Math.max(most, meter.step(amountOf(cost, meter.limit.unit))),
      0,
    );
  }

  /** Charge every limit; the marks are for `settle`. */
  charge(cost: Cost, now: number): MeterMarks {
    return this.#meters.map((meter) => meter.charge(amountOf(cost, meter.limit.unit), now));
  }

  /** Correct what was charged to what was used. */
  settle(marks: MeterMarks, cost: Cost, used: Cost | null, result: Result, now: number): void {
    this.#meters.forEach((meter, at) => {
      const reserved = amountOf(cost, meter.limit.unit);
      const change = actual(meter.limit, reserved, used, result) - reserved;
      if (change !== 0) {
        marks[at]?.(change, now);
      }
    });
  }

  /** Every limit as it stands; `resetsIn` is when it is untouched again. */
  states(now: number): FamilyState[] {
    return this.#meters.map((meter) => ({
      family: `${meter.limit.unit}/${meter.limit.period}s`,
      unit: meter.limit.unit,
      limit: meter.limit.amount,
      remaining: meter.balance(now),
      resetsIn: meter.fullIn(now),
      source: "local",
    }));
  }
}

/** What an ended attempt took: nothing unsent, no tokens when throttled, else usage or the estimate. */
function actual(limit: Limit, reserved: number, used: Cost | null, result: Result): number {
  if (result === "unsent") {
    return 0;
  }
  if (limit.unit === "requests") {
    return reserved;
  }
  if (result === "throttled") {
    return 0;
  }
  return used === null ? reserved : amountOf(used, limit.unit);
}
