/**
 * What the server said about a family, and how long that holds a call.
 *
 * Rules:
 * - State ends at the reported reset; after it the family is unknown, not full: nothing is held.
 * - Until then the lowest reported remaining wins, whatever order responses arrive in; for refill meaning,
 *   remaining rises by the refill in between.
 * - Calls that went out since the report was taken over are subtracted until they are settled, so that a crowd
 *   does not share the same last few units.
 * - Without a usable reset nothing is ever held.
 */

import type { Observed } from "../rate-headers.js";

/** One family of one provider. */
export class Learned {
  epoch = 0;
  #underWay = 0;
  #report: Observed;
  #resetsAt: number | null;
  #seenAt: number;

  constructor(observed: Observed, now: number) {
    this.#report = observed;
    this.#resetsAt = observed.resetsAt;
    this.#seenAt = now;
    this.epoch = 1;
  }

  get report(): Observed {
    return this.#report;
  }

  get resetsAt(): number | null {
    return this.#resetsAt;
  }

  #take(observed: Observed, now: number): void {
    this.#report = observed;
    this.#resetsAt = observed.resetsAt;
    this.#seenAt = now;
    this.#underWay = 0;
    this.epoch += 1;
  }

  /** Take over a later report, unless an earlier one of the same window said less. */
  learn(observed: Observed, now: number): void {
    const before = this.#resetsAt;
    if (before === null || observed.resetsAt === null || this.expired(now)) {
      this.#take(observed, now);
    } else if ((observed.remaining ?? 0) <= this.#refilled(now)) {
      this.#take(observed, now);
      if (observed.meaning === "window") {
        // Delay on the way only ever makes a window's end look later than it is.
        this.#resetsAt = Math.min(before, observed.resetsAt);
      }
    }
  }

  /** Whether the report has lost its meaning. */
  expired(now: number): boolean {
    return this.#resetsAt !== null && now >= this.#resetsAt;
  }

  /** Units left by our reckoning; null once unknown. */
  remaining(now: number): number | null {
    return this.expired(now) ? null : Math.max(this.#refilled(now) - this.#underWay, 0);
  }

  /** The instant until which a call of this cost is held; `now` if it is not. */
  readyAt(amount: number, now: number): number {
    if (this.#resetsAt === null || now >= this.#resetsAt) {
      return now;
    }
    const missing = amount + this.#underWay - this.#refilled(now);
    if (missing <= 1e-9 * Math.max(amount, 1)) {
      return now;
    }
    const rate = this.#rate();
    return rate === null ? this.#resetsAt : Math.min(now + missing / rate, this.#resetsAt);
  }

  /** Count a call that goes out; the result is called when it has ended. */
  charge(amount: number): () => void {
    this.#underWay += amount;
    const mark = this.epoch;
    return () => {
      // The server's next report includes the call, if it has not yet.
      if (mark === this.epoch) {
        this.#underWay = Math.max(this.#underWay - amount, 0);
      }
    };
  }

  #refilled(now: number): number {
    const rate = this.#rate();
    const reported = this.#report.remaining ?? 0;
    return rate === null ? reported : reported + (now - this.#seenAt) * rate;
  }

  /** Units a second of a refilling family, null if it does not refill or the report does not say. */
  #rate(): number | null {
    const { meaning, limit, remaining } = this.#report;
    if (meaning !== "refill" || limit === null || this.#resetsAt === null) {
      return null;
    }
    const seconds = this.#resetsAt - this.#seenAt;
    const units = limit - (remaining ?? 0);
    return seconds > 0 && units > 0 ? units / seconds : null;
  }
}
