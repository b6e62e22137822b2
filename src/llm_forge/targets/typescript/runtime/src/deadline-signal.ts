/** A deadline for a block of code: every call that is given its signal ends by then. */

import type { Clock } from "./clock.js";
import { milliseconds, SystemClock } from "./clock.js";
import { Deadline } from "./core/deadline.js";
import { checkSeconds } from "./core/durations.js";
import { DeadlineExceededError } from "./core/errors.js";

interface Ends {
  readonly clock: Clock;
  readonly at: number;
}

const ENDS = new WeakMap<AbortSignal, Ends>();

/**
 * An AbortSignal that fires so many seconds from now, for any number of calls: `{ signal: deadline(30) }`.
 *
 * Our calls take the time from it and end with DeadlineExceededError, by the earlier of it and their own
 * `timeout`; everything else sees an ordinary signal. ConfigError for a duration that cannot be. `clock` is for
 * tests.
 */
export function deadline(seconds: number, clock?: Clock): AbortSignal {
  checkSeconds("deadline", seconds);
  const own = clock ?? new SystemClock();
  const controller = new AbortController();
  ENDS.set(controller.signal, { clock: own, at: own.now() + seconds });
  if (clock === undefined) {
    const timer: unknown = setTimeout(() => {
      controller.abort(new DeadlineExceededError(`The deadline of ${seconds} s passed`));
    }, milliseconds(seconds));
    letExit(timer);
  }
  return controller.signal;
}

/** Nobody's program stays alive for a timer of ours. */
export function letExit(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer) {
    (timer as { unref: () => void }).unref();
  }
}

/** The deadline that a signal carries, none for all others. */
export function deadlineIn(signal: AbortSignal | null, now: number): Deadline {
  const ends = signal === null ? undefined : ENDS.get(signal);
  return new Deadline(ends === undefined ? null : now + ends.at - ends.clock.now());
}

/** Whether a signal only carries a deadline, which the call watches itself. */
export function isDeadline(signal: AbortSignal): boolean {
  return ENDS.has(signal);
}
