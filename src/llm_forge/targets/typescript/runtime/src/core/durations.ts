/** Durations as servers write them and as users give them (R-011, R-114). */

import { ConfigError } from "./errors.js";

/** Characters; a longer header value is not a duration (R-065). */
export const LONGEST_TEXT = 64;
export const SHORTEST = 0.001;

const NUMBER = /^[0-9]+(?:\.[0-9]+)?$/;
// Units in falling order, each at most once. Both ways to write the micro sign are in use.
const COUNT = String.raw`([0-9]+(?:\.[0-9]+)?)`;
const UNITS: readonly (readonly [string, number])[] = [
  ["h", 3600],
  ["m", 60],
  ["s", 1],
  ["ms", 1e-3],
  ["(?:us|\u00b5s|\u03bcs)", 1e-6],
  ["ns", 1e-9],
];
const COMPOUND = new RegExp(`^${UNITS.map(([unit]) => `(?:${COUNT}${unit})?`).join("")}$`);

/** A plain non-negative decimal number, null for anything else: signs, exponents, NaN, over-long text. */
export function parseNumber(text: string | null | undefined): number | null {
  if (text === null || text === undefined || text.length > LONGEST_TEXT) {
    return null;
  }
  const bare = trimmed(text);
  return NUMBER.test(bare) ? Number(bare) : null;
}

/** Seconds of a duration such as `1h2m3s`, `106.66ms` or `60`; null if it is not one (R-114). */
export function parseDuration(text: string): number | null {
  const plain = parseNumber(text);
  if (plain !== null || text.length > LONGEST_TEXT) {
    return plain;
  }
  const bare = trimmed(text);
  const found = bare === "" ? null : COMPOUND.exec(bare);
  if (found === null) {
    return null;
  }
  return UNITS.reduce((sum, [, seconds], at) => sum + Number(found[at + 1] ?? 0) * seconds, 0);
}

/** The text without the spaces and tabs around it, as a field value has them (RFC 9110 section 5.5). */
export function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

/**
 * The value in seconds, if the option `name` may have it; ConfigError otherwise (R-011).
 *
 * Allowed are finite numbers from 0.001 (1 ms) up, and null where the option documents it.
 */
export function checkSeconds(name: string, value: unknown, allowNull = false): void {
  if (value === null && allowNull) {
    return;
  }
  if (typeof value === "number" && Number.isFinite(value) && value >= SHORTEST) {
    return;
  }
  const none = allowNull ? ", or null for no limit" : "";
  throw new ConfigError(
    `${name} must be a number of seconds of at least ${SHORTEST}${none}, not ${String(value)}`,
  );
}
