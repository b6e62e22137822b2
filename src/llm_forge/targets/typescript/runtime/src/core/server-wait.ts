/** How long a server asks us to wait. */

import { parseNumber, trimmed } from "./durations.js";
import type { Headers } from "./headers.js";
import type { LimitHeaders } from "./profile.js";
import { observe } from "./rate-headers.js";
import { THROTTLING_STATUSES } from "./retry.js";
import { parseHttpDate, serverNow } from "./timestamps.js";

/**
 * Seconds of the first valid of `retry-after-ms` and `Retry-After`; null if there is none.
 *
 * A date is taken relative to the response's own Date, else to `wallNow`. Negative, unparsable and over-long
 * values count as absent; 0 is a valid answer and means no wait.
 */
export function retryAfter(headers: Headers, wallNow: number): number | null {
  for (const text of headers.getAll("retry-after-ms")) {
    const milliseconds = parseNumber(text);
    if (milliseconds !== null) {
      return milliseconds / 1000;
    }
  }
  for (const text of headers.getAll("retry-after")) {
    const seconds = secondsOf(text, headers, wallNow);
    if (seconds !== null) {
      return seconds;
    }
  }
  return null;
}

/**
 * Seconds to wait before the next attempt, null where the server asks for none (0 included).
 *
 * Without a valid `Retry-After`, a throttling status (429, 498, 529) takes the reset of its exhausted families,
 * the latest of several; the whole reset, whatever its meaning. A 2xx status asks for nothing, whatever
 * its fields say.
 */
export function serverWait(
  headers: Headers,
  status: number,
  limits: readonly LimitHeaders[],
  wallNow: number,
): number | null {
  if (status < 300) {
    return null;
  }
  const told = retryAfter(headers, wallNow);
  const wait =
    told === null && THROTTLING_STATUSES.has(status) ? longestReset(headers, limits, wallNow) : told;
  return wait === 0 ? null : wait;
}

/** The server's own word in `x-should-retry`; null if it gives none. */
export function shouldRetry(headers: Headers): boolean | null {
  const word = trimmed(headers.get("x-should-retry") ?? "").toLowerCase();
  return word === "true" || word === "false" ? word === "true" : null;
}

function secondsOf(text: string, headers: Headers, wallNow: number): number | null {
  const plain = parseNumber(text);
  if (plain !== null) {
    return plain;
  }
  const at = parseHttpDate(text, wallNow);
  const delay = at === null ? null : at - serverNow(headers, wallNow);
  return delay !== null && delay >= 0 ? delay : null;
}

function longestReset(headers: Headers, limits: readonly LimitHeaders[], wallNow: number): number | null {
  const exhausted = observe(headers, limits, 0, wallNow).filter((one) => one.remaining === 0);
  const resets = exhausted.map((one) => one.resetsAt).filter((at) => at !== null);
  return resets.length === 0 ? null : Math.max(...resets);
}
