/**
 * Which models share a limit.
 *
 * Rules:
 * - A limit's `models` is a pattern, and names a family; all limits of the same pattern belong to it.
 * - A model belongs to the first pattern, in the order of declaration, that matches its whole name; `*` stands
 *   for any text, every other character for itself.
 * - Limits without a pattern hold for each model that belongs to no family, on its own.
 */

import type { Limit } from "./model.js";

/** The pattern of the family that a model belongs to; null for a model on its own. */
export function familyOf(model: string, limits: readonly Limit[]): string | null {
  const found = limits.find((limit) => limit.models !== null && matches(limit.models, model));
  return found?.models ?? null;
}

/** The limits of a family, or those of each model without one. */
export function limitsOf(family: string | null, limits: readonly Limit[]): readonly Limit[] {
  return limits.filter((limit) => limit.models === family);
}

/** Whether a pattern covers a model's name; linear in both, as each part takes its first place. */
export function matches(pattern: string, model: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) {
    return pattern === model;
  }
  if (!model.startsWith(first) || !model.endsWith(last) || model.length < first.length + last.length) {
    return false;
  }
  const middle = model.slice(first.length, model.length - last.length);
  let at = 0;
  for (const part of rest) {
    const found = middle.indexOf(part, at);
    if (found < 0) {
      return false;
    }
    at = found + part.length;
  }
  return true;
}
