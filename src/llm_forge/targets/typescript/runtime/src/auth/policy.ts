/** What every policy is, and the one that sends no credential. */

import type { Call } from "../context.js";
import type { Secret } from "../core/secrets.js";
import type { HttpRequest } from "../transport.js";

/** Adds nothing to a request. Policies extend it. */
export class AuthPolicy {
  /** Where the credential came from, for `sources()`. */
  readonly source: string = "none";
  /** Headers of its own choice, besides the usual ones. */
  readonly headerNames: readonly string[] = [];
  readonly parameterNames: readonly string[] = [];

  /**
   * The request as it goes on the wire; `ends` is when the attempt's timer fires.
   *
   * AuthError if the credential cannot be had.
   */
  authorize(request: HttpRequest, _call: Call, _ends: number): Promise<HttpRequest> {
    return Promise.resolve(request);
  }

  /** What no text may show, whichever call it belongs to. */
  secrets(): readonly Secret[] {
    return [];
  }

  /** Take note of a 401; whether another attempt would have another credential. */
  refused(_call: Call): boolean {
    return false;
  }

  /** End what runs in the background. */
  close(): void {
    // Nothing does.
  }
}

/** The request with one more header, unless the caller gave that header itself. */
export function withHeader(request: HttpRequest, name: string, value: string): HttpRequest {
  if (request.headers.some(([field]) => field === name)) {
    return request;
  }
  return { ...request, headers: [...request.headers, [name, value]] };
}
