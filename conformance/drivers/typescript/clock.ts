/**
 * A clock whose sleeps take no time.
 *
 * Rules of this file:
 * - Sleeping moves the clock instead of waiting: when nobody who takes part is awake, the clock jumps to the earliest
 *   wake-up and wakes that one sleeper. So concurrent calls wake in the order of virtual time.
 * - Who is in a network call is awake. With a `scale` (real seconds of one virtual second) time also flows meanwhile,
 *   and timers of sockets shrink by it; without one, only sleeps move the clock.
 * - A sleeper that waits for an event wakes by the event or by time, whichever comes first.
 * - JavaScript has one thread: when the event loop has had its turns and still nobody is awake, nobody will be.
 */

import type { Clock, Signal } from "../../../src/llm_forge/targets/typescript/runtime/src/clock.js";
import { asError } from "../../../src/llm_forge/targets/typescript/runtime/src/clock.js";

/** Turns of the event loop after which nothing that was set can still be under way. */
const HOPS = 3;

export interface ClockOptions {
  readonly scale?: number | null;
  readonly wall?: number;
  readonly jump?: boolean;
}

/** Someone asleep until `wake`, or until `event` is set. */
interface Sleeper {
  readonly wake: number;
  readonly event: Signal | null;
  readonly rouse: () => void;
  woken: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** Time that begins at 0; `note` is told every sleep. */
export class VirtualClock implements Clock {
  readonly #scale: number | null;
  readonly #jumps: boolean;
  readonly #start = performance.now();
  readonly #sleepers: Sleeper[] = [];
  #wall: number;
  #offset = 0;
  #awake = 0;
  #changes = 0;

  constructor(
    options: ClockOptions,
    private readonly note: (seconds: number) => void,
  ) {
    this.#scale = options.scale ?? null;
    this.#wall = options.wall ?? 1_800_000_000;
    this.#jumps = options.jump ?? true;
  }

  /** Virtual seconds since the scenario began. */
  now(): number {
    const real = (performance.now() - this.#start) / 1000;
    return this.#offset + (this.#scale === null ? 0 : real / this.#scale);
  }

  /** The time of day that goes with `now`. */
  wall(): number {
    return this.#wall + this.now();
  }

  /** Let the time of day jump; `now` does not notice. */
  jumpWall(seconds: number): void {
    this.#wall += seconds;
  }

  real(seconds: number | null): number | null {
    return seconds === null || this.#scale === null ? seconds : seconds * this.#scale;
  }

  begin(): void {
    this.#awake += 1;
  }

  end(): void {
    this.#awake -= 1;
    this.#settle();
  }

  async sleep(seconds: number, signal: AbortSignal): Promise<void> {
    this.note(seconds);
    await this.#pause(seconds, null, signal);
  }

  async wait(event: Signal, seconds: number | null, signal: AbortSignal): Promise<void> {
    await this.#pause(seconds, event, signal);
  }

  /**
   * Do something at a time from now; the result takes it back.
   *
   * With `hold`, time does not jump between the action and taking it back.
   */
  watch(seconds: number, action: () => void, hold: boolean): () => void {
    let released = false;
    const release = (): void => {
      if (!released) {
        released = true;
        this.end();
      }
    };
    const sleeper = this.#sleeper(seconds, null, () => {
      action();
      if (!hold) {
        release();
      }
    });
    return () => {
      if (!sleeper.woken) {
        this.#mark(sleeper);
      }
      release();
    };
  }

  #sleeper(seconds: number | null, event: Signal | null, rouse: () => void): Sleeper {
    const wake = seconds === null ? Infinity : this.now() + seconds;
    const sleeper: Sleeper = { wake, event, woken: false, rouse, timer: undefined };
    if (this.#scale !== null && wake !== Infinity) {
      sleeper.timer = setTimeout(() => {
        this.#rouse(sleeper);
      }, this.#realTo(wake));
    }
    this.#sleepers.push(sleeper);
    return sleeper;
  }

  #realTo(wake: number): number {
    return Math.max(0, (wake - this.now()) * (this.#scale ?? 0) * 1000);
  }

  #pause(seconds: number | null, event: Signal | null, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      return Promise.reject(asError(signal.reason));
    }
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        if (!sleeper.woken) {
          this.#mark(sleeper);
          reject(asError(signal.reason));
        }
      };
      const sleeper = this.#sleeper(seconds, event, () => {
        signal.removeEventListener("abort", stop);
        resolve();
      });
      signal.addEventListener("abort", stop, { once: true });
      this.#awake -= 1;
      void event?.promise.then(() => {
        this.#rouse(sleeper);
      });
      this.#settle();
    });
  }

  #mark(sleeper: Sleeper): void {
    sleeper.woken = true;
    clearTimeout(sleeper.timer);
    this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
    this.#awake += 1;
  }

  #rouse(sleeper: Sleeper): void {
    if (!sleeper.woken) {
      this.#mark(sleeper);
      sleeper.rouse();
    }
  }

  /** Advance once the loop had its turns and still nobody is awake. */
  #settle(): void {
    this.#changes += 1;
    if (this.#awake <= 0) {
      this.#hop(this.#changes, HOPS);
    }
  }

  #hop(change: number, hops: number): void {
    if (change !== this.#changes || this.#awake > 0) {
      return;
    }
    if (hops > 0) {
      setImmediate(() => {
        this.#hop(change, hops - 1);
      });
      return;
    }
    const sleeper = this.#next();
    if (sleeper !== null) {
      this.#offset += Math.max(0, sleeper.wake - this.now());
      this.#rouse(sleeper);
    }
  }

  /** Who may be woken by a jump now, if anyone; of two at the same time who fell asleep first. */
  #next(): Sleeper | null {
    if (this.#awake > 0 || !this.#jumps || this.#sleepers.some((one) => one.event?.isSet === true)) {
      return null;
    }
    let first: Sleeper | null = null;
    for (const sleeper of this.#sleepers) {
      if (sleeper.wake < (first?.wake ?? Infinity)) {
        first = sleeper;
      }
    }
    return first;
  }
}
