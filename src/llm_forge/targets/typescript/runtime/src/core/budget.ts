/** The retry budget: retries are paid for by successes, so an outage is not answered by a flood. */

const CAPACITY = 500;
const FIRST_SUCCESS = 1;

/** Tokens of one client and origin; starts full and never holds more than its capacity. */
export class RetryBudget {
  tokens: number;

  constructor(readonly capacity = CAPACITY) {
    this.tokens = capacity;
  }

  /** Whether the retry can be paid; only then are the tokens taken. */
  spend(cost: number): boolean {
    if (cost > this.tokens) {
      return false;
    }
    this.tokens -= cost;
    return true;
  }

  /** A retry succeeded: what it cost comes back. */
  refund(cost: number): void {
    this.tokens = Math.min(this.tokens + cost, this.capacity);
  }

  /** A first attempt succeeded: one token more. */
  succeedFirst(): void {
    this.refund(FIRST_SUCCESS);
  }
}
