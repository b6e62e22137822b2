/** Giving up a wait when an AbortSignal fires. */

import { asError } from "./clock.js";

/** What `work` brings, or the signal's reason as soon as it fires; the work itself goes on unheard. */
export function abortable<T>(work: T | PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    function stop(): void {
      reject(asError(signal.reason));
    }
    function settle(): void {
      signal.removeEventListener("abort", stop);
    }
    if (signal.aborted) {
      stop();
      void Promise.resolve(work).catch(ignore);
      return;
    }
    signal.addEventListener("abort", stop, { once: true });
    Promise.resolve(work).then(resolve, reject).finally(settle).catch(ignore);
  });
}

/** For a promise whose failure somebody else has been told of. */
export function ignore(): undefined {
  return undefined;
}
