/**
 * The chat-completion family: chunks with `choices`, ended by `[DONE]`.
 *
 * Decisions the rules leave open:
 * - Of the fields beside `choices`, the identifying ones keep their first value and all others their last; padding
 *   (`obfuscation`, `p`) is dropped, because no unary response has it.
 * - Of the fields of a choice beside `delta`, `logprobs` and the `text` of plain completions, which have no
 *   message, grow by type; all others keep their last.
 * - Groq's `x_groq.usage` and `x_groq.usage_breakdown` go where its unary answer has them, to the top.
 */

import { StreamProtocolError } from "../errors.js";
import type { JsonObject } from "../json.js";
import { own, put } from "../json.js";
import type { Accumulator, Completion } from "./accumulator.js";
import { grownContent, grownReports } from "./content.js";
import {
  ascending,
  Growing,
  indexIn,
  isObject,
  isTruthy,
  mergeField,
  setDefault,
  settled,
  settledObject,
} from "./delta.js";
import { parsePartial } from "./partial-json.js";
import type { ToolCall } from "./tool-call.js";
import { ToolCalls } from "./tool-call.js";

export const SENTINEL = "[DONE]";
const PADDING: ReadonlySet<string> = new Set(["obfuscation", "p"]);
const LABELS: ReadonlySet<string> = new Set(["role", "channel"]);
const IDENTITY: ReadonlySet<string> = new Set(["id", "created", "model", "system_fingerprint"]);
/** Of a choice, beside its delta. */
const GROWING: ReadonlySet<string> = new Set(["logprobs", "text"]);
const CHUNK_SUFFIX = /\.chunk$/;

/** One choice, growing. */
class Choice {
  readonly message: JsonObject = {};
  readonly fields: JsonObject = {};
  finishReason: unknown = null;
  calls: ToolCalls | null = null;

  add(choice: JsonObject): void {
    for (const [name, value] of Object.entries(choice)) {
      if (name === "delta") {
        this.#addDelta(value);
      } else if (name === "finish_reason") {
        this.finishReason = isTruthy(value) ? value : this.finishReason;
      } else if (value === null) {
        setDefault(this.fields, name, null);
      } else if (GROWING.has(name)) {
        mergeField(this.fields, name, value);
      } else if (name !== "index") {
        put(this.fields, name, value);
      }
    }
  }

  #addDelta(delta: unknown): void {
    if (delta === null) {
      return;
    }
    if (!isObject(delta)) {
      throw new StreamProtocolError("a delta of the stream is not an object");
    }
    for (const [name, value] of Object.entries(delta)) {
      const old = own(this.message, name);
      if (old instanceof Growing && typeof value === "string") {
        old.append(value); // nearly every delta
      } else if (name === "tool_calls" && Array.isArray(value)) {
        this.calls ??= new ToolCalls();
        this.calls.add(value);
      } else {
        this.#addField(name, old, value);
      }
    }
  }

  #addField(name: string, old: unknown, value: unknown): void {
    if (name === "content" && (Array.isArray(value) || (Array.isArray(old) && value !== null))) {
      this.message[name] = grownContent(old, value);
    } else if (name === "executed_tools" && Array.isArray(value)) {
      this.message[name] = grownReports(old, value);
    } else {
      mergeField(this.message, name, value);
    }
  }

  orderedCalls(): readonly ToolCall[] {
    return this.calls?.ordered() ?? [];
  }

  /** No finish reason although a tool call is not complete. */
  isCut(): boolean {
    return this.finishReason === null && !this.orderedCalls().every((call) => call.isValid());
  }
}

/** Accumulates one chat-completion stream. */
export class ChatAccumulator implements Accumulator {
  terminal = false;
  readonly #head: JsonObject = {};
  readonly #choices = new Map<number, Choice>();
  #usage: unknown = null;

  isSentinel(data: string): boolean {
    return data.trim() === SENTINEL;
  }

  isTerminal(_name: string, data: string): boolean {
    return this.isSentinel(data);
  }

  add(_name: string, data: unknown): void {
    if (this.terminal) {
      return;
    }
    if (data === null) {
      this.terminal = true;
      return;
    }
    if (!isObject(data)) {
      throw new StreamProtocolError("a chunk of the stream is not an object");
    }
    for (const [field, value] of Object.entries(data)) {
      if (field === "choices") {
        this.#addChoices(isTruthy(value) ? value : []);
      } else if (field === "usage") {
        this.#usage = isTruthy(value) ? value : this.#usage;
      } else if (own(this.#head, field) !== value && !PADDING.has(field)) {
        this.#addHead(field, value);
      }
    }
  }

  #addChoices(choices: unknown): void {
    if (!Array.isArray(choices)) {
      throw new StreamProtocolError("the choices of a chunk are not a list");
    }
    for (const choice of choices as readonly unknown[]) {
      if (!isObject(choice)) {
        throw new StreamProtocolError("a choice of a chunk is not an object");
      }
      const key = indexIn(choice, "index") ?? 0;
      const known = this.#choices.get(key) ?? new Choice();
      this.#choices.set(key, known);
      known.add(choice);
    }
  }

  #addHead(field: string, value: unknown): void {
    if (field === "x_groq" && isObject(value)) {
      this.#addGroq(value);
    } else if (value === null) {
      setDefault(this.#head, field, null);
    } else if (!IDENTITY.has(field) || !isTruthy(own(this.#head, field))) {
      put(this.#head, field, value);
    }
  }

  #addGroq(value: JsonObject): void {
    const { usage, usage_breakdown: breakdown, ...rest } = value;
    this.#usage = isTruthy(usage) ? usage : this.#usage;
    if (breakdown !== undefined) {
      this.#head["usage_breakdown"] = breakdown;
    }
    const known = this.#head["x_groq"];
    this.#head["x_groq"] = { ...(isObject(known) ? known : {}), ...rest };
  }

  /** The verdict for a body that ends cleanly here. */
  ending(): Completion | null {
    const choices = [...this.#choices.values()];
    if (this.terminal) {
      return choices.some((choice) => choice.isCut()) ? null : "explicit";
    }
    const finished = choices.length > 0 && choices.every((choice) => isTruthy(choice.finishReason));
    return finished ? "inferred" : null;
  }

  /** The chat.completion object. */
  result(): JsonObject {
    return this.#message(true);
  }

  /** The chat.completion object so far. */
  partial(): JsonObject {
    return this.#message(false);
  }

  #message(final: boolean): JsonObject {
    const message = settledObject(this.#head);
    const kind = message["object"];
    if (typeof kind === "string") {
      message["object"] = kind.replace(CHUNK_SUFFIX, "");
    }
    message["choices"] = ascending(this.#choices.keys()).map((index) => this.#finished(index, final));
    if (this.#usage !== null) {
      message["usage"] = settled(this.#usage);
    }
    return message;
  }

  #finished(index: number, final: boolean): JsonObject {
    const choice = this.#choices.get(index) ?? new Choice();
    const body = settledObject(choice.message);
    if (choice.calls !== null) {
      const unfinished = !final && choice.finishReason === null;
      body["tool_calls"] = choice.orderedCalls().map((call) => call.shown(unfinished));
    }
    const plain = "text" in choice.fields && Object.keys(body).length === 0;
    return {
      index,
      ...(plain ? {} : { message: body }),
      ...settledObject(choice.fields),
      finish_reason: choice.finishReason ?? (final && this.terminal ? "unknown" : null),
    };
  }

  usage(): unknown {
    return this.#usage;
  }

  textOf(_name: string, data: unknown): string {
    const choice = choicesOf(data).find((one) => (one["index"] ?? 0) === 0) ?? {};
    const { delta } = choice;
    const content = isObject(delta) ? delta["content"] : choice["text"];
    if (typeof content === "string") {
      return content;
    }
    return Array.isArray(content) ? content.map(textOfPart).join("") : "";
  }

  isContent(data: unknown): boolean {
    return choicesOf(data).some(bringsContent);
  }

  toolInput(index: number): unknown {
    const given = this.#choices.get(0)?.orderedCalls()[index]?.arguments();
    return typeof given === "string" ? parsePartial(given) : settled(given);
  }
}

function textOfPart(part: unknown): string {
  return isObject(part) && part["type"] === "text" && typeof part["text"] === "string" ? part["text"] : "";
}

/** Whether a choice brings more than its role. */
function bringsContent(choice: JsonObject): boolean {
  const { delta } = choice;
  if (!isObject(delta)) {
    return isTruthy(choice["text"]);
  }
  return Object.entries(delta).some(([name, value]) => isTruthy(value) && !LABELS.has(name));
}

function choicesOf(data: unknown): readonly JsonObject[] {
  const choices: unknown = isObject(data) ? data["choices"] : null;
  return Array.isArray(choices) ? choices.filter(isObject) : [];
}
