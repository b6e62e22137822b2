/** An auth provider of the user's own: a signature, a vault, a scheme we do not know. */

import { abortable } from "../abort.js";
import type { Call } from "../context.js";
import type { CallContext } from "../core/call-context.js";
import { AuthError, ForgeError, InvalidRequestError } from "../core/errors.js";
import { isObject } from "../core/json.js";
import { Secret } from "../core/secrets.js";
import { checkHeader } from "../header-check.js";
import type { Body, HttpRequest } from "../transport.js";
import { sha256Of } from "../uploads.js";
import { AuthPolicy } from "./policy.js";

/**
 * A request as it is about to be sent, without credentials.
 *
 * Header names are in lower case. `context` is that of the call, with the number of the attempt.
 */
export class AuthRequest {
  readonly #body: Body;

  constructor(
    readonly method: string,
    readonly url: string,
    readonly headers: Readonly<Record<string, string>>,
    readonly context: CallContext,
    body: Body,
  ) {
    this.#body = body;
  }

  /**
   * The body's digest in hex digits, null for a body that can be read only once.
   *
   * A file is read for it, so ask only if the signature needs it.
   */
  bodySha256(): Promise<string | null> {
    return sha256Of(this.#body);
  }
}

type Added = Readonly<Record<string, string>>;

/** An object that may be given as `auth`: it answers with the headers to add, asked at every attempt. */
export interface AuthProvider {
  authorize(request: AuthRequest): Added | Promise<Added>;
}

/** Whether an option is such an object. */
export function isProvider(value: unknown): value is AuthProvider {
  return isObject(value) && typeof value["authorize"] === "function";
}

/** Asks the user's object. */
export class ProviderPolicy extends AuthPolicy {
  override readonly source: string = "client argument";

  constructor(private readonly provider: AuthProvider) {
    super();
  }

  /** The request with the provider's headers; a failure is AuthError with its cause. */
  override async authorize(request: HttpRequest, call: Call): Promise<HttpRequest> {
    const headers = Object.freeze(Object.fromEntries(request.headers));
    const described = new AuthRequest(request.method, request.url, headers, call.context, request.body);
    return withHeaders(request, await this.#asked(described, call.signal), call);
  }

  async #asked(described: AuthRequest, signal: AbortSignal): Promise<unknown> {
    try {
      return await abortable(this.provider.authorize(described), signal);
    } catch (error) {
      if (signal.aborted || error instanceof ForgeError) {
        throw error;
      }
      throw new AuthError(
        `The auth provider failed: ${error instanceof Error ? error.name : typeof error}`,
        {},
        error,
      );
    }
  }
}

function withHeaders(request: HttpRequest, added: unknown, call: Call): HttpRequest {
  if (!isObject(added)) {
    throw new AuthError(`The auth provider returned ${typeof added}, expected an object of headers`);
  }
  const pairs = Object.entries(added).map(([name, value]) => checkedPair(name.toLowerCase(), value, call));
  const names = new Set(pairs.map(([name]) => name));
  return { ...request, headers: [...request.headers.filter(([name]) => !names.has(name)), ...pairs] };
}

function checkedPair(name: string, value: unknown, call: Call): readonly [string, string] {
  if (typeof value !== "string") {
    throw new AuthError(`The auth provider's header "${name}" is ${typeof value}, expected text`);
  }
  call.secrets.push(new Secret(value));
  try {
    checkHeader(name, value);
  } catch (error) {
    throw error instanceof InvalidRequestError ? new AuthError(error.message) : error;
  }
  return [name, value];
}
