/** A bearer token in the Authorization header (R-021, RFC 6750). */

import type { Call } from "../context.js";
import type { Secret } from "../core/secrets.js";
import type { HttpRequest } from "../transport.js";
import type { KeySource } from "./credential.js";
import { Credential, sealed } from "./credential.js";
import { AuthPolicy, withHeader } from "./policy.js";

/** `auth: new Bearer(token)`; the token is text, a Secret, or a function asked at each attempt. */
export class Bearer {
  readonly token: KeySource;

  constructor(token: KeySource) {
    this.token = sealed(token, "Bearer.token");
  }
}

/** Sends `Authorization: Bearer <token>`. */
export class BearerPolicy extends AuthPolicy {
  override readonly source: string;

  constructor(private readonly credential: Credential) {
    super();
    this.source = credential.source;
  }

  override secrets(): readonly Secret[] {
    return this.credential.secret === null ? [] : [this.credential.secret];
  }

  /** The request with the token, which is asked for anew at each attempt. */
  override async authorize(request: HttpRequest, call: Call): Promise<HttpRequest> {
    const token = await this.credential.current(call.signal);
    call.secrets.push(token);
    return withBearer(request, token);
  }
}

/** The request with `Authorization: Bearer <token>`. */
export function withBearer(request: HttpRequest, token: Secret): HttpRequest {
  return withHeader(request, "authorization", `Bearer ${token.reveal()}`);
}
