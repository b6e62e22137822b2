/**
 * Tool calls of one choice, put together from their deltas.
 *
 * A delta belongs to the call of its `index`; without one, to the call of its `id`; without both, several entries
 * of one delta are told apart by position, and a single entry continues the latest call, unless it brings a name
 * although that call's arguments are complete already.
 */

import type { JsonObject } from "../json.js";
import { isJson } from "../json.js";
import {
  ascending,
  Growing,
  indexIn,
  isObject,
  isTruthy,
  merge,
  mergeField,
  settledObject,
} from "./delta.js";

/** One tool call, growing. */
export class ToolCall {
  readonly #fields: JsonObject = {};

  /** Add one delta; its `index` is bookkeeping of the stream and not kept. */
  add(entry: JsonObject): void {
    for (const [name, value] of Object.entries(entry)) {
      if (name === "function" && isObject(value)) {
        this.#addFunction(value);
      } else if (name !== "index") {
        mergeField(this.#fields, name, value);
      }
    }
  }

  #addFunction(delta: JsonObject): void {
    const known = this.#fields["function"];
    const target = isObject(known) ? known : {};
    this.#fields["function"] = target;
    const repeats = isTruthy(delta["name"]) && target["name"] !== undefined && repeatsName(target, delta);
    merge(target, repeats ? withoutName(delta) : delta);
  }

  /** The argument text so far; some providers send the decoded object instead. */
  arguments(): unknown {
    const known = this.#fields["function"];
    const given = isObject(known) ? known["arguments"] : undefined;
    return given instanceof Growing ? given.text : given;
  }

  /** Whether the arguments are JSON; a call without argument text has none to judge. */
  isValid(): boolean {
    const given = this.arguments();
    return typeof given === "string" ? isJson(given) : true;
  }

  /** Whether the arguments are a complete JSON object, which nothing can continue. */
  isWhole(): boolean {
    const given = this.arguments();
    if (typeof given !== "string") {
      return given !== undefined && given !== null;
    }
    return given.trimStart().startsWith("{") && isJson(given);
  }

  /** The call as the unary form has it, marked where it is incomplete or its arguments are no JSON. */
  shown(unfinished: boolean): JsonObject {
    const shown = settledObject(this.#fields);
    if (unfinished && !this.isWhole()) {
      shown["complete"] = false;
    } else if (!this.isValid()) {
      shown["arguments_valid"] = false;
    }
    return shown;
  }
}

/** All calls of one choice. */
export class ToolCalls {
  readonly #calls = new Map<number, ToolCall>();
  readonly #byId = new Map<string, number>();
  #latest: number | null = null;

  /** Add the `tool_calls` of one delta. */
  add(entries: readonly unknown[]): void {
    entries.forEach((entry, position) => {
      if (isObject(entry)) {
        this.#callOf(entry, position, entries.length).add(entry);
      }
    });
  }

  /** The calls in index order. */
  ordered(): readonly ToolCall[] {
    return ascending(this.#calls.keys()).flatMap((key) => this.#calls.get(key) ?? []);
  }

  #callOf(entry: JsonObject, position: number, count: number): ToolCall {
    const key = indexIn(entry, "index") ?? this.#keyWithoutIndex(entry, position, count);
    const id = idOf(entry);
    if (id !== null && !this.#byId.has(id)) {
      this.#byId.set(id, key);
    }
    this.#latest = key;
    const call = this.#calls.get(key) ?? new ToolCall();
    this.#calls.set(key, call);
    return call;
  }

  #keyWithoutIndex(entry: JsonObject, position: number, count: number): number {
    const id = idOf(entry);
    if (id !== null) {
      return this.#byId.get(id) ?? this.#nextKey();
    }
    if (count > 1) {
      return position;
    }
    const latest = this.#latest === null ? undefined : this.#calls.get(this.#latest);
    return this.#latest === null || beginsNew(entry, latest) ? this.#nextKey() : this.#latest;
  }

  #nextKey(): number {
    return Math.max(-1, ...this.#calls.keys()) + 1;
  }
}

function idOf(entry: JsonObject): string | null {
  const { id } = entry;
  return typeof id === "string" && id !== "" ? id : null;
}

function beginsNew(entry: JsonObject, call: ToolCall | undefined): boolean {
  const named = isObject(entry["function"]) && isTruthy(entry["function"]["name"]);
  return named && call?.isWhole() === true;
}

/** A further fragment before any argument belongs to the name; a repetition does not. */
function repeatsName(target: JsonObject, delta: JsonObject): boolean {
  const name = target["name"] instanceof Growing ? target["name"].text : target["name"];
  const given = target["arguments"];
  const begun = given instanceof Growing ? given.text !== "" : isTruthy(given);
  return isTruthy(name) && (delta["name"] === name || begun);
}

function withoutName(delta: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(delta).filter(([field]) => field !== "name"));
}
