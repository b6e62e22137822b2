/**
 * Text, headers and URLs without credentials.
 *
 * A secret is found as it is, percent-encoded, JSON-escaped (also mixed: each character that an encoder may touch
 * is taken in any of these spellings) and inside Base64 at each of the three alignments.
 */

import type { Headers } from "./headers.js";
import { REDACTED, Secret } from "./secrets.js";
import { base64, bytesOf } from "./text.js";

const SECRET_HEADERS = [
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
];
const SHOWN_HEADERS: ReadonlySet<string> = new Set([
  "content-type",
  "date",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "openai-processing-ms",
  "cf-ray",
  "mistral-correlation-id",
]);
const SHOWN_PARTS = ["ratelimit", "request-id"];
const QUERY_VALUE =
  /([?&;][^=&#?;]{0,64}(?:key|token|secret|sig|auth|passw|credential)[^=&#?;]{0,64}=)[^&#\s]*/gi;
const USER_INFO = /(:\/\/)[^/?#@\s]*@/g;
// A credential by its scheme, although it is none of ours. Other keys that a provider quotes in its own message
// stay: the message is the provider's.
const LOOKS_SECRET = /\b(bearer|basic)(\s+)[\w.~+/=*-]{8,}/gi;
const HALF_MASKED = /(?<![\w*-])([\w-]+)\*{3,}([\w-]*)/g;
const MIN_BASE64 = 8;
// A shorter credential is a word of a test or a local server: it goes where it stands alone, for inside other
// words it is chance.
const SHORTEST_ANYWHERE = 8;
const SHORTEST_PART = 4;
const SECRET_NAME =
  /(?:^|[-_])(?:api-?key|token|secret|auth|authorization|cookie|password|credentials?)(?:$|[-_])/i;

/** Whether a header's name says that its value is a credential. */
export function namesASecret(header: string): boolean {
  return SECRET_HEADERS.includes(header.toLowerCase()) || SECRET_NAME.test(header);
}

/** What to look for of a secret header's value: all of it, what follows a scheme, values of cookies. */
export function secretsInHeader(value: string): readonly Secret[] {
  const words = value
    .split(/\s+/)
    .filter((word) => word !== "")
    .slice(1);
  const cookies = value.split(";").map((pair) => pair.slice(indexAfter(pair, "=")).trim());
  const parts = [...words, ...cookies].filter((part) => part.length >= SHORTEST_PART);
  return [...new Set([value.trim(), ...parts])].filter((text) => text !== "").map((text) => new Secret(text));
}

function indexAfter(text: string, mark: string): number {
  const found = text.indexOf(mark);
  return found < 0 ? text.length : found + mark.length;
}

/** Replaces credentials by `[redacted]`; made once per client from everything it holds secret. */
export class Redactor {
  readonly #values: readonly string[];
  readonly #secrets: RegExp | null;
  readonly #hidden: ReadonlySet<string>;
  readonly #parameters: readonly string[];

  constructor(
    secrets: readonly Secret[] = [],
    secretHeaders: readonly string[] = [],
    secretParameters: readonly string[] = [],
  ) {
    const values = [...new Set(secrets.map((secret) => secret.reveal()))].filter((value) => value !== "");
    values.sort((one, other) => other.length - one.length);
    const forms = values.flatMap(formsOf);
    this.#values = values;
    this.#secrets = forms.length === 0 ? null : new RegExp(forms.join("|"), "gu");
    this.#hidden = new Set([...SECRET_HEADERS, ...secretHeaders.map((name) => name.toLowerCase())]);
    this.#parameters = secretParameters;
  }

  /** The text with every credential replaced. */
  text(text: string): string {
    const known = this.#secrets === null ? text : text.replace(this.#secrets, REDACTED);
    const unmasked = known.replace(HALF_MASKED, (whole: string, head: string, tail: string) =>
      this.#isOurs(head, tail) ? REDACTED : whole,
    );
    return unmasked.replace(LOOKS_SECRET, `$1$2${REDACTED}`);
  }

  /** Whether a half-masked key is one of ours: no character of a secret is shown. */
  #isOurs(head: string, tail: string): boolean {
    return this.#values.some((value) => value.startsWith(head) && value.endsWith(tail));
  }

  /** The headers worth keeping on an error: limits, waits, ids and the content type. */
  headers(headers: Headers): Record<string, string> {
    const names = [...headers.names()].filter((name) => this.#shows(name));
    return Object.fromEntries(names.map((name) => [name, this.text(headers.get(name) ?? "")]));
  }

  /** The URL without user-info and without the values of query parameters that hold secrets. */
  url(url: string): string {
    let shown = url.replace(USER_INFO, "$1").replace(QUERY_VALUE, `$1${REDACTED}`);
    for (const name of this.#parameters) {
      const encoded = new URLSearchParams([[name, ""]]).toString().slice(0, -1);
      shown = shown.replace(new RegExp(`([?&;]${escaped(encoded)}=)[^&#\\s]*`, "g"), `$1${REDACTED}`);
    }
    return this.text(shown);
  }

  #shows(name: string): boolean {
    return (
      !this.#hidden.has(name) && (SHOWN_HEADERS.has(name) || SHOWN_PARTS.some((part) => name.includes(part)))
    );
  }
}

/** Patterns for one secret. */
function formsOf(value: string): string[] {
  const plain = Array.from(value, formOf).join("");
  if (value.length < SHORTEST_ANYWHERE) {
    return [`(?<![\\w\\-])${plain}(?![\\w\\-])`];
  }
  return [plain, ...base64Forms(bytesOf(value))];
}

/** One character as it is, percent-encoded, or escaped for JSON any number of times. */
function formOf(char: string): string {
  if (/^[A-Za-z0-9_.-]$/.test(char)) {
    return escaped(char); // no encoder touches these
  }
  const percent = Array.from(bytesOf(char), (byte) => `%${eitherCase(hex(byte, 2))}`).join("");
  const code = eitherCase(hex(char.codePointAt(0) ?? 0, 4));
  const literal = char === "\\" ? "\\\\+" : escaped(char);
  return `(?:${char === '"' || char === "/" ? "\\\\*" : ""}${literal}|${percent}|\\\\+[uU]${code})`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** A pattern for hex digits in capitals or not. */
function eitherCase(digits: string): string {
  return digits.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The Base64 characters that depend on the secret alone, whatever stands before and after it. */
function base64Forms(value: Uint8Array): string[] {
  const forms = new Set<string>();
  for (const before of [0, 1, 2]) {
    const padded = new Uint8Array(before + value.length);
    padded.set(value, before);
    const first = Math.floor((before * 8 + 5) / 6);
    const last = Math.floor(((before + value.length) * 8) / 6);
    const part = base64(padded).replace(/=+$/, "").slice(first, last);
    if (part.length >= MIN_BASE64) {
      forms.add(part).add(part.replaceAll("+", "-").replaceAll("/", "_"));
    }
  }
  return [...forms].map(escaped);
}
