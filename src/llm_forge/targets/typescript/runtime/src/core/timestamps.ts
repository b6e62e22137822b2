/**
 * Instants in header fields, as seconds since the epoch: HTTP dates (RFC 9110 section 5.6.7) and RFC 3339.
 *
 * Written out because the language's own reader accepts too much.
 */

import { LONGEST_TEXT, trimmed } from "./durations.js";
import type { Headers } from "./headers.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTH = `(?<month>${MONTHS.join("|")})`;
const CLOCK = "(?<hour>[0-9]{2}):(?<minute>[0-9]{2}):(?<second>[0-9]{2})";
const HTTP_DATES = [
  new RegExp(`^[A-Z][a-z]{2}, (?<day>[0-9]{2}) ${MONTH} (?<year>[0-9]{4}) ${CLOCK} GMT$`),
  new RegExp(`^[A-Z][a-z]{5,8}, (?<day>[0-9]{2})-${MONTH}-(?<year>[0-9]{2}) ${CLOCK} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} ${MONTH} (?<day>[ 0-9][0-9]) ${CLOCK} (?<year>[0-9]{4})$`),
];
const RFC3339 = new RegExp(
  `^(?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2})[Tt ]${CLOCK}(?<fraction>\\.[0-9]+)?` +
    "(?:[Zz]|(?<sign>[+-])(?<hours>[0-9]{2}):(?<minutes>[0-9]{2}))$",
);
const HALF_CENTURY = 50;

type Parts = Readonly<Record<string, string | undefined>>;

/**
 * The instant of an IMF-fixdate, RFC 850 or asctime date; null if it is none of them.
 *
 * `wallNow` decides the century of RFC 850's two-digit year: never more than 50 years ahead.
 */
export function parseHttpDate(text: string, wallNow: number): number | null {
  if (text.length > LONGEST_TEXT) {
    return null;
  }
  const bare = trimmed(text);
  for (const form of HTTP_DATES) {
    const part: Parts | undefined = form.exec(bare)?.groups;
    if (part !== undefined) {
      return instant(fullYear(part["year"] ?? "", wallNow), MONTHS.indexOf(part["month"] ?? ""), part);
    }
  }
  return null;
}

/** The instant of an RFC 3339 date-time with its offset; null if it is not one. */
export function parseRfc3339(text: string): number | null {
  const part: Parts | undefined =
    text.length > LONGEST_TEXT ? undefined : RFC3339.exec(trimmed(text))?.groups;
  if (part === undefined) {
    return null;
  }
  const minutes = number(part["hours"]) * 60 + number(part["minutes"]);
  const found = minutes >= 24 * 60 ? null : instant(number(part["year"]), number(part["month"]) - 1, part);
  if (found === null) {
    return null;
  }
  const offset = (part["sign"] === "-" ? -minutes : minutes) * 60;
  return found - offset + number(part["fraction"]);
}

/** The server's clock when it answered: its own Date, else our wall clock. */
export function serverNow(headers: Headers, wallNow: number): number {
  return parseHttpDate(headers.get("date") ?? "", wallNow) ?? wallNow;
}

function number(text: string | undefined): number {
  return Number(text ?? 0);
}

function fullYear(digits: string, wallNow: number): number {
  const year = Number(digits);
  if (digits.length === 4) {
    return year;
  }
  const thisYear = new Date(wallNow * 1000).getUTCFullYear();
  const full = year + thisYear - (thisYear % 100);
  return full > thisYear + HALF_CENTURY ? full - 100 : full;
}

/** `month` counts from 0. */
function instant(year: number, month: number, part: Parts): number | null {
  const [day, hour, minute, second] = ["day", "hour", "minute", "second"].map((name) => number(part[name]));
  const at = new Date(0);
  at.setUTCFullYear(year, month, day);
  at.setUTCHours(hour ?? 0, minute);
  const real =
    year >= 1 && at.getUTCMonth() === month && at.getUTCDate() === day && at.getUTCHours() === hour;
  // A leap second (60) is read as the start of the next minute.
  return real && at.getUTCMinutes() === minute && (second ?? 61) <= 60
    ? at.getTime() / 1000 + (second ?? 0)
    : null;
}
