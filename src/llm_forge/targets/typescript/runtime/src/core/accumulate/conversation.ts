/**
 * The conversation family: entries that grow by typed events, ended by `conversation.response.done`.
 *
 * Decisions the rules leave open:
 * - An event belongs to the entry of its `id`, without one to that of its `output_index`; entries are ordered by
 *   `output_index`, then by arrival.
 * - Text and typed chunks grow by `content_index`. Content that was only text is a string, else a list.
 * - An entry's type is that of its events without their last word, so unknown entries are kept too.
 * - An entry that no event started has none that closes it: it is complete when a later one begins.
 * - Nothing is inferred: only the terminal event says that no further entry follows.
 */

import { StreamProtocolError } from "../errors.js";
import type { JsonObject } from "../json.js";
import { decode, put } from "../json.js";
import type { Accumulator, Completion } from "./accumulator.js";
import { growingTextOf, grownContent } from "./content.js";
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

const STARTED = "conversation.response.started";
const TERMINAL = "conversation.response.done";
const PLACE: ReadonlySet<string> = new Set([
  "type",
  "output_index",
  "content_index",
  "content",
  "arguments",
  "created_at",
]);

/** One entry of the outputs, growing. */
class Entry {
  readonly fields: JsonObject;
  readonly #content = new Map<number, unknown>();
  started = false;
  #closed = false;

  constructor(
    kind: string,
    readonly place: number,
  ) {
    this.fields = { object: "entry", type: kind };
  }

  /** Add one event; `word` is the last of its type: started, delta or done. */
  add(word: string, data: JsonObject): void {
    this.started ||= word === "started";
    this.#closed ||= word === "done";
    for (const [name, value] of Object.entries(data)) {
      if (!PLACE.has(name) && (value !== null || !Object.hasOwn(this.fields, name))) {
        put(this.fields, name, value);
      }
    }
    if ("content" in data) {
      this.#addContent(indexIn(data, "content_index") ?? 0, data["content"]);
    }
    this.#addArguments(data["arguments"]);
    if (data["created_at"] !== undefined && data["created_at"] !== null) {
      setDefault(this.fields, word === "done" ? "completed_at" : "created_at", data["created_at"]);
    }
  }

  #addContent(key: number, value: unknown): void {
    const old = this.#content.get(key);
    if (typeof value === "string" && old instanceof Growing) {
      old.append(value);
    } else if (typeof value === "string" && old === undefined) {
      this.#content.set(key, new Growing(value));
    } else {
      this.#content.set(key, grownChunks(old, value));
    }
  }

  #addArguments(value: unknown): void {
    const old = this.fields["arguments"];
    if (typeof value === "string" && old instanceof Growing) {
      old.append(value);
    } else if (typeof value === "string") {
      this.fields["arguments"] = new Growing(value);
    } else if (value !== undefined && value !== null) {
      this.fields["arguments"] = value;
    }
  }

  /** The entry as the unary form has it, marked where it is not complete. */
  shown(closed: boolean): JsonObject {
    const shown = settledObject(this.fields);
    if (this.#content.size > 0) {
      shown["content"] = joined(
        ascending(this.#content.keys()).map((key) => settled(this.#content.get(key))),
      );
    }
    if (!closed && !this.#closed) {
      shown["complete"] = false;
    }
    return shown;
  }
}

type TextChunk = JsonObject & { text: string };

/** The chunks of one content index with one more delta; the pieces of a text chunk grow together. */
function grownChunks(old: unknown, value: unknown): unknown[] {
  const chunks = grownContent(old, []);
  for (const entry of listed(value)) {
    const growing = growingTextOf(chunks.at(-1));
    if (!isText(entry)) {
      grownContent(chunks, [entry]);
    } else if (growing !== null) {
      growing.append(entry.text);
    } else {
      chunks.push({ ...entry, text: new Growing(entry.text) });
    }
  }
  return chunks;
}

function isText(entry: unknown): entry is TextChunk {
  return isObject(entry) && entry["type"] === "text" && typeof entry["text"] === "string";
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function joined(parts: readonly unknown[]): unknown {
  if (parts.length === 1) {
    return parts[0];
  }
  return parts.flatMap((part): readonly unknown[] =>
    Array.isArray(part) ? part : [{ type: "text", text: part }],
  );
}

/** Accumulates one stream of the conversation family. */
export class ConversationAccumulator implements Accumulator {
  terminal = false;
  #head: JsonObject = {};
  readonly #entries = new Map<string, Entry>();
  #latest: Entry | null = null;

  isSentinel(): boolean {
    return false;
  }

  isTerminal(name: string, data: string): boolean {
    if (!data.includes(TERMINAL) && name !== TERMINAL) {
      return false;
    }
    try {
      const event = decode(data);
      return isObject(event) && (event["type"] ?? name) === TERMINAL;
    } catch {
      return false;
    }
  }

  /** Add one event; unknown events change nothing. */
  add(name: string, data: unknown): void {
    if (this.terminal || data === null) {
      return;
    }
    if (!isObject(data)) {
      throw new StreamProtocolError("an event of the stream is not an object");
    }
    const kind = isTruthy(data["type"]) ? data["type"] : name;
    if (kind === STARTED || kind === TERMINAL) {
      const { type: _, created_at: __, ...kept } = data;
      this.#head = { object: "conversation.response", ...this.#head, ...kept };
      this.terminal = kind === TERMINAL;
    } else if (typeof kind === "string" && ("output_index" in data || "id" in data)) {
      const dot = kind.lastIndexOf(".");
      this.#latest = this.#entry(kind.slice(0, Math.max(dot, 0)), data);
      this.#latest.add(kind.slice(dot + 1), data);
    }
  }

  #entry(kind: string, data: JsonObject): Entry {
    const place = indexIn(data, "output_index") ?? 0;
    const given = data["id"];
    const key = JSON.stringify([kind, typeof given === "string" ? given : place]);
    const entry = this.#entries.get(key) ?? new Entry(kind, place);
    this.#entries.set(key, entry);
    return entry;
  }

  ending(): Completion | null {
    return this.terminal ? "explicit" : null;
  }

  /** The conversation.response object. */
  result(): JsonObject {
    return this.#shown(true);
  }

  /** The conversation.response object so far, {} before anything came. */
  partial(): JsonObject {
    return this.#shown(this.terminal);
  }

  #shown(final: boolean): JsonObject {
    if (Object.keys(this.#head).length === 0 && this.#entries.size === 0) {
      return {};
    }
    // Sorting is stable: then by arrival.
    const entries = [...this.#entries.values()].sort((one, other) => one.place - other.place);
    const outputs = entries.map((entry) => entry.shown(final || (!entry.started && entry !== this.#latest)));
    return { outputs, ...settledObject(this.#head) };
  }

  usage(): unknown {
    return this.#head["usage"];
  }

  textOf(name: string, data: unknown): string {
    if (!isObject(data) || (isTruthy(data["type"]) ? data["type"] : name) !== "message.output.delta") {
      return "";
    }
    const { content } = data;
    if (typeof content === "string") {
      return content;
    }
    return listed(content)
      .map((part) => (isText(part) ? part.text : ""))
      .join("");
  }

  /** Whether this event brings text, a tool's input or a hand-off. */
  isContent(data: unknown): boolean {
    if (!isObject(data) || data["type"] === STARTED || data["type"] === TERMINAL) {
      return false;
    }
    return data["type"] !== "message.output.delta" || isTruthy(data["content"]);
  }

  toolInput(index: number): unknown {
    const entry = [...this.#entries.values()].find((one) => one.place === index && "arguments" in one.fields);
    const value = settled(entry?.fields["arguments"]);
    return typeof value === "string" ? parsePartial(value) : value;
  }
}
