/** A secret that is given, or asked for at each attempt. */

import { abortable } from "../abort.js";
import { AuthError, ConfigError, ForgeError } from "../core/errors.js";
import { Secret } from "../core/secrets.js";

type Answer = string | Secret;

/** Text, a Secret, or a function that is asked once per attempt. */
export type KeySource = Answer | (() => Answer | Promise<Answer>);

/** A fixed secret, or a function; `source` says where it came from. */
export class Credential {
  private constructor(
    readonly secret: Secret | null,
    readonly ask: (() => Answer | Promise<Answer>) | null,
    readonly source: string,
  ) {}

  /** The credential in an option; ConfigError names the option, never the value. */
  static from(value: unknown, name: string, source = "client argument"): Credential {
    if (value instanceof Credential) {
      return value;
    }
    if (value instanceof Secret) {
      return new Credential(value, null, source);
    }
    if (typeof value === "string") {
      return new Credential(Secret.clean(value, name), null, source);
    }
    if (typeof value === "function") {
      return new Credential(null, value as () => Answer, source);
    }
    throw new ConfigError(`${name} must be a string, a Secret or a function, not ${typeof value}`);
  }

  /** The secret for this attempt; a function's failure is AuthError with its cause. */
  async current(signal: AbortSignal): Promise<Secret> {
    if (this.secret !== null) {
      return this.secret;
    }
    return this.#checked(await this.#asked(signal));
  }

  async #asked(signal: AbortSignal): Promise<unknown> {
    try {
      return await abortable(this.ask?.(), signal);
    } catch (error) {
      if (signal.aborted || error instanceof ForgeError) {
        throw error;
      }
      const kind = error instanceof Error ? error.name : typeof error;
      throw new AuthError(`The credential could not be obtained (${this.source}): ${kind}`, {}, error);
    }
  }

  #checked(answer: unknown): Secret {
    if (answer instanceof Secret) {
      return answer;
    }
    if (typeof answer !== "string") {
      throw new AuthError(
        `The credential's function (${this.source}) returned ${typeof answer}, expected a string`,
      );
    }
    try {
      return Secret.clean(answer, `the function's result (${this.source})`);
    } catch (error) {
      throw error instanceof ConfigError ? new AuthError(error.message) : error;
    }
  }
}

/** The secrets in an option's value as nothing shows them: text becomes a Secret. */
export function sealed(value: KeySource, owner: string): Secret | (() => Answer | Promise<Answer>) {
  return typeof value === "string" ? Secret.clean(value, owner) : value;
}
