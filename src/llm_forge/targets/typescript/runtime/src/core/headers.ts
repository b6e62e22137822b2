/** Response headers: case-insensitive look-up that keeps repeated fields and their order. */

export type Pair = readonly [name: string, value: string];

/** Header fields in order; `get` joins nothing and returns the first, `getAll` all of a name. */
export class Headers {
  readonly #pairs: readonly Pair[];
  readonly #first = new Map<string, string>();

  constructor(pairs: Iterable<Pair> = []) {
    this.#pairs = Array.from(pairs, ([name, value]) => [name.toLowerCase(), value] as const);
    for (const [name, value] of this.#pairs) {
      if (!this.#first.has(name)) {
        this.#first.set(name, value);
      }
    }
  }

  /** The first value of a field, null where there is none; upper and lower case are the same. */
  get(name: string): string | null {
    return this.#first.get(name.toLowerCase()) ?? null;
  }

  /** All values of a field, in order. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.#pairs.filter(([field]) => field === wanted).map(([, value]) => value);
  }

  /** Whether there is such a field. */
  has(name: string): boolean {
    return this.#first.has(name.toLowerCase());
  }

  /** The names of all fields, in lower case, each once. */
  names(): IterableIterator<string> {
    return this.#first.keys();
  }

  /** All fields in the order received, names in lower case. */
  pairs(): readonly Pair[] {
    return this.#pairs;
  }
}
