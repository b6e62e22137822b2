/** An API key in a header, a query parameter or a cookie. */

import type { Call } from "../context.js";
import { AuthError, ConfigError } from "../core/errors.js";
import type { Secret } from "../core/secrets.js";
import type { HttpRequest } from "../transport.js";
import type { KeySource } from "./credential.js";
import { Credential, sealed } from "./credential.js";
import { AuthPolicy, withHeader } from "./policy.js";

export type Placement = "header" | "query" | "cookie";

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const ENDS_A_COOKIE = /[",;\\]/;

/** `auth: new ApiKey(key, "query", "key")`: a key where a gateway or a provider wants it. */
export class ApiKey {
  readonly key: KeySource;

  constructor(
    key: KeySource,
    readonly placement: Placement = "header",
    readonly name = "x-api-key",
  ) {
    if (!["header", "query", "cookie"].includes(placement)) {
      throw new ConfigError('ApiKey.placement must be "header", "query" or "cookie"');
    }
    if (name === "" || (placement !== "query" && !NAME.test(name))) {
      throw new ConfigError(`ApiKey.name "${name}" has a character that HTTP does not allow`);
    }
    this.key = sealed(key, "ApiKey.key");
  }
}

/** Puts a key in its place. */
export class ApiKeyPolicy extends AuthPolicy {
  override readonly source: string;
  override readonly headerNames: readonly string[];
  override readonly parameterNames: readonly string[];

  constructor(
    private readonly credential: Credential,
    private readonly placement: Placement,
    private readonly name: string,
  ) {
    super();
    this.source = credential.source;
    this.headerNames = placement === "header" ? [name] : [];
    this.parameterNames = placement === "query" ? [name] : [];
  }

  override secrets(): readonly Secret[] {
    return this.credential.secret === null ? [] : [this.credential.secret];
  }

  /** The request with the key, which is asked for anew at each attempt. */
  override async authorize(request: HttpRequest, call: Call): Promise<HttpRequest> {
    const key = await this.credential.current(call.signal);
    call.secrets.push(key);
    return this.#placed(request, key);
  }

  #placed(request: HttpRequest, key: Secret): HttpRequest {
    if (this.placement === "query") {
      const joint = request.url.includes("?") ? "&" : "?";
      const pair = new URLSearchParams([[this.name, key.reveal()]]).toString();
      return { ...request, url: `${request.url}${joint}${pair}` };
    }
    return this.placement === "cookie"
      ? withCookie(request, this.name, key)
      : withHeader(request, this.name.toLowerCase(), key.reveal());
  }
}

/** The request with one more cookie; those of the caller stay, in one header (RFC 6265 section 5.4). */
function withCookie(request: HttpRequest, name: string, value: Secret): HttpRequest {
  if (ENDS_A_COOKIE.test(value.reveal())) {
    throw new AuthError("The key has a character that cannot stand in a cookie");
  }
  const others = request.headers.filter(([field]) => field === "cookie").map(([, text]) => text);
  const kept = request.headers.filter(([field]) => field !== "cookie");
  return { ...request, headers: [...kept, ["cookie", [...others, `${name}=${value.reveal()}`].join("; ")]] };
}
