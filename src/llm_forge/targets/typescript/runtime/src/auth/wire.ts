/** The step between a prepared request and the network: credentials for trusted origins, none elsewhere. */

import type { Call } from "../context.js";
import type { HttpRequest } from "../transport.js";

const TRACE_HEADERS: ReadonlySet<string> = new Set(["traceparent", "tracestate", "baggage"]);

/**
 * The request as it goes on the wire.
 *
 * For an origin that is neither the base URL's nor listed in `trustedOrigins` no auth policy runs, and headers
 * that hold secrets are taken away, as is the trace context.
 */
export function authorized(call: Call, request: HttpRequest, ends: number): Promise<HttpRequest> {
  if (call.shared.trusts(request.url)) {
    return call.shared.auth.authorize(request, call, ends);
  }
  const kept = request.headers.filter(
    ([name]) => !TRACE_HEADERS.has(name) && !call.shared.isSecretHeader(name),
  );
  return Promise.resolve({ ...request, headers: kept });
}
