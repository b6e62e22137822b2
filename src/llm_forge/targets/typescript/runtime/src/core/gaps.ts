/** The time between the events of a stream, as far as the server is the cause. */

/** `count` gaps of `total` seconds, and the `longest`; events that arrive together have none of length. */
export interface Gaps {
  readonly count: number;
  readonly total: number;
  readonly longest: number;
  /** Seconds from one event to the next on average, 0 before the second event. */
  readonly mean: number;
}

/** Counts gaps. */
export class GapMeter {
  #count = 0;
  #total = 0;
  #longest = 0;

  /** Count what one read brought: so many events after a wait in seconds. */
  note(waited: number, events: number): void {
    this.#count += events;
    this.#total += waited;
    this.#longest = Math.max(this.#longest, waited);
  }

  /** The gaps so far. */
  get gaps(): Gaps {
    const mean = this.#count === 0 ? 0 : this.#total / this.#count;
    return { count: this.#count, total: this.#total, longest: this.#longest, mean };
  }
}
