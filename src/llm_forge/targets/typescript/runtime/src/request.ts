/**
 * From a caller's arguments to a frozen request, rebuilt with its credential for every attempt.
 *
 * Rules of this file:
 * - The body is encoded once, when the call begins; later changes by the caller reach no attempt.
 * - A credential is added at send time only, to a copy nobody keeps.
 * - Method, path, header and query values with CR, LF or NUL are refused before any I/O.
 */

import { encodeQuery, fillPath } from "./base-url.js";
import { InvalidRequestError } from "./core/errors.js";
import type { Pair } from "./core/headers.js";
import { decode, isObject } from "./core/json.js";
import type { Operation, Profile } from "./core/profile.js";
import { textOf } from "./core/text.js";
import { VERSION } from "./core/version.js";
import { checkHeader } from "./header-check.js";
import type { Extras, Settings } from "./options.js";
import { pairs, pathSegments, texts } from "./parameters.js";
import { makePayload } from "./payload.js";
import type { HttpRequest } from "./transport.js";

export const ACCEPT_ENCODING = "gzip, deflate";
export const USER_AGENT = `llm-forge/${VERSION}`;
const DEFAULT_OUTPUT_TOKENS = 1024;
const OUTPUT_LIMITS = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

type Values = Readonly<Record<string, unknown>>;

/** What an operation's arguments become, by wire name; a value that is undefined is left out. */
export interface RequestParts {
  readonly path?: Values | undefined;
  readonly query?: Values | undefined;
  readonly headers?: Values | undefined;
  readonly cookies?: Values | undefined;
  readonly body?: unknown;
  /** Absolute; stands for base URL, path and query. */
  readonly url?: string | undefined;
}

/** A request without its credential, and what the loop must know of it. */
export interface Prepared {
  readonly request: HttpRequest;
  readonly model: string | null;
  readonly estimatedInput: number;
  readonly requestedOutput: number;
}

/** What a request is made of beside its parts. */
export interface Preparation {
  readonly operation: Operation;
  readonly profile: Profile;
  readonly baseUrl: string;
  readonly settings: Settings;
  readonly extras: Extras;
  readonly streaming: boolean;
}

/** The frozen request of a call; InvalidRequestError for anything that cannot be sent. */
export function prepare(given: Preparation, parts: RequestParts): Prepared {
  const { operation, extras } = given;
  const payload = makePayload(operation, parts.body, extras.body, given.streaming);
  const path = fillPath(operation.path, pathSegments(parts.path ?? {}, operation.styles));
  const url = parts.url ?? given.baseUrl + path + queryOf(operation, { ...parts.query, ...extras.query });
  const fields = new Map<string, string>([
    ["accept", accepted(operation, given.streaming)],
    ["accept-encoding", ACCEPT_ENCODING],
    ["user-agent", USER_AGENT],
  ]);
  if (payload.mediaType !== "") {
    fields.set("content-type", payload.mediaType);
  }
  for (const [name, value] of [...Object.entries(given.profile.headers), ...checkedHeaders(given, parts)]) {
    fields.set(name.toLowerCase(), value);
  }
  return prepared(
    { method: operation.method, url, headers: [...fields], body: payload.body },
    payload.values,
  );
}

/** The request that call middleware made of a prepared one, and what it now asks for. */
export function prepareAgain(before: Prepared, request: HttpRequest): Prepared {
  if (request.body === before.request.body || !isJson(request)) {
    return { ...before, request };
  }
  const content = request.body instanceof Uint8Array ? decode(textOf(request.body)) : null;
  return prepared(request, isObject(content) ? content : {});
}

function isJson(request: HttpRequest): boolean {
  const kinds = request.headers.filter(([name]) => name === "content-type").map(([, value]) => value);
  return request.body instanceof Uint8Array && kinds.at(-1)?.endsWith("json") === true;
}

function prepared(request: HttpRequest, content: Values): Prepared {
  const { model } = content;
  const { body } = request;
  return {
    request,
    model: typeof model === "string" ? model : null,
    // Files are no tokens: only JSON counts.
    estimatedInput: body instanceof Uint8Array && isJson(request) ? body.length / 4 : 0,
    requestedOutput: requestedOutput(content),
  };
}

/** Whether a key is really sent, where the provider honours one. */
export function isKeyed(request: HttpRequest, profile: Profile): boolean {
  const name = profile.idempotencyHeader?.toLowerCase();
  return request.headers.some(([field, value]) => field === name && value !== "");
}

/** The request with the attempt's number, and how many came before it, where a header is named. */
export function withAttempt(request: HttpRequest, profile: Profile, number: number): HttpRequest {
  const told = [
    [profile.attemptHeader, number],
    [profile.previousAttemptsHeader, number - 1],
  ] as const;
  const fields = told.flatMap(([name, count]): Pair[] =>
    name === null ? [] : [[name.toLowerCase(), String(count)]],
  );
  return fields.length === 0 ? request : { ...request, headers: [...request.headers, ...fields] };
}

function requestedOutput(values: Values): number {
  const found = OUTPUT_LIMITS.map((name) => values[name]).find((value) => Number.isInteger(value));
  return found === undefined ? DEFAULT_OUTPUT_TOKENS : Number(found);
}

function accepted(operation: Operation, streaming: boolean): string {
  if (!streaming || operation.stream === null) {
    return operation.accept;
  }
  return operation.stream.ndjson ? "application/x-ndjson" : "text/event-stream";
}

/** What comes from the caller; the client's and the description's own need no check. */
function checkedHeaders(
  { operation, profile, settings, extras }: Preparation,
  parts: RequestParts,
): readonly Pair[] {
  const given: Pair[] = [];
  if (profile.idempotencyHeader !== null) {
    const key = extras.idempotencyKey ?? (operation.replay === "keyed" ? crypto.randomUUID() : null);
    given.push(...(key === null ? [] : [[profile.idempotencyHeader.toLowerCase(), key] as const]));
  }
  const cookies = texts("cookies", parts.cookies ?? {}, operation.styles);
  if (cookies.length > 0) {
    given.push(["cookie", cookies.map(([name, value]) => `${name}=${cookieValue(value)}`).join("; ")]);
  }
  if (extras.traceParent !== null) {
    given.push(["traceparent", extras.traceParent]);
  }
  const sources = [
    ...texts("headers", settings.headers, {}),
    ...texts("headers", parts.headers ?? {}, operation.styles),
    ...texts("headers", extras.headers, {}),
  ];
  given.push(...sources.map(([name, value]) => [name.toLowerCase(), value] as const));
  for (const [name, value] of given) {
    checkHeader(name, value);
  }
  return given;
}

/** The value of a cookie; what it cannot hold is percent-encoded (RFC 6265 section 4.1). */
function cookieValue(text: string): string {
  return text.replace(/[^!#$&'()*+\-./0-9:<=>?@A-Z[\]^_`a-z{|}~]+/gu, (piece) => encodeURIComponent(piece));
}

function queryOf(operation: Operation, values: Values): string {
  const found = pairs(values, operation.styles);
  for (const [name, text] of found) {
    if (/[\r\n\u0000]/.test(name + text)) {
      throw new InvalidRequestError(`Query parameter "${name}" contains CR, LF or NUL`);
    }
  }
  return encodeQuery(found);
}
