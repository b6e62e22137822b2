/** Credentials that do not show themselves. */

import { ConfigError } from "./errors.js";

export const REDACTED = "[redacted]";

/** A credential; every way to look at it gives `[redacted]`, only `reveal()` gives the value. */
export class Secret {
  // A private name: neither `console.log`, JSON, spreading nor `structuredClone` sees it.
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /**
   * The secret in `text`, without the white space around it.
   *
   * ConfigError naming `source`, never the value, if it is empty or has a character that cannot stand in a
   * header.
   */
  static clean(text: string, source: string): Secret {
    const value = text.trim();
    if (value === "") {
      throw new ConfigError(`${source} is empty: set it to the credential`);
    }
    const position = value.search(/[^!-~]/);
    if (position >= 0) {
      const problem = kindOf(value.charCodeAt(position));
      throw new ConfigError(
        `${source} holds ${problem} at position ${position + 1}: a credential is visible ASCII only; copy it again`,
      );
    }
    return new Secret(value);
  }

  /** The credential itself. */
  reveal(): string {
    return this.#value;
  }

  /** Whether two secrets hold the same credential. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  /** What tells secrets apart without telling them: the first 8 hex digits of the SHA-256. */
  async fingerprint(): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(this.#value));
    return Array.from(new Uint8Array(digest, 0, 4), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  /** What Node's and Deno's consoles show. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}

function kindOf(code: number): string {
  if (code === 0x20) {
    return "a space";
  }
  return code < 0x20 || code === 0x7f ? "a control character" : "a character outside visible ASCII";
}
