/** The limits of one credential: a limiter for each model family, and one for each model outside of any. */

import type { LimiterMode, Oversize } from "./core/limiter/limiter.js";
import { Limiter } from "./core/limiter/limiter.js";
import { familyOf, limitsOf } from "./core/limiter/model-families.js";
import type { FamilyState, Limit, LimitFacts } from "./core/limiter/model.js";
import { defineLimit } from "./core/limiter/model.js";
import { Gate } from "./gate.js";

const MODELS_KEPT = 1000;

export interface RateLimiterOptions {
  readonly mode?: LimiterMode;
  readonly concurrency?: number | null;
  readonly oversize?: Oversize;
  readonly adaptiveConcurrency?: boolean;
  readonly adaptiveThrottle?: number | null;
}

/**
 * Limits that several clients share; without one every client has its own.
 *
 * Give it to the clients of one credential as `rateLimiter`: what one of them sends, or learns from the server,
 * counts for all. ConfigError for values that make no sense.
 */
export class RateLimiter {
  readonly #limits: readonly Limit[];
  readonly #options: RateLimiterOptions;
  readonly #gates = new Map<string, Gate>();

  constructor(limits: readonly LimitFacts[] = [], options: RateLimiterOptions = {}) {
    this.#limits = limits.map(defineLimit);
    this.#options = options;
    this.#make(this.#limits); // a value that makes no sense is told now, not at the first call
  }

  /**
   * The limiter of a model or its family; the least recently used go beyond a thousand.
   *
   * `elsewhere` is an origin that the declared limits are not about; what it says holds for it alone.
   */
  gate(model: string | null, elsewhere: string | null = null): Gate {
    const name = model ?? "";
    const family = elsewhere === null ? familyOf(name, this.#limits) : null;
    const key = elsewhere ?? family ?? name;
    const gate = this.#gates.get(key) ?? this.#make(elsewhere === null ? limitsOf(family, this.#limits) : []);
    keepRecent(this.#gates, key, gate, MODELS_KEPT);
    return gate;
  }

  /** What is known of the limits, by model or family. */
  status(now: number): Record<string, FamilyState[]> {
    return Object.fromEntries(Array.from(this.#gates, ([key, gate]) => [key, gate.snapshot(now)]));
  }

  #make(limits: readonly Limit[]): Gate {
    const { mode, concurrency, oversize, adaptiveConcurrency, adaptiveThrottle } = this.#options;
    return new Gate(
      new Limiter(limits, {
        mode: mode ?? "bucket",
        concurrency: concurrency ?? null,
        oversize: oversize ?? "refuse",
        adaptive: adaptiveConcurrency ?? false,
        throttle: adaptiveThrottle ?? null,
      }),
    );
  }
}

/** Make an entry the newest of a map; the oldest go beyond `most`. */
export function keepRecent<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next().value;
  if (map.size > most && oldest !== undefined) {
    map.delete(oldest);
  }
}
