/**
 * Connection slots: how many exchanges may be open per origin, and who waits for one.
 *
 * `fetch` has no such limit with a timer per call, so a transport takes a slot here before it opens an exchange and
 * gives it back when the exchange ended. A freed slot goes to the longest waiter.
 */

import { originOf } from "./base-url.js";
import { asError, milliseconds } from "./clock.js";
import { PoolTimeoutError } from "./core/errors.js";

interface Waiter {
  wake(): void;
}

/** At most so many slots per origin. */
export class Slots {
  readonly #active = new Map<string, number>();
  readonly #waiting = new Map<string, Waiter[]>();

  constructor(private readonly most: number) {}

  /** Slots in use now: the count of checked-out connections. */
  active(): number {
    return [...this.#active.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Give back the slot taken here, once; PoolTimeoutError if none is free within so many real seconds. */
  async acquire(url: string, seconds: number | null, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const origin = originOf(url);
    const active = this.#active.get(origin) ?? 0;
    if (active < this.most) {
      this.#active.set(origin, active + 1);
    } else {
      await this.#wait(origin, seconds, signal);
    }
    let held = true;
    return () => {
      if (held) {
        held = false;
        this.#release(origin);
      }
    };
  }

  #wait(origin: string, seconds: number | null, signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting.get(origin) ?? [];
    this.#waiting.set(origin, waiting);
    return new Promise((resolve, reject) => {
      const leave = (error: Error): void => {
        settle();
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(error);
      };
      const stop = (): void => {
        leave(asError(signal.reason));
      };
      const late = (): void => {
        leave(poolTimeout(origin, seconds));
      };
      const timer = seconds === null ? undefined : setTimeout(late, milliseconds(seconds));
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
      };
      const waiter = {
        wake: (): void => {
          settle();
          resolve();
        },
      };
      signal.addEventListener("abort", stop, { once: true });
      waiting.push(waiter);
    });
  }

  #release(origin: string): void {
    const next = this.#waiting.get(origin)?.shift();
    if (next !== undefined) {
      next.wake(); // the slot passes on without having been free
      return;
    }
    const left = (this.#active.get(origin) ?? 1) - 1;
    if (left === 0) {
      this.#active.delete(origin);
    } else {
      this.#active.set(origin, left);
    }
  }
}

function poolTimeout(origin: string, seconds: number | null): PoolTimeoutError {
  return new PoolTimeoutError(
    `No connection to ${origin} became free within ${String(seconds)} s. ` +
      "Close streams that are no longer read, or raise the pool limit.",
    { phase: "pool" },
  );
}
