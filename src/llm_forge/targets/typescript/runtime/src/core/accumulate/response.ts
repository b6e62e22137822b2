/**
 * The response family: typed events that build one Response, ended by `response.completed` or
 * `response.incomplete`, which bring the whole of it (R-160 to R-169 in this family's words).
 *
 * Decisions the rules leave open:
 * - The terminal event's response is the result; its output is ours only where it brings none.
 * - `response.failed` is an error event and no end of this accumulator's.
 * - Nothing is inferred: no event but the terminal one says that no further item follows.
 * - Items and parts that were never announced are begun by their first delta, so that no text is lost.
 * - A `done` event replaces what its deltas gave; unknown deltas are kept in the item's `extra`.
 */

import { StreamProtocolError } from "../errors.js";
import type { JsonObject } from "../json.js";
import { decode, isJson, own } from "../json.js";
import type { Accumulator, Completion } from "./accumulator.js";
import { ascending, Growing, indexIn, isObject, isTruthy, settled, settledObject } from "./delta.js";
import { parsePartial } from "./partial-json.js";

const TERMINAL: ReadonlySet<string> = new Set(["response.completed", "response.incomplete"]);
const STATUSES: ReadonlySet<string> = new Set([
  "in_progress",
  "searching",
  "interpreting",
  "generating",
  "completed",
  "failed",
]);
const TOOL_FIELDS = ["arguments", "input", "code"];

/** Where the text of an event grows: a field of the item, or of a part in one of its lists. */
interface TextPlace {
  readonly field: string;
  readonly parts?: string;
  readonly partType?: string;
}

const TEXTS: Readonly<Record<string, TextPlace>> = {
  "response.output_text": { field: "text", parts: "content", partType: "output_text" },
  "response.refusal": { field: "refusal", parts: "content", partType: "refusal" },
  "response.reasoning_text": { field: "text", parts: "content", partType: "reasoning_text" },
  "response.reasoning_summary_text": { field: "text", parts: "summary", partType: "summary_text" },
  "response.function_call_arguments": { field: "arguments" },
  "response.mcp_call_arguments": { field: "arguments" },
  "response.custom_tool_call_input": { field: "input" },
  "response.code_interpreter_call_code": { field: "code" },
};
const PARTS: Readonly<Record<string, string>> = {
  "response.content_part": "content",
  "response.reasoning_summary_part": "summary",
};

/** One output item, growing; `parts` are the entries of its lists by index. */
class Item {
  fields: JsonObject;
  #parts = new Map<string, Map<number, JsonObject>>();
  #done = false;

  constructor(start: JsonObject) {
    this.fields = { ...start };
  }

  /** Take the whole item, which replaces what its deltas gave. */
  finish(whole: JsonObject): void {
    this.fields = { ...whole };
    this.#parts = new Map();
    this.#done = true;
  }

  /** The part that an event is about, begun if need be. */
  part(name: string, data: JsonObject, partType: string): JsonObject {
    const parts = this.#listed(name);
    const index = indexIn(data, `${name}_index`) ?? 0;
    const found = parts.get(index) ?? { type: partType };
    parts.set(index, found);
    return found;
  }

  /** Take a part as an event gives it. */
  putPart(name: string, data: JsonObject): void {
    if (isObject(data["part"])) {
      this.#listed(name).set(indexIn(data, `${name}_index`) ?? 0, { ...data["part"] });
    }
  }

  #listed(name: string): Map<number, JsonObject> {
    const known = this.#parts.get(name);
    if (known !== undefined) {
      return known;
    }
    const given = this.fields[name];
    const parts = new Map<number, JsonObject>();
    (Array.isArray(given) ? given : []).forEach((one: unknown, at) => {
      if (isObject(one)) {
        parts.set(at, { ...one });
      }
    });
    this.#parts.set(name, parts);
    return parts;
  }

  /** The item as the unary form has it, marked where it is not complete. */
  shown(final: boolean): JsonObject {
    const shown = settledObject(this.fields);
    for (const [name, parts] of this.#parts) {
      shown[name] = ascending(parts.keys()).map((index) => settled(parts.get(index)));
    }
    if (!final && !this.#done) {
      shown["complete"] = false;
    }
    return shown;
  }
}

function append(target: JsonObject, field: string, text: string): void {
  const old = target[field];
  if (old instanceof Growing) {
    old.append(text);
  } else {
    target[field] = new Growing((typeof old === "string" ? old : "") + text);
  }
}

function addListed(target: JsonObject, field: string, entries: readonly unknown[]): void {
  const old = target[field];
  target[field] = Array.isArray(old) ? [...(old as readonly unknown[]), ...entries] : [...entries];
}

/** What stands before the last dot, and what after it. */
function split(kind: string): readonly [string, string] {
  const dot = kind.lastIndexOf(".");
  return [kind.slice(0, Math.max(dot, 0)), kind.slice(dot + 1)];
}

/** Accumulates one stream of the response family. */
export class ResponseAccumulator implements Accumulator {
  terminal = false;
  #response: JsonObject = {};
  readonly #items = new Map<number, Item>();

  isSentinel(): boolean {
    return false;
  }

  isTerminal(name: string, data: string): boolean {
    if (!TERMINAL.has(name) && ![...TERMINAL].some((kind) => data.includes(kind))) {
      return false;
    }
    try {
      const event = decode(data);
      return isObject(event) && [...TERMINAL].includes((event["type"] ?? name) as string);
    } catch {
      return false;
    }
  }

  /** Add one event; keep-alives and unknown events change nothing. */
  add(name: string, data: unknown): void {
    if (this.terminal || data === null) {
      return;
    }
    if (!isObject(data)) {
      throw new StreamProtocolError("an event of the stream is not an object");
    }
    const kind = isTruthy(data["type"]) ? data["type"] : name;
    if (typeof kind === "string") {
      this.#step(kind, data);
    }
  }

  #step(kind: string, data: JsonObject): void {
    const [stem, word] = split(kind);
    const text = own(TEXTS, stem) as TextPlace | undefined;
    const list = own(PARTS, stem);
    if (text !== undefined && word === "delta") {
      this.#growText(text, data);
    } else if (text !== undefined && word === "done") {
      this.#setText(text, data);
    } else if (typeof list === "string" && (word === "added" || word === "done")) {
      this.#item(data).putPart(list, data);
    } else if (kind === "response.output_item.added") {
      this.#beginItem(data);
    } else if (kind === "response.output_item.done") {
      this.#endItem(data);
    } else if (kind === "response.output_text.annotation.added") {
      this.#annotate(data);
    } else {
      this.#addOther(kind, data);
    }
  }

  #addOther(kind: string, data: JsonObject): void {
    if (isObject(data["response"])) {
      this.#response = data["response"];
      this.terminal = TERMINAL.has(kind);
      return;
    }
    const known = this.#known(data);
    if (known === undefined) {
      return;
    }
    const [stem, word] = split(kind.replace(/^response\./, ""));
    if (word === "delta") {
      addListed(known.fields, "extra", [data]);
    } else if (STATUSES.has(word) && stem === known.fields["type"]) {
      known.fields["status"] = word;
    }
  }

  #known(data: JsonObject): Item | undefined {
    const index = indexIn(data, "output_index");
    if (index !== null) {
      return this.#items.get(index);
    }
    const wanted = data["item_id"] ?? null;
    return wanted === null ? undefined : [...this.#items.values()].find((one) => one.fields["id"] === wanted);
  }

  #item(data: JsonObject): Item {
    const known = this.#known(data);
    if (known !== undefined) {
      return known;
    }
    const id = data["item_id"] ?? null;
    return this.#put(data, new Item(id === null ? {} : { id }));
  }

  #put(data: JsonObject, item: Item): Item {
    this.#items.set(indexIn(data, "output_index") ?? Math.max(-1, ...this.#items.keys()) + 1, item);
    return item;
  }

  #beginItem(data: JsonObject): void {
    if (isObject(data["item"])) {
      this.#put(data, new Item(data["item"]));
    }
  }

  #endItem(data: JsonObject): void {
    const { item } = data;
    if (!isObject(item)) {
      return;
    }
    const known = this.#known({ item_id: item["id"], ...data }) ?? this.#put(data, new Item(item));
    known.finish(item);
  }

  #target(text: TextPlace, data: JsonObject): JsonObject {
    const item = this.#item(data);
    return text.parts === undefined ? item.fields : item.part(text.parts, data, text.partType ?? "");
  }

  #growText(text: TextPlace, data: JsonObject): void {
    const { delta, logprobs } = data;
    if (typeof delta !== "string") {
      return;
    }
    const target = this.#target(text, data);
    append(target, text.field, delta);
    if (Array.isArray(logprobs) && logprobs.length > 0) {
      addListed(target, "logprobs", logprobs);
    }
  }

  #setText(text: TextPlace, data: JsonObject): void {
    const whole = data[text.field];
    if (typeof whole === "string") {
      this.#target(text, data)[text.field] = whole;
    }
  }

  #annotate(data: JsonObject): void {
    if ("annotation" in data) {
      const part = this.#item(data).part("content", data, "output_text");
      addListed(part, "annotations", [data["annotation"]]);
    }
  }

  /** Explicit after the terminal event, else interrupted. */
  ending(): Completion | null {
    return this.terminal ? "explicit" : null;
  }

  /** The response object of the terminal event. */
  result(): JsonObject {
    const response = settledObject(this.#response);
    if (!isTruthy(response["output"]) && this.#items.size > 0) {
      response["output"] = this.#output(true);
    }
    for (const item of Array.isArray(response["output"]) ? (response["output"] as readonly unknown[]) : []) {
      judge(item);
    }
    return response;
  }

  /** The response object so far, {} before anything came. */
  partial(): JsonObject {
    const response = settledObject(this.#response);
    if (this.terminal && isTruthy(response["output"])) {
      return response;
    }
    if (isTruthy(response) || this.#items.size > 0) {
      response["output"] = this.#output(false);
    }
    return response;
  }

  #output(final: boolean): readonly unknown[] {
    return ascending(this.#items.keys()).map((index) => this.#items.get(index)?.shown(final));
  }

  usage(): unknown {
    return this.#response["usage"];
  }

  textOf(name: string, data: unknown): string {
    if (!isObject(data) || (isTruthy(data["type"]) ? data["type"] : name) !== "response.output_text.delta") {
      return "";
    }
    return typeof data["delta"] === "string" ? data["delta"] : "";
  }

  /** Whether this event brings text, reasoning, tool input, or an item that is whole. */
  isContent(data: unknown): boolean {
    const kind = isObject(data) ? data["type"] : null;
    if (!isObject(data) || typeof kind !== "string") {
      return false;
    }
    return kind === "response.output_item.done" || (kind.endsWith(".delta") && isTruthy(data["delta"]));
  }

  toolInput(index: number): unknown {
    const fields = this.#items.get(index)?.fields ?? {};
    const found = TOOL_FIELDS.map((field) => fields[field]).find((one) => one !== undefined && one !== null);
    const value = settled(found);
    return typeof value === "string" ? parsePartial(value) : value;
  }
}

/** Say of a function call whose arguments are no JSON that they are not. */
function judge(item: unknown): void {
  if (isObject(item) && item["type"] === "function_call") {
    const given = item["arguments"];
    if (typeof given === "string" && !isJson(given)) {
      item["arguments_valid"] = false;
    }
  }
}
