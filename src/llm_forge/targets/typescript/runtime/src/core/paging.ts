/**
 * Which page of a list follows an answer.
 *
 * Rules of this file:
 * - A list ends where the answer says so, or where a page is empty; an answer that says there is more, and not
 *   where, is an error: a list is never silently short.
 * - Every step has a mark; a mark that comes again is a server that goes round in circles.
 */

import { InvalidResponseError } from "./errors.js";
import { isObject } from "./json.js";
import type { PageRule } from "./profile.js";

type Given = Readonly<Record<string, unknown>>;

/** The parameter to set for the next page, or the URL of it. */
export interface NextPage {
  readonly param: string;
  readonly value: unknown;
  readonly url: string;
}

/** What tells a step from every other. */
export function markOf(step: NextPage): string {
  return JSON.stringify([step.param, step.url === "" ? String(step.value) : step.url]);
}

/** What stands at a dotted path of JSON, undefined if nothing does. */
export function at(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split(".")) {
    found = isObject(found) ? found[name] : undefined;
  }
  return found;
}

/** The items of a page. */
export function itemsOf(rule: PageRule, answer: unknown): readonly unknown[] {
  const found = at(answer, rule.items);
  return Array.isArray(found) ? found : [];
}

/**
 * How to ask for the page after `answer`, null at the end; `given` are the parameters it was asked with.
 *
 * InvalidResponseError where more is announced and cannot be asked for.
 */
export function nextPage(rule: PageRule, answer: unknown, given: Given): NextPage | null {
  if (rule.more !== "" && !isTrue(at(answer, rule.more))) {
    return null;
  }
  switch (rule.style) {
    case "after-id":
    case "before-id":
      return byId(rule, itemsOf(rule, answer), given);
    case "cursor":
      return byCursor(rule, answer, given);
    case "page":
      return byNumber(rule, answer, given);
    case "link": {
      const url = at(answer, rule.next);
      return typeof url === "string" && url !== "" ? { param: "", value: null, url } : null;
    }
  }
}

function step(param: string, value: unknown): NextPage {
  return { param, value, url: "" };
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

function isTrue(value: unknown): boolean {
  return Boolean(value);
}

function byCursor(rule: PageRule, answer: unknown, given: Given): NextPage | null {
  const cursor = at(answer, rule.next);
  if (!isAbsent(cursor)) {
    return step(rule.param, cursor);
  }
  if (rule.otherwise !== null) {
    return nextPage(rule.otherwise, answer, given);
  }
  if (rule.more !== "") {
    throw new InvalidResponseError(`The list goes on, but there is no cursor at ${rule.next}`);
  }
  return null;
}

function byId(rule: PageRule, items: readonly unknown[], given: Given): NextPage | null {
  if (items.length === 0) {
    return null;
  }
  const asked = rule.before === "" ? undefined : given[rule.before];
  const backwards = rule.style === "before-id" || (asked !== undefined && asked !== null);
  const found = at(items[backwards ? 0 : items.length - 1], rule.id);
  if (found === undefined || found === null) {
    throw new InvalidResponseError(`The list goes on, but its item at the end has no ${rule.id}`);
  }
  return step(backwards && rule.before !== "" ? rule.before : rule.param, found);
}

function byNumber(rule: PageRule, answer: unknown, given: Given): NextPage | null {
  const items = itemsOf(rule, answer);
  if (items.length === 0) {
    return null;
  }
  const number = whole(given[rule.param], rule.start);
  const size = whole(given[rule.sizeParam], items.length);
  const total = rule.total === "" ? null : at(answer, rule.total);
  if (typeof total === "number" && (number - rule.start + 1) * size >= total) {
    return null;
  }
  return step(rule.param, number + 1);
}

function whole(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isInteger(value) ? value : otherwise;
}
