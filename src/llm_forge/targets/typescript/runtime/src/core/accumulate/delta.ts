/**
 * Growing JSON: deltas of unknown shape put together by their type.
 *
 * Strings concatenate, numbers and booleans replace, lists append, objects merge; null changes nothing that is
 * there. Names that label instead of carrying text (`id`, `type`, `role`) keep their first value.
 */

import type { JsonObject } from "../json.js";
import { isObject as isJsonObject, own, put } from "../json.js";

const FIRST_WINS: ReadonlySet<string> = new Set(["id", "type", "role"]);
// Groq labels every chunk with the channel it belongs to.
const LAST_WINS: ReadonlySet<string> = new Set(["channel"]);

/** A string that is still growing. */
export class Growing {
  constructor(public text: string) {}

  /** Add a piece; engines keep pieces apart until somebody looks, so that n of them cost n. */
  append(piece: string): void {
    this.text += piece;
  }
}

/** Whether a value is an object of JSON, and not a growing string. */
export function isObject(value: unknown): value is JsonObject {
  return isJsonObject(value) && !(value instanceof Growing);
}

/** Whether a value says anything, as most languages' conditions see it: empty lists and objects do not. */
export function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.length > 0;
  }
  return isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** Add one delta object to a growing object. */
export function merge(target: JsonObject, delta: JsonObject): void {
  for (const [name, value] of Object.entries(delta)) {
    mergeField(target, name, value);
  }
}

/** Add one field of a delta. */
export function mergeField(target: JsonObject, name: string, value: unknown): void {
  if (typeof value === "string") {
    addString(target, name, value);
  } else if (value === null) {
    setDefault(target, name, null);
  } else {
    put(target, name, grown(own(target, name), value));
  }
}

/** Set a field that is not there yet. */
export function setDefault(target: JsonObject, name: string, value: unknown): void {
  if (!Object.hasOwn(target, name)) {
    put(target, name, value);
  }
}

function addString(target: JsonObject, name: string, value: string): void {
  const old = own(target, name);
  if (FIRST_WINS.has(name)) {
    if (!isTruthy(old)) {
      target[name] = value;
    }
  } else if (old instanceof Growing) {
    old.append(value);
  } else if (LAST_WINS.has(name)) {
    target[name] = value;
  } else {
    put(target, name, grown(old, value));
  }
}

/** What a growing value becomes with one more part; `value` itself is never changed. */
export function grown(old: unknown, value: unknown): unknown {
  if (isObject(value)) {
    const target = isObject(old) ? old : {};
    merge(target, value);
    return target;
  }
  if (Array.isArray(value)) {
    if (!Array.isArray(old)) {
      return [...(value as readonly unknown[])];
    }
    old.push(...(value as readonly unknown[]));
    return old;
  }
  return typeof value === "string" ? new Growing(value) : value;
}

/** A fresh plain JSON value of a growing one. */
export function settled(value: unknown): unknown {
  if (value instanceof Growing) {
    return value.text;
  }
  if (Array.isArray(value)) {
    return value.map(settled);
  }
  return isObject(value) ? settledObject(value) : value;
}

/** A fresh plain JSON object of a growing one. */
export function settledObject(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, settled(entry)]));
}

/** The keys of a map, in rising order. */
export function ascending(keys: Iterable<number>): number[] {
  return [...keys].sort((one, other) => one - other);
}

/** A whole number that stands at a field, null if none does. */
export function indexIn(data: JsonObject, name: string): number | null {
  const index = data[name];
  return typeof index === "number" && Number.isInteger(index) ? index : null;
}
