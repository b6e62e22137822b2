/**
 * Typed events that add up to nothing but their list, such as audio as it is spoken.
 *
 * The description says which events are terminal: values of a field of the event's JSON, or of its name. `[DONE]`
 * is terminal always. Nothing else ends such a stream, so nothing is inferred. Only where no event is said
 * to be terminal, a body that ends cleanly after a whole event ends it: that is inferred.
 */

import { decode } from "../json.js";
import { EVENT_NAME } from "../profile.js";
import type { Accumulator, Completion } from "./accumulator.js";
import { SENTINEL } from "./chat.js";
import { isObject, isTruthy, settled } from "./delta.js";

const TEXT_FIELDS = ["delta", "text"];

/** Collects one stream of typed events. */
export class EventAccumulator implements Accumulator {
  terminal = false;
  readonly #events: unknown[] = [];
  #usage: unknown = null;

  constructor(
    private readonly terminalValues: readonly string[],
    private readonly typeField: string,
  ) {}

  isSentinel(data: string): boolean {
    return data.trim() === SENTINEL;
  }

  isTerminal(name: string, data: string): boolean {
    if (this.isSentinel(data)) {
      return true;
    }
    try {
      return this.#ends(name, decode(data)) || this.terminalValues.length === 0;
    } catch {
      return false;
    }
  }

  #ends(name: string, data: unknown): boolean {
    if (this.typeField === EVENT_NAME) {
      return this.terminalValues.includes(name);
    }
    const kind = isObject(data) ? data[this.typeField] : null;
    const word = typeof kind === "boolean" ? String(kind) : kind;
    return typeof word === "string" && this.terminalValues.includes(word);
  }

  add(name: string, data: unknown): void {
    if (this.terminal) {
      return;
    }
    if (data !== null) {
      this.#events.push(data);
      this.#usage = isObject(data) && isTruthy(data["usage"]) ? data["usage"] : this.#usage;
    }
    this.terminal = data === null || this.#ends(name, data);
  }

  ending(): Completion | null {
    if (this.terminal) {
      return "explicit";
    }
    return this.terminalValues.length === 0 ? "inferred" : null;
  }

  /** The events. */
  result(): unknown {
    return this.partial();
  }

  /** The events so far. */
  partial(): unknown {
    return settled(this.#events);
  }

  usage(): unknown {
    return this.#usage;
  }

  /** The text of an event whose type says that it is a text delta. */
  textOf(_name: string, data: unknown): string {
    const kind = isObject(data) ? data["type"] : null;
    if (!isObject(data) || typeof kind !== "string" || !kind.endsWith("text.delta")) {
      return "";
    }
    const text = TEXT_FIELDS.map((field) => data[field]).find((found) => typeof found === "string");
    return text ?? "";
  }

  /** All events are content, as far as anybody knows. */
  isContent(): boolean {
    return true;
  }

  /** Nothing: no tools are known here. */
  toolInput(): unknown {
    return undefined;
  }
}
