/**
 * Which required fields an answer lacks.
 *
 * A field is required if the description says so; null counts as present.
 */

import { isObject } from "./json.js";
import type { Shape } from "./profile.js";

/** How many required fields of the object itself are missing. */
export function lacksAtTop(shape: Shape, value: unknown): number {
  return isObject(value) ? (shape.required ?? []).filter((name) => !Object.hasOwn(value, name)).length : 0;
}

/** The dotted path of every required field that is missing in a value, or in anything inside it. */
export function* missingPaths(shape: Shape, value: unknown, path = ""): Generator<string> {
  if (Array.isArray(value)) {
    yield* missingInEach(shape, value.entries(), path);
    return;
  }
  if (!isObject(value)) {
    return;
  }
  for (const name of shape.required ?? []) {
    if (!Object.hasOwn(value, name)) {
      yield path + name;
    }
  }
  for (const [name, inner] of Object.entries(shape.fields ?? {})) {
    if (Object.hasOwn(value, name)) {
      yield* missingPaths(inner(), value[name], `${path}${name}.`);
    }
  }
  if (shape.items !== undefined) {
    yield* missingInEach(shape, Object.entries(value), path);
  }
}

function* missingInEach(
  shape: Shape,
  entries: Iterable<readonly [number | string, unknown]>,
  path: string,
): Generator<string> {
  const inner = shape.items?.();
  for (const [name, entry] of inner === undefined ? [] : entries) {
    yield* missingPaths(inner ?? {}, entry, `${path}${name}.`);
  }
}
