/** Time, as something a client is given: the system's, or a virtual one in tests. */

/** Something that is waited for; once set it stays set. */
export class Signal {
  readonly promise: Promise<void>;
  isSet = false;
  #resolve: () => void = nothing;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Wake whoever waits. */
  set(): void {
    this.isSet = true;
    this.#resolve();
  }
}

function nothing(): void {
  // Replaced at once by the promise's own function.
}

/**
 * A client's time. `now` is monotonic seconds, `wall` seconds since the epoch.
 *
 * Waits reject with the AbortSignal's reason when it fires. `real` says how long a socket really waits for a
 * timer of that many clock seconds: a virtual clock runs faster than the network. `begin` and `end` say that
 * work of the client's own takes part from now on, and no more.
 */
export interface Clock {
  now(): number;
  wall(): number;
  sleep(seconds: number, signal: AbortSignal): Promise<void>;
  /** Wait until `event` is set or the time is over; null waits for the event alone. */
  wait(event: Signal, seconds: number | null, signal: AbortSignal): Promise<void>;
  begin(): void;
  end(): void;
  real(seconds: number | null): number | null;
}

/** Milliseconds; a longer timer fires at once in every JavaScript engine. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The milliseconds of a timer of so many seconds. */
export function milliseconds(seconds: number): number {
  return Math.min(Math.ceil(seconds * 1000), LONGEST_TIMER);
}

/** The system's clock. */
export class SystemClock implements Clock {
  now(): number {
    return performance.now() / 1000;
  }

  wall(): number {
    return Date.now() / 1000;
  }

  async sleep(seconds: number, signal: AbortSignal): Promise<void> {
    await this.wait(new Signal(), seconds, signal);
  }

  wait(event: Signal, seconds: number | null, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = seconds === null ? undefined : setTimeout(finish, milliseconds(seconds));
      function finish(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        resolve();
      }
      function stop(): void {
        clearTimeout(timer);
        reject(asError(signal.reason));
      }
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener("abort", stop, { once: true });
      void event.promise.then(finish);
    });
  }

  begin(): void {
    // The system's time flows whoever takes part.
  }

  end(): void {
    // Nor does it stop.
  }

  real(seconds: number | null): number | null {
    return seconds;
  }
}

/** What an AbortSignal's reason is thrown as: itself. It may be anything, by the language's own rules. */
export function asError(reason: unknown): Error {
  return reason as Error;
}
