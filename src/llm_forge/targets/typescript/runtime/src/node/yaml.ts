/**
 * The part of YAML that configuration files need (R-013): block and flow mappings and lists, plain and quoted scalars
 * on one line, comments. JSON on one line is part of it.
 *
 * Rules of this file:
 * - Tags, anchors, aliases and text over several lines are refused, so that no file can make objects or expand.
 * - A key given twice is an error; keys are taken as written.
 * - Errors name file, line and keys, never a value, which could be a credential.
 */

import { ConfigError } from "../core/errors.js";

const DEEPEST = 50;
const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'[\]{},#&*!|>%@`-][^"'[\]{},#]*?)\s*:(?:\s+(.*))?$/;
const NUMBER = /^[-+]?(?:0|[1-9][0-9_]*)?(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;
const PLAIN_END = /[,[\]{}]|:(?:\s|$)/;
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);

type Scalar = string | number | boolean | null;

/** A value and where it stands: a scalar, or the entries of a mapping or a list. */
export class Place {
  value: Scalar = null;
  mapping: Map<string, Place> | null = null;
  list: Place[] | null = null;

  constructor(
    readonly file: string,
    readonly line: number,
    readonly path: string,
  ) {}

  toString(): string {
    return `${this.file}:${this.line}`;
  }

  /** An error at this place. */
  error(message: string): ConfigError {
    return new ConfigError(`${String(this)}: ${this.path === "" ? "" : `${this.path}: `}${message}`);
  }

  /** Keys and values of a mapping, nothing for an empty one; ConfigError for any other kind. */
  entries(): readonly (readonly [string, Place])[] {
    if (this.mapping === null && (this.list !== null || this.value !== null)) {
      throw this.error(`expected a mapping, found ${this.kind}`);
    }
    return [...(this.mapping ?? [])];
  }

  /** What sort of value this is. */
  get kind(): string {
    if (this.mapping !== null) {
      return "a mapping";
    }
    if (this.list !== null) {
      return "a list";
    }
    const kinds = { string: "text", number: "a number", boolean: "true or false" } as Record<string, string>;
    return kinds[typeof this.value] ?? "nothing";
  }

  /** The value without the places in it. */
  plain(): unknown {
    if (this.mapping !== null) {
      return Object.fromEntries(Array.from(this.mapping, ([key, one]) => [key, one.plain()]));
    }
    return this.list === null ? this.value : this.list.map((one) => one.plain());
  }

  /** A new entry of this mapping; ConfigError if it has the key. */
  put(key: string, line: number): Place {
    const made = this.#inner(key, line);
    this.mapping ??= new Map();
    if (this.mapping.has(key)) {
      throw made.error(`the key "${key}" is given twice`);
    }
    this.mapping.set(key, made);
    return made;
  }

  /** A new entry of this list. */
  add(line: number): Place {
    this.list ??= [];
    const made = this.#inner(String(this.list.length), line);
    this.list.push(made);
    return made;
  }

  #inner(key: string, line: number): Place {
    return new Place(this.file, line, this.path === "" ? key : `${this.path}.${key}`);
  }
}

interface Line {
  readonly number: number;
  readonly indent: number;
  readonly text: string;
}

const NOTHING: Line = { number: 1, indent: 0, text: "" };

/** A document as places; `file` is what errors call it. */
export function parseYaml(text: string, file: string): Place {
  const root = new Place(file, 1, "");
  const lines = linesOf(text, file);
  if (lines.length > 0) {
    new Blocks(lines, file).read(root);
  }
  return root;
}

function linesOf(text: string, file: string): Line[] {
  const found: Line[] = [];
  text.split("\n").forEach((whole, index) => {
    const kept = withoutComment(whole.trimEnd());
    const trimmed = kept.replace(/^ +/, "");
    if (trimmed === "" || kept === "---") {
      return;
    }
    if (trimmed.startsWith("\t")) {
      throw new Place(file, index + 1, "").error("not YAML: a tab indents it");
    }
    found.push({ number: index + 1, indent: kept.length - trimmed.length, text: trimmed });
  });
  return found;
}

/** A line without its comment: a `#` at its start or after a space, outside quotes. */
function withoutComment(text: string): string {
  let quote = "";
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    const before = text.charAt(at - 1);
    if (quote !== "") {
      quote = char === quote && (quote === "'" || before !== "\\") ? "" : quote;
    } else if ((char === '"' || char === "'") && (at === 0 || " [{,:".includes(before))) {
      quote = char;
    } else if (char === "#" && (at === 0 || before === " " || before === "\t")) {
      return text.slice(0, at).trimEnd();
    }
  }
  return text;
}

/** Reads lines by their indentation; one use. */
class Blocks {
  #at = 0;

  constructor(
    private readonly lines: Line[],
    private readonly file: string,
  ) {}

  read(root: Place): void {
    this.#block(root, this.#line().indent, 0);
    if (this.#at < this.lines.length) {
      throw this.#wrong("unexpected indentation");
    }
  }

  #line(): Line {
    return this.lines[Math.min(this.#at, this.lines.length - 1)] ?? NOTHING;
  }

  #wrong(what: string): ConfigError {
    return new Place(this.file, this.#line().number, "").error(`not YAML: ${what}`);
  }

  #block(into: Place, indent: number, depth: number): void {
    if (depth > DEEPEST) {
      throw into.error(`more than ${DEEPEST} levels`);
    }
    const first = this.#line();
    if (!isItem(first.text) && !KEY.test(first.text)) {
      parseFlow(into, first.text);
      this.#at += 1;
      return;
    }
    const read = isItem(first.text) ? this.#item : this.#member;
    while (this.#at < this.lines.length && this.#line().indent === indent) {
      read.call(this, into, indent, depth);
    }
  }

  #member(into: Place, indent: number, depth: number): void {
    const line = this.#line();
    const found = KEY.exec(line.text);
    if (found === null) {
      throw this.#wrong("expected a key and a colon");
    }
    const entry = into.put((found[1] ?? "").replace(/^["']|["']$/g, ""), line.number);
    this.#at += 1;
    if (found[2] !== undefined && found[2] !== "") {
      parseFlow(entry, found[2]);
      return;
    }
    const next = this.#line();
    const isDeeper = next.indent > indent || (next.indent === indent && isItem(next.text));
    if (this.#at < this.lines.length && isDeeper) {
      this.#block(entry, next.indent, depth + 1);
    }
  }

  #item(into: Place, indent: number, depth: number): void {
    const line = this.#line();
    if (!isItem(line.text)) {
      throw this.#wrong("expected an entry of the list");
    }
    const entry = into.add(line.number);
    const rest = line.text.slice(1).trimStart();
    if (rest !== "") {
      // What follows the dash is a block of its own, indented as far as it stands.
      const within = indent + line.text.length - rest.length;
      this.lines[this.#at] = { number: line.number, indent: within, text: rest };
      this.#block(entry, within, depth + 1);
      return;
    }
    this.#at += 1;
    if (this.#at < this.lines.length && this.#line().indent > indent) {
      this.#block(entry, this.#line().indent, depth + 1);
    }
  }
}

function isItem(text: string): boolean {
  return text === "-" || text.startsWith("- ");
}

function parseFlow(into: Place, text: string): void {
  const flow = new Flow(text, into);
  flow.value(into, 0);
  flow.end();
}

/** Reads a value that stands on one line; one use. */
class Flow {
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly around: Place,
  ) {}

  end(): void {
    this.#space();
    if (this.#at < this.text.length) {
      throw this.#wrong("there is more after the value");
    }
  }

  value(into: Place, depth: number): void {
    if (depth > DEEPEST) {
      throw this.around.error(`more than ${DEEPEST} levels`);
    }
    if (this.#take("{")) {
      into.mapping = new Map();
      this.#each("}", () => {
        const key = String(this.#scalar(true));
        this.#expect(":", "a key and a colon");
        this.value(into.put(key, into.line), depth + 1);
      });
    } else if (this.#take("[")) {
      into.list = [];
      this.#each("]", () => {
        this.value(into.add(into.line), depth + 1);
      });
    } else if ("&*!|>%@`".includes(this.text.charAt(this.#at) || " ")) {
      throw this.around.error("tags, anchors, aliases and text over several lines are not taken here");
    } else {
      into.value = this.#scalar(depth > 0);
    }
  }

  #each(close: string, read: () => void): void {
    while (!this.#take(close)) {
      read();
      if (this.#take(close)) {
        return;
      }
      this.#expect(",", `a comma or "${close}"`);
    }
  }

  #space(): void {
    while (" \t".includes(this.text.charAt(this.#at) || "x")) {
      this.#at += 1;
    }
  }

  #take(char: string): boolean {
    this.#space();
    const found = this.text.charAt(this.#at) === char;
    this.#at += found ? 1 : 0;
    return found;
  }

  #expect(char: string, what: string): void {
    if (!this.#take(char)) {
      throw this.#wrong(`expected ${what}`);
    }
  }

  #wrong(what: string): ConfigError {
    return this.around.error(`not YAML: ${what}`);
  }

  /** A quoted or plain scalar; within a flow collection commas, colons and brackets end it. */
  #scalar(within: boolean): Scalar {
    this.#space();
    const rest = this.text.slice(this.#at);
    if (rest.startsWith('"') || rest.startsWith("'")) {
      return this.#quoted(rest);
    }
    const end = within ? rest.search(PLAIN_END) : -1;
    const plain = end < 0 ? rest : rest.slice(0, end);
    this.#at += plain.length;
    return plainScalar(plain.trim());
  }

  #quoted(rest: string): string {
    const found = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')/.exec(rest)?.[0];
    if (found === undefined) {
      throw this.#wrong("an open quote");
    }
    this.#at += found.length;
    if (found.startsWith("'")) {
      return found.slice(1, -1).replaceAll("''", "'");
    }
    try {
      return JSON.parse(found) as string;
    } catch {
      throw this.#wrong("a text in quotes that cannot be read");
    }
  }
}

/** A scalar without quotes, by the core schema of YAML 1.2. */
function plainScalar(text: string): Scalar {
  const word = WORDS.get(text);
  if (word !== undefined) {
    return word as Scalar;
  }
  const number = Number(text.replaceAll("_", ""));
  return NUMBER.test(text) && /\d/.test(text) && Number.isFinite(number) ? number : text;
}
