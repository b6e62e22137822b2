/**
 * JSON for what the engine's own reader would read wrongly, and its writer refuses: large integers, numbers beyond a
 * double, nesting without end.
 */

export const MAX_DEPTH = 200;
export const MAX_NUMBER_DIGITS = 1000;

/** The text is not JSON within our limits; one line, without an excerpt. */
export class JsonError extends Error {}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

/** The JSON value of a text, with a `bigint` for each integer that a double cannot hold. */
export function parseExact(text: string): unknown {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  #at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): unknown {
    this.#skip();
    switch (this.text[this.#at]) {
      case "{":
        return this.#object(depth + 1);
      case "[":
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  end(): void {
    this.#skip();
    if (this.#at < this.text.length) {
      this.#fail();
    }
  }

  #fail(): never {
    throw new JsonError(`malformed at position ${this.#at}`);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text);
    if (found !== null) {
      this.#at = pattern.lastIndex;
    }
    return found;
  }

  #skip(): void {
    this.#match(SPACE);
  }

  #takes(char: string): boolean {
    this.#skip();
    if (this.text[this.#at] !== char) {
      return false;
    }
    this.#at += 1;
    return true;
  }

  #open(depth: number): void {
    if (depth > MAX_DEPTH) {
      throw new JsonError(`nested deeper than ${MAX_DEPTH} levels`);
    }
    this.#at += 1;
  }

  #object(depth: number): unknown {
    this.#open(depth);
    const pairs: [string, unknown][] = [];
    if (this.#takes("}")) {
      return {};
    }
    do {
      this.#skip();
      const name = this.#string();
      if (!this.#takes(":")) {
        this.#fail();
      }
      pairs.push([name, this.value(depth)]);
    } while (this.#takes(","));
    if (!this.#takes("}")) {
      this.#fail();
    }
    return Object.fromEntries(pairs);
  }

  #array(depth: number): unknown[] {
    this.#open(depth);
    const values: unknown[] = [];
    if (this.#takes("]")) {
      return values;
    }
    do {
      values.push(this.value(depth));
    } while (this.#takes(","));
    if (!this.#takes("]")) {
      this.#fail();
    }
    return values;
  }

  #string(): string {
    const found = this.#match(STRING);
    if (found === null) {
      this.#fail();
    }
    try {
      return JSON.parse(found[0]) as string;
    } catch {
      this.#fail();
    }
  }

  #scalar(): unknown {
    const word = this.#match(WORD);
    if (word !== null) {
      return WORDS[word[0]];
    }
    const found = this.#match(NUMBER);
    if (found === null) {
      this.#fail();
    }
    return numberOf(found[0], found[1] === undefined && found[2] === undefined);
  }
}

function numberOf(text: string, isInteger: boolean): number | bigint {
  if (text.length > MAX_NUMBER_DIGITS && text.replace(/[^0-9]/g, "").length > MAX_NUMBER_DIGITS) {
    throw new JsonError(`a number has more than ${MAX_NUMBER_DIGITS} digits`);
  }
  const value = Number(text);
  if (isInteger && !Number.isSafeInteger(value)) {
    return BigInt(text);
  }
  if (!Number.isFinite(value)) {
    throw new JsonError("a number is out of range");
  }
  return value;
}

/** The JSON text of a value with `bigint` in it, as the engine would write it; undefined for what is circular. */
export function writeExact(value: unknown): string | undefined {
  try {
    return write(value, 0);
  } catch {
    return undefined;
  }
}

function write(value: unknown, depth: number): string | undefined {
  if (depth > 10 * MAX_DEPTH) {
    throw new JsonError("nested too deep");
  }
  if (typeof value === "bigint") {
    return value.toString();
  }
  if (typeof value !== "object" || value === null) {
    return (JSON.stringify as (given: unknown) => string | undefined)(value);
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return write((value.toJSON as () => unknown).call(value), depth + 1);
  }
  if (Array.isArray(value)) {
    return `[${value.map((entry) => write(entry, depth + 1) ?? "null").join(",")}]`;
  }
  const fields = Object.entries(value).flatMap(([name, entry]) => {
    const text = write(entry, depth + 1);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return `{${fields.join(",")}}`;
}
