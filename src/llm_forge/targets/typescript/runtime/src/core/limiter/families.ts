/** All families a server has reported. */

import type { Observed } from "../rate-headers.js";
import { Learned } from "./learned.js";
import type { Cost, FamilyState } from "./model.js";
import { amountOf, NOTHING } from "./model.js";

/** A server may invent names; we do not keep them without end. */
const MOST_FAMILIES = 64;

/** The server's families by name. */
export class Families {
  readonly #families = new Map<string, Learned>();

  get size(): number {
    return this.#families.size;
  }

  /** Take over what a response reports; a family without a remaining count is skipped. */
  learn(observed: readonly Observed[], now: number): void {
    for (const one of observed) {
      const known = this.#families.get(one.family);
      if (one.remaining === null) {
        continue;
      }
      if (known !== undefined) {
        known.learn(one, now);
      } else if (this.#families.size < MOST_FAMILIES) {
        this.#families.set(one.family, new Learned(one, now));
      }
    }
  }

  /** Until when a call of this cost is held behind what is `ahead` of it; `now` if it is not. */
  readyAt(cost: Cost, now: number, ahead: Cost = NOTHING): number {
    let ready = now;
    for (const family of this.#families.values()) {
      const { unit } = family.report;
      const amount = amountOf(cost, unit);
      if (amount > 0) {
        ready = Math.max(ready, family.readyAt(amount + amountOf(ahead, unit), now));
      }
    }
    return ready;
  }

  /** Count a call that goes out; the results are called when it has ended. */
  charge(cost: Cost): readonly (() => void)[] {
    return Array.from(this.#families.values(), (family) => family.charge(amountOf(cost, family.report.unit)));
  }

  /** Every family as it stands; remaining is null once its reset has passed. */
  states(now: number): FamilyState[] {
    return Array.from(this.#families.values(), (one) => ({
      family: one.report.family,
      unit: one.report.unit,
      limit: one.report.limit,
      remaining: one.remaining(now),
      resetsIn: one.resetsAt === null ? null : Math.max(one.resetsAt - now, 0),
      source: "server",
    }));
  }
}
