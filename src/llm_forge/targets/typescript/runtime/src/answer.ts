/** A 2xx answer: the JSON (or nothing) that an operation promises, or the typed error that it is. */

import type { Call } from "./context.js";
import { mayBeError, streamError } from "./core/error-body.js";
import type { ForgeError } from "./core/errors.js";
import { InvalidResponseError } from "./core/errors.js";
import { decode, isObject, JsonError } from "./core/json.js";
import { lacksAtTop, missingPaths } from "./core/required.js";
import { textOf } from "./core/text.js";
import type { Exchange } from "./transport.js";

const SHOWN_PATHS = 5;
export const NO_CONTENT: ReadonlySet<number> = new Set([204, 205]);

/** The media type of an answer in lower case, null if it names none. */
export function mediaType(exchange: Exchange): string | null {
  const kind = exchange.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  return kind === "" ? null : kind;
}

/** The JSON of a 2xx body, undefined for an operation that promises no body; throws the error that it is. */
export function readResult(call: Call, exchange: Exchange, body: Uint8Array): unknown {
  const promised = call.operation.answer;
  if (promised === "empty") {
    throwErrorInstead(call, exchange, body);
    return undefined;
  }
  const [value, problem] = decoded(exchange, body);
  const reason =
    problem === "" && promised === "object" && !isObject(value) ? "is not a JSON object" : problem;
  if (reason !== "") {
    throw invalidResponse(call, exchange, `The ${exchange.status} answer ${reason}`, body);
  }
  const error = errorInside(call, value) ?? (call.streaming ? null : lacking(call, value));
  if (error !== null) {
    throw error;
  }
  return value;
}

/**
 * The error of a result without a required field, where the call is strict.
 *
 * Elsewhere missing fields are only counted, and only those of the result's own top level.
 */
export function lacking(call: Call, result: unknown): InvalidResponseError | null {
  const shape = call.operation.shape?.() ?? null;
  if (shape === null) {
    return null;
  }
  if (!call.settings.strict) {
    call.shared.missingFields += lacksAtTop(shape, result);
    return null;
  }
  const paths: string[] = [];
  for (const path of missingPaths(shape, result)) {
    paths.push(path);
    if (paths.length === SHOWN_PATHS) {
      break;
    }
  }
  return paths.length === 0 ? null : new InvalidResponseError(`The answer lacks ${paths.join(", ")}`);
}

/** The error of a 2xx answer that is not what was asked for, with its redacted beginning. */
export function invalidResponse(
  call: Call,
  exchange: Exchange,
  message: string,
  body: Uint8Array,
): InvalidResponseError {
  return new InvalidResponseError(`${message}; is baseURL really the API?`, {
    status: exchange.status,
    body: call.redactor.text(textOf(body.subarray(0, 400))).slice(0, 200),
    headers: call.redactor.headers(exchange.headers),
  });
}

/**
 * Throw the error that came where nothing was promised; any other body is of no use to anyone.
 *
 * A page is an error too: it is a portal or a proxy that answered, not the API.
 */
function throwErrorInstead(call: Call, exchange: Exchange, body: Uint8Array): void {
  if (NO_CONTENT.has(exchange.status)) {
    return;
  }
  if (textOf(body).trim() !== "" && mediaType(exchange) === "text/html") {
    throw invalidResponse(call, exchange, `The ${exchange.status} answer is a page`, body);
  }
  const error = errorInside(call, decoded(exchange, body)[0]);
  if (error !== null) {
    throw error;
  }
}

function errorInside(call: Call, value: unknown): ForgeError | null {
  if (!mayBeError("", value) || (isObject(value) && "id" in value)) {
    return null; // an object of its own, such as a failed job, may tell of an error without being one
  }
  const error = streamError(value, call.shared.profile, call.redactor, call.requestId);
  // The class of errors inside streams, but this is a whole answer.
  return error?.enrich({ midStream: false }) ?? null;
}

/** The decoded body and "", or undefined and the reason why it is no JSON. */
function decoded(exchange: Exchange, body: Uint8Array): readonly [unknown, string] {
  const kind = mediaType(exchange) ?? "application/json";
  if (kind !== "application/json" && !kind.endsWith("+json")) {
    return [undefined, `is ${kind}, not JSON`];
  }
  try {
    return [decode(textOf(body)), ""];
  } catch (error) {
    if (!(error instanceof JsonError)) {
      throw error;
    }
    return [undefined, body.length === 0 ? "is empty" : `is not valid JSON: ${error.message}`];
  }
}
