/**
 * The value of JSON text that is still arriving.
 *
 * Nothing runs ahead of the bytes: a string gives its whole characters so far; a number, a key or a literal
 * counts only when the next byte shows that it has ended. Never throws.
 */

import type { JsonObject } from "../json.js";
import { decode, put } from "../json.js";

const MAX_DEPTH = 200;
const SPACE = /[ \t\r\n]*/y;

const STRING = /"((?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)("?)/y;
const SCALAR = /(true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?=[ \t\r\n,\]}])/y;
const HALF_PAIR = /\\u[dD][89abAB][0-9a-fA-F]{2}$/;
const NOTHING = Symbol("nothing");

/** The best value that `text`, the beginning of a JSON value, already shows; undefined for nothing. */
export function parsePartial(text: string): unknown {
  const whole = decoded(text);
  const value = whole === NOTHING ? new Reader(text).value(0) : whole;
  return value === NOTHING ? undefined : value;
}

/** Reads as far as the text goes; `ended` is set when it does not go further. */
class Reader {
  #at = 0;
  #ended = false;

  constructor(private readonly text: string) {}

  value(depth: number): unknown {
    const char = this.#peek();
    if (char === '"') {
      return this.#string();
    }
    if (char === "{" && depth < MAX_DEPTH) {
      return this.#object(depth);
    }
    return char === "[" && depth < MAX_DEPTH ? this.#array(depth) : this.#scalar();
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text);
    if (found !== null) {
      this.#at = pattern.lastIndex;
    }
    return found;
  }

  #peek(): string | undefined {
    this.#match(SPACE);
    return this.text[this.#at];
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) {
      return false;
    }
    this.#at += 1;
    return true;
  }

  #stop(value: unknown = NOTHING): unknown {
    this.#ended = true;
    return value;
  }

  #scalar(): unknown {
    const found = this.#match(SCALAR);
    return found === null ? this.#stop() : decoded(found[1] ?? "");
  }

  #string(): unknown {
    const found = this.#match(STRING);
    if (found === null) {
      return this.#stop();
    }
    const [, body = "", quote] = found;
    if (quote === '"') {
      return decoded(`"${body}"`);
    }
    return this.#stop(decoded(`"${body.replace(HALF_PAIR, "")}"`));
  }

  #array(depth: number): unknown[] {
    this.#at += 1;
    const found: unknown[] = [];
    if (this.#take("]")) {
      return found;
    }
    while (!this.#ended) {
      const value = this.value(depth + 1);
      if (value !== NOTHING) {
        found.push(value);
      }
      if (this.#isOver("]")) {
        break;
      }
    }
    return found;
  }

  #object(depth: number): JsonObject {
    this.#at += 1;
    const found: JsonObject = {};
    if (this.#take("}")) {
      return found;
    }
    while (!this.#ended) {
      this.#member(found, depth);
      if (this.#isOver("}")) {
        break;
      }
    }
    return found;
  }

  /** Whether the container ends here, by its bracket or because the text does. */
  #isOver(bracket: string): boolean {
    if (this.#ended || this.#take(bracket)) {
      return true;
    }
    if (!this.#take(",")) {
      this.#stop();
    }
    return this.#ended;
  }

  #member(found: JsonObject, depth: number): void {
    const key = this.#peek() === '"' ? this.#string() : this.#stop();
    if (this.#ended || typeof key !== "string" || !this.#take(":")) {
      this.#stop();
      return;
    }
    const value = this.value(depth + 1);
    if (value !== NOTHING) {
      put(found, key, value);
    }
  }
}

function decoded(text: string): unknown {
  try {
    return decode(text);
  } catch {
    return NOTHING;
  }
}
