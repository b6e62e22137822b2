/**
 * The block-event family: named events, blocks by index, ended by `message_stop`.
 *
 * Decisions the rules leave open:
 * - A second `content_block_start` for an index is StreamProtocolError: taking it would lose a block.
 * - A delta that comes after its block's stop is still added; a second stop changes nothing.
 * - Null in `message_delta` never replaces a value.
 * - An unfinished tool block in `partial()` shows its input as far as the bytes go, and the raw text.
 */

import { StreamProtocolError } from "../errors.js";
import type { JsonObject } from "../json.js";
import { decode, own, put } from "../json.js";
import type { Accumulator, Completion } from "./accumulator.js";
import {
  ascending,
  Growing,
  indexIn,
  isObject,
  isTruthy,
  setDefault,
  settled,
  settledObject,
} from "./delta.js";
import { parsePartial } from "./partial-json.js";

const TERMINAL = "message_stop";
const TEXT_FIELDS: Readonly<Record<string, string>> = { text_delta: "text", thinking_delta: "thinking" };
const CONTENT_FIELDS = ["text", "thinking", "partial_json", "citation", "content"];

/** One content block, growing. */
class Block {
  readonly fields: JsonObject;
  /** The pieces of partial JSON, if any came. */
  raw: Growing | null = null;
  closed = false;

  constructor(start: JsonObject) {
    const copied = Object.entries(start).map(([name, part]) => [
      name,
      Array.isArray(part) ? Array.from<unknown>(part) : part,
    ]);
    this.fields = Object.fromEntries(copied) as JsonObject;
  }

  add(delta: JsonObject): void {
    const kind = delta["type"];
    const field = typeof kind === "string" ? own(TEXT_FIELDS, kind) : undefined;
    if (typeof field === "string" && typeof delta[field] === "string") {
      this.#append(field, delta[field]);
    } else if (kind === "input_json_delta" && typeof delta["partial_json"] === "string") {
      this.raw ??= new Growing("");
      this.raw.append(delta["partial_json"]);
    } else if (kind === "signature_delta") {
      this.fields["signature"] = isTruthy(delta["signature"])
        ? delta["signature"]
        : (this.fields["signature"] ?? null);
    } else if (kind === "citations_delta" && "citation" in delta) {
      this.#listed("citations", delta["citation"]);
    } else if (kind === "compaction_delta") {
      replaceAll(this.fields, delta);
    } else {
      this.#listed("extra", delta);
    }
  }

  #append(field: string, text: string): void {
    const old = this.fields[field];
    if (old instanceof Growing) {
      old.append(text);
    } else {
      this.fields[field] = new Growing((typeof old === "string" ? old : "") + text);
    }
  }

  #listed(field: string, entry: unknown): void {
    const old = this.fields[field];
    if (Array.isArray(old)) {
      old.push(entry);
    } else {
      this.fields[field] = [entry];
    }
  }

  /** The block as the unary response has it. */
  finished(): JsonObject {
    const block = settledObject(this.fields);
    const raw = this.raw?.text ?? "";
    if (raw.trim() !== "") {
      return { ...block, ...parsedInput(raw) };
    }
    if (this.raw !== null) {
      setDefault(block, "input", {});
    }
    return block;
  }

  /** The block so far, marked as not complete. */
  unfinished(): JsonObject {
    const block = settledObject(this.fields);
    const raw = this.raw?.text ?? "";
    if (raw !== "") {
      block["input"] = parsePartial(raw) ?? {};
      block["input_raw"] = raw;
    }
    block["complete"] = false;
    return block;
  }
}

function replaceAll(target: JsonObject, fields: JsonObject): void {
  for (const [name, value] of Object.entries(fields)) {
    if (name !== "type") {
      put(target, name, value);
    }
  }
}

function parsedInput(raw: string): JsonObject {
  try {
    return { input: decode(raw) };
  } catch {
    return { input: {}, input_valid: false, input_raw: raw };
  }
}

/** Accumulates one block-event stream. */
export class BlockAccumulator implements Accumulator {
  terminal = false;
  #message: JsonObject | null = null;
  #usage: JsonObject = {};
  readonly #blocks = new Map<number, Block>();

  isSentinel(): boolean {
    return false;
  }

  isTerminal(name: string, data: string): boolean {
    if (!data.includes(TERMINAL)) {
      return false;
    }
    try {
      const event = decode(data);
      return isObject(event) && (event["type"] ?? name) === TERMINAL;
    } catch {
      return false;
    }
  }

  /** Add one event; pings and unknown events change nothing. */
  add(name: string, data: unknown): void {
    if (this.terminal || data === null) {
      return;
    }
    if (!isObject(data)) {
      throw new StreamProtocolError("an event of the stream is not an object");
    }
    this.#step(isTruthy(data["type"]) ? data["type"] : name, data);
  }

  #step(kind: unknown, data: JsonObject): void {
    switch (kind) {
      case "message_start":
        this.#startMessage(data);
        break;
      case "content_block_start":
        this.#startBlock(data);
        break;
      case "content_block_delta":
        this.#deltaBlock(data);
        break;
      case "content_block_stop":
        this.#block(data, "content_block_stop").closed = true;
        break;
      case "message_delta":
        this.#deltaMessage(data);
        break;
      case TERMINAL:
        this.#open(TERMINAL);
        this.terminal = true;
        break;
    }
  }

  #startMessage(data: JsonObject): void {
    if (this.#message !== null) {
      throw new StreamProtocolError("a second message_start in one stream");
    }
    const { message } = data;
    if (!isObject(message)) {
      throw new StreamProtocolError("a message_start without a message");
    }
    this.#message = { ...message };
    this.#usage = isObject(message["usage"]) ? { ...message["usage"] } : {};
  }

  #open(kind: string): JsonObject {
    if (this.#message === null) {
      throw new StreamProtocolError(`${kind} before message_start`);
    }
    return this.#message;
  }

  #startBlock(data: JsonObject): void {
    this.#open("content_block_start");
    const index = indexIn(data, "index");
    const start = data["content_block"];
    if (index === null || !isObject(start)) {
      throw new StreamProtocolError("a content_block_start without index or block");
    }
    if (this.#blocks.has(index)) {
      throw new StreamProtocolError(`a second content_block_start for index ${index}`);
    }
    this.#blocks.set(index, new Block(start));
  }

  #block(data: JsonObject, kind: string): Block {
    this.#open(kind);
    const block = this.#blocks.get(indexIn(data, "index") ?? NaN);
    if (block === undefined) {
      throw new StreamProtocolError(`${kind} for an index that was not started`);
    }
    return block;
  }

  #deltaBlock(data: JsonObject): void {
    const block = this.#block(data, "content_block_delta");
    if (isObject(data["delta"])) {
      block.add(data["delta"]);
    }
  }

  #deltaMessage(data: JsonObject): void {
    const message = this.#open("message_delta");
    const { type: _, usage, delta, ...rest } = data;
    if (isObject(usage)) {
      replace(this.#usage, usage);
    }
    if (isObject(delta)) {
      replace(message, delta);
    }
    replace(message, rest);
  }

  /** The verdict for a body that ends cleanly here. */
  ending(): Completion | null {
    if (this.terminal) {
      return "explicit";
    }
    const closed = [...this.#blocks.values()].every((block) => block.closed);
    return closed && isTruthy(this.#message?.["stop_reason"]) ? "inferred" : null;
  }

  /** The message object. */
  result(): JsonObject {
    return this.#shown(true);
  }

  /** The message object so far, {} before it started. */
  partial(): JsonObject {
    return this.#shown(false);
  }

  #shown(final: boolean): JsonObject {
    if (this.#message === null) {
      return {};
    }
    const message = settledObject(this.#message);
    message["content"] = this.#content(message["content"], final);
    if (Object.keys(this.#usage).length > 0) {
      message["usage"] = settledObject(this.#usage);
    }
    return message;
  }

  /** The blocks by index, over what `message_start` brought, which is normally nothing. */
  #content(given: unknown, final: boolean): unknown[] {
    const parts = new Map<number, unknown>(Array.isArray(given) ? given.entries() : []);
    for (const [index, block] of this.#blocks) {
      parts.set(index, final || block.closed ? block.finished() : block.unfinished());
    }
    return ascending(parts.keys()).map((index) => parts.get(index));
  }

  usage(): unknown {
    return this.#usage;
  }

  textOf(_name: string, data: unknown): string {
    if (!isObject(data)) {
      return "";
    }
    const part = "delta" in data ? data["delta"] : data["content_block"];
    if (!isObject(part) || (part["type"] !== "text" && part["type"] !== "text_delta")) {
      return "";
    }
    return typeof part["text"] === "string" ? part["text"] : "";
  }

  /** Whether this event brings text, thinking, tool input or a block that arrives complete. */
  isContent(data: unknown): boolean {
    if (!isObject(data)) {
      return false;
    }
    const { delta, content_block: block } = data;
    if (isObject(delta) && data["type"] === "content_block_delta") {
      return CONTENT_FIELDS.some((field) => isTruthy(delta[field]));
    }
    if (isObject(block)) {
      return (block["type"] !== "text" && block["type"] !== "thinking") || isTruthy(block["text"]);
    }
    return false;
  }

  toolInput(index: number): unknown {
    const block = this.#blocks.get(index);
    return block?.raw == null ? settled(block?.fields["input"]) : parsePartial(block.raw.text);
  }
}

function replace(target: JsonObject, fields: JsonObject): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null || !Object.hasOwn(target, name)) {
      put(target, name, value);
    }
  }
}
