/**
 * JSON in and out, with the limits and checks that every body needs.
 *
 * Rules of this file:
 * - Integers that a double cannot hold are `bigint`, in both directions; all other numbers are numbers.
 * - The engine's own parser does the work; ours only reads the rare text that it would read wrongly.
 * - What the engine's own writer does not refuse is looked for only where its output shows that it may be there.
 */

import { InvalidRequestError } from "./errors.js";
import { JsonError, MAX_DEPTH, parseExact, writeExact } from "./json-exact.js";
import { Secret } from "./secrets.js";

export { JsonError } from "./json-exact.js";

export type JsonObject = Record<string, unknown>;

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Set a field whatever its name is: `__proto__` is a name like any other. */
export function put(target: JsonObject, name: string, value: unknown): void {
  if (name === "__proto__") {
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
  } else {
    target[name] = value;
  }
}

/** An object's own field, undefined if there is none. */
export function own(value: JsonObject, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

// A number that a double may not hold, or that is beyond one.
const DELICATE = /[0-9]{16}|[0-9][eE]\+?[0-9]{3}/;

/**
 * The JSON value of a text; the last of duplicate keys wins, a byte order mark is skipped.
 *
 * JsonError, and nothing else: also for NaN and Infinity, numbers of more than 1,000 digits or beyond a double,
 * and nesting deeper than 200.
 */
export function decode(text: string): unknown {
  const bare = text.startsWith("\ufeff") ? text.slice(1) : text;
  if (bare.length > 2 * MAX_DEPTH && mayBeDeep(bare)) {
    return parseExact(bare);
  }
  if (bare.length >= 5 && DELICATE.test(bare)) {
    return parseExact(bare);
  }
  try {
    return JSON.parse(bare) as unknown;
  } catch (error) {
    throw new JsonError(reasonOf(error));
  }
}

/** Whether there are more opening brackets than levels are allowed, in strings or not. */
function mayBeDeep(text: string): boolean {
  return countUpTo(text, "[", MAX_DEPTH) + countUpTo(text, "{", MAX_DEPTH) > MAX_DEPTH && isDeep(text);
}

function countUpTo(text: string, char: string, most: number): number {
  let count = 0;
  for (let at = text.indexOf(char); at >= 0 && count <= most; at = text.indexOf(char, at + 1)) {
    count += 1;
  }
  return count;
}

/** Whether brackets nest too deep; those inside strings do not count. */
function isDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (inString) {
      at += Number(char === 0x5c);
      inString = char !== 0x22;
    } else if (char === 0x22) {
      inString = true;
    } else if (char === 0x5b || char === 0x7b) {
      depth += 1;
      if (depth > MAX_DEPTH) {
        return true;
      }
    } else if (char === 0x5d || char === 0x7d) {
      depth -= 1;
    }
  }
  return false;
}

/** One line without an excerpt of the text, which could be a secret. */
function reasonOf(error: unknown): string {
  const position = error instanceof Error ? /position [0-9]+/.exec(error.message) : null;
  return position === null ? "malformed or cut short" : `malformed at ${position[0]}`;
}

/** Whether a text is JSON. */
export function isJson(text: string): boolean {
  try {
    decode(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The JSON text of a request body, keys in their order; a field that is undefined is left out.
 *
 * InvalidRequestError naming the dotted path of what cannot be sent: NaN, Infinity, lone surrogates, circular
 * values, functions and symbols.
 */
export function encode(value: unknown): string {
  const text = written(value);
  if (text === undefined) {
    throw new InvalidRequestError(problemOf(value, "") ?? "the request body cannot be sent as JSON");
  }
  // The engine writes null for NaN and Infinity, and an escape for half a pair.
  if (text.includes("null") || text.includes("\\ud")) {
    const problem = problemOf(value, "");
    if (problem !== null) {
      throw new InvalidRequestError(problem);
    }
  }
  return text;
}

function written(value: unknown): string | undefined {
  try {
    return stringify(value);
  } catch (error) {
    // The engine's writer refuses a bigint, and so it does what is circular.
    const exact = error instanceof TypeError ? writeExact(value) : undefined;
    if (exact === undefined) {
      throw new InvalidRequestError("the request body is circular or nested too deep");
    }
    return exact;
  }
}

/** What the engine's writer makes of a value; undefined for one that JSON has no word for, which its type hides. */
function stringify(value: unknown): string | undefined {
  return JSON.stringify(value);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** One line for the first part of `value` that is not JSON, null if there is none. */
function problemOf(value: unknown, path: string): string | null {
  const where = path === "" ? "the request body" : path;
  switch (typeof value) {
    case "string":
      return LONE_SURROGATE.test(value) ? `${where} has a lone surrogate, which UTF-8 cannot carry` : null;
    case "number":
      return Number.isFinite(value) ? null : `${where} is ${value}, which JSON cannot carry`;
    case "function":
    case "symbol":
      return `${where} is a ${typeof value}, which cannot be sent as JSON`;
    case "object":
      return value === null || value instanceof Secret ? null : problemInside(value, path);
    default:
      return null;
  }
}

function problemInside(value: object, path: string): string | null {
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return null; // its own writer has been asked
  }
  for (const [name, entry] of Object.entries(value)) {
    if (LONE_SURROGATE.test(name)) {
      return `${path === "" ? "the request body" : path} has a key with a lone surrogate, which UTF-8 cannot carry`;
    }
    const problem = problemOf(entry, path === "" ? name : `${path}.${name}`);
    if (problem !== null) {
      return problem;
    }
  }
  return null;
}

/** JSON to show to people; what JSON has no word for is shown as text. */
export function show(value: unknown): string {
  try {
    return stringify(value) ?? String(value);
  } catch {
    return writeExact(value) ?? String(value);
  }
}
