/** Waiters held by one pause or window leave one after another, not in one tick. */

const LONGEST_SPREAD = 5;
/** Seconds between waiters, where no rate is known. */
const SPACING = 0.05;

/**
 * Spaces the grants after a hold: at the limiter's rate, else evenly over min(5 s, waiters x 50 ms).
 *
 * The first waiter goes when the hold ends; the spacing covers those who waited then, not later ones.
 */
export class Release {
  notBefore = -Infinity;
  #armed = false;
  #left = 0;
  #spacing = SPACING;

  /** Somebody is held: the next grant from the queue begins a release. */
  arm(): void {
    this.#armed = true;
  }

  /** A waiter was granted and so many still wait; `step` is the seconds its cost takes to refill. */
  granted(step: number, waiting: number, now: number): void {
    if (this.#armed) {
      this.#armed = false;
      this.#left = waiting;
      this.#spacing = spacing(waiting + 1);
    } else if (this.#left > 0) {
      this.#left = Math.min(this.#left - 1, waiting);
    }
    this.notBefore = this.#left > 0 ? now + (step || this.#spacing) : -Infinity;
  }

  /** Seconds after the hold's end at which a waiter with so many before it may expect to go. */
  delay(ahead: number, step: number): number {
    return ahead * (step || spacing(ahead + 1));
  }
}

function spacing(waiters: number): number {
  return Math.min(SPACING, LONGEST_SPREAD / waiters);
}
