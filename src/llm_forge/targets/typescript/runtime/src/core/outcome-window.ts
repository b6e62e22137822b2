/** Outcomes of the last seconds, counted in a ring of buckets. */

export interface Totals {
  readonly all: number;
  readonly failed: number;
  readonly slow: number;
}

interface Bucket {
  number: number;
  all: number;
  failed: number;
  slow: number;
}

/** Sums over a sliding window of `seconds`; adding and reading cost the same whatever the traffic. */
export class OutcomeWindow {
  readonly #width: number;
  readonly #count: number;
  #buckets: Bucket[] = [];

  constructor(seconds: number, buckets: number) {
    this.#width = seconds / buckets;
    this.#count = buckets;
    this.clear();
  }

  /** Forget everything. */
  clear(): void {
    this.#buckets = Array.from({ length: this.#count }, () => emptyBucket(-1));
  }

  /** Count one outcome. */
  add(now: number, failed: boolean, slow = false): void {
    const number = Math.floor(now / this.#width);
    const place = number % this.#count;
    let bucket = this.#buckets[place];
    if (bucket?.number !== number) {
      bucket = emptyBucket(number);
      this.#buckets[place] = bucket;
    }
    bucket.all += 1;
    bucket.failed += Number(failed);
    bucket.slow += Number(slow);
  }

  /** All outcomes, failed ones and slow ones of the window that ends now. */
  totals(now: number): Totals {
    const oldest = Math.floor(now / this.#width) - this.#count + 1;
    const sums = { all: 0, failed: 0, slow: 0 };
    for (const bucket of this.#buckets) {
      if (bucket.number >= oldest) {
        sums.all += bucket.all;
        sums.failed += bucket.failed;
        sums.slow += bucket.slow;
      }
    }
    return sums;
  }
}

function emptyBucket(number: number): Bucket {
  return { number, all: 0, failed: 0, slow: 0 };
}
