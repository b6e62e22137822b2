/** User and password in the Authorization header (R-021, RFC 7617). */

import type { Call } from "../context.js";
import { ConfigError } from "../core/errors.js";
import { Secret } from "../core/secrets.js";
import { base64 } from "../core/text.js";
import type { HttpRequest } from "../transport.js";
import { AuthPolicy, withHeader } from "./policy.js";

/** `auth: new Basic(user, password)`. The user may have no colon, neither may have control characters. */
export class Basic {
  readonly password: Secret;

  constructor(
    readonly user: string,
    password: string | Secret,
  ) {
    if (typeof user !== "string" || user.includes(":") || hasControl(user)) {
      throw new ConfigError("Basic.user must be text without a colon or control characters");
    }
    if (
      !(password instanceof Secret) &&
      (typeof password !== "string" || password === "" || hasControl(password))
    ) {
      throw new ConfigError("Basic.password must be text without control characters");
    }
    this.password = password instanceof Secret ? password : new Secret(password);
  }
}

/** Sends `Authorization: Basic <user:password in Base64>`. */
export class BasicPolicy extends AuthPolicy {
  override readonly source: string;
  readonly #pair: Secret;
  readonly #password: Secret;

  constructor(given: Basic, source = "client argument") {
    super();
    this.source = source;
    this.#password = given.password;
    this.#pair = pairInBase64(given.user, given.password);
  }

  /** The password, and the form it is sent in. */
  override secrets(): readonly Secret[] {
    return [this.#password, this.#pair];
  }

  override authorize(request: HttpRequest, _call: Call): Promise<HttpRequest> {
    return Promise.resolve(withHeader(request, "authorization", `Basic ${this.#pair.reveal()}`));
  }
}

/** `user:password` as UTF-8 in Base64. */
export function pairInBase64(user: string, password: Secret): Secret {
  return new Secret(base64(new TextEncoder().encode(`${user}:${password.reveal()}`)));
}

/** Whether a text has a control character (RFC 7617 section 2). */
function hasControl(text: string): boolean {
  return /[\u0000-\u001f\u007f]/.test(text);
}
