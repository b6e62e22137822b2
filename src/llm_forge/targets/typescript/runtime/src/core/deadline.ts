/** The instant by which a call must have ended. */

/** Seconds; with less left no attempt starts. */
export const MIN_ATTEMPT = 0.01;

/** An absolute monotonic instant `at` in seconds; null is no deadline. */
export class Deadline {
  constructor(readonly at: number | null) {}

  /** The deadline so many seconds from now; null for none. */
  static after(seconds: number | null, now: number): Deadline {
    return new Deadline(seconds === null ? null : now + seconds);
  }

  /** Seconds left, negative once it has passed; null without a deadline. */
  left(now: number): number | null {
    return this.at === null ? null : this.at - now;
  }

  /** Whether it has been reached. */
  expired(now: number): boolean {
    return this.at !== null && now >= this.at;
  }

  /** The earlier of the two. */
  tighten(other: Deadline): Deadline {
    return this.at === null || (other.at !== null && other.at < this.at) ? other : this;
  }

  /** The smaller of a phase's own limit and the time left, never negative; null for neither. */
  timer(limit: number | null, now: number): number | null {
    const left = this.left(now);
    if (left === null || (limit !== null && limit < left)) {
      return limit;
    }
    return Math.max(left, 0);
  }
}
