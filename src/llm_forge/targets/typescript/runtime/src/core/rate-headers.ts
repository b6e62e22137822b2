/**
 * What a response says about the provider's rate limits.
 *
 * Rules:
 * - A family is read whole or not at all: one malformed field (negative, NaN, over-long, no number) makes the
 *   family unknown for this response, so a bad field never changes what is stored.
 * - Absolute resets (epoch, RFC 3339) are turned into a delay by the response's own Date, so the server's clock
 *   need not agree with ours.
 * - A family without a reset header, but with a period, is taken to refill evenly over that period: where its
 *   window ends is not known, and an even refill neither floods the server nor locks a client out for a month.
 * - `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) are read from every provider.
 */

import { parseDuration, parseNumber } from "./durations.js";
import type { Headers } from "./headers.js";
import type { LimitHeaders, LimitUnit, ResetForm, ResetMeaning } from "./profile.js";
import { parseItems } from "./structured-fields.js";
import { parseRfc3339, serverNow } from "./timestamps.js";

/**
 * One family as a response reports it; what is unknown is null.
 *
 * `resetsAt` is an absolute monotonic instant: the end of the window, or when the family will have refilled to
 * its limit.
 */
export interface Observed {
  readonly family: string;
  readonly unit: LimitUnit;
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly resetsAt: number | null;
  readonly meaning: ResetMeaning;
}

/** A field of the family is present and makes no sense. */
const MALFORMED = Symbol("malformed");
type Read = number | null | typeof MALFORMED;

/**
 * The families that the response reports, in the descriptor's order, then the IETF fields.
 *
 * `now` is monotonic and `wallNow` the local wall clock, both in seconds. Never throws.
 */
export function observe(
  headers: Headers,
  limits: readonly LimitHeaders[],
  now: number,
  wallNow: number,
): readonly Observed[] {
  const reported = limits.filter((entry) => headers.has(entry.limit) || headers.has(entry.remaining));
  const standard = headers.has("ratelimit") ? standardFields(headers, now) : [];
  if (reported.length === 0) {
    return standard;
  }
  const server = serverNow(headers, wallNow);
  const found = reported.map((entry) => familyIn(headers, entry, now, server));
  return [...found.filter((one) => one !== null), ...standard];
}

/**
 * The families of a throttled answer, none of them exhausted for longer than the wait it asks for.
 *
 * Where an answer has Retry-After and a reset, Retry-After is the one that is meant
 * (draft-ietf-httpapi-ratelimit-headers, "Retry-After").
 */
export function shortened(observed: readonly Observed[], until: number): readonly Observed[] {
  return observed.map((one) =>
    one.remaining === 0 && one.resetsAt !== null ? { ...one, resetsAt: Math.min(one.resetsAt, until) } : one,
  );
}

function familyIn(headers: Headers, entry: LimitHeaders, now: number, server: number): Observed | null {
  const limit = amountIn(headers.get(entry.limit));
  const remaining = amountIn(headers.get(entry.remaining));
  const told = resetIn(headers, entry, server);
  if (limit === MALFORMED || remaining === MALFORMED || told === MALFORMED) {
    return null;
  }
  if (remaining === null && limit === null) {
    return null;
  }
  const even = entry.reset === undefined;
  const delay = even ? evenRefill(limit, remaining, entry.period ?? null) : told;
  const meaning = even ? "refill" : (entry.resetMeaning ?? "window");
  const resetsAt = delay === null ? null : now + delay;
  return { family: entry.family, unit: entry.unit, limit, remaining, resetsAt, meaning };
}

/** Seconds until the family is full, if it gains its limit in a period. */
function evenRefill(limit: number | null, remaining: number | null, period: number | null): number | null {
  if (limit === null || limit === 0 || remaining === null || period === null) {
    return null;
  }
  return (period * Math.max(limit - remaining, 0)) / limit;
}

function amountIn(text: string | null): Read {
  return text === null ? null : (parseNumber(text) ?? MALFORMED);
}

/** Seconds to the reset; null where the response does not say. */
function resetIn(headers: Headers, entry: LimitHeaders, server: number): Read {
  const text = entry.reset === undefined ? null : headers.get(entry.reset);
  if (text === null) {
    return null;
  }
  const delay = delayOf(text, entry.resetForm ?? "duration", server);
  return delay === null ? MALFORMED : Math.max(delay, 0);
}

function delayOf(text: string, form: ResetForm, server: number): number | null {
  if (form === "duration") {
    return parseDuration(text);
  }
  if (form === "seconds") {
    return parseNumber(text);
  }
  const at = form === "epoch" ? parseNumber(text) : parseRfc3339(text);
  return at === null ? null : at - server;
}

function standardFields(headers: Headers, now: number): readonly Observed[] {
  const policies = new Map(
    parseItems(headers.getAll("ratelimit-policy")).map((one) => [one.name, one.parameters]),
  );
  return parseItems(headers.getAll("ratelimit")).flatMap(({ name, parameters }) => {
    const policy = policies.get(name);
    const remaining = parseNumber(parameters.get("r"));
    const delay = parseNumber(parameters.get("t"));
    if (remaining === null) {
      return [];
    }
    const resetsAt = delay === null ? null : now + delay;
    const limit = parseNumber(policy?.get("q"));
    const unit = unitOf(policy?.get("qu") ?? "requests");
    return [{ family: `ratelimit:${name}`, unit, limit, remaining, resetsAt, meaning: "window" as const }];
  });
}

function unitOf(word: string): LimitUnit {
  return word === "requests" || word === "tokens" ? word : "other";
}
