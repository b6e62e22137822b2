/**
 * A provider's error answer, of whatever form, as one typed error.
 *
 * Rules of this file:
 * - The class follows the status; inside a stream, where there is none, the type's status.
 * - Message text is shown, never read to classify.
 * - Redaction comes before shortening, so that half a credential never survives.
 * - The body is kept without the input values that validation reports echo.
 */

import type { ErrorDetail, ErrorFacts } from "./errors.js";
import { ApiError, classForStatus, MESSAGE_LIMIT, QuotaExceededError } from "./errors.js";
import type { Headers } from "./headers.js";
import { unescapeHtml } from "./html.js";
import type { JsonObject } from "./json.js";
import { decode, isObject, show } from "./json.js";
import type { Profile } from "./profile.js";
import type { Redactor } from "./redact.js";
import { REDACTED } from "./secrets.js";
import { textOf } from "./text.js";

// Types and codes that several providers share; a profile's own table comes first.
const STATUS_OF_TYPE: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  invalid_request: 400,
  bad_request: 400,
  context_length_exceeded: 400,
  tool_use_failed: 400,
  json_validate_failed: 400,
  authentication_error: 401,
  invalid_api_key: 401,
  billing_error: 402,
  permission_error: 403,
  permission_denied: 403,
  not_found_error: 404,
  model_not_found: 404,
  conflict_error: 409,
  request_too_large: 413,
  validation_error: 422,
  unprocessable_entity: 422,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  rate_limited: 429,
  insufficient_quota: 429,
  tokens: 429,
  requests: 429,
  capacity_exceeded: 498,
  api_error: 500,
  server_error: 500,
  internal_error: 500,
  internal_server_error: 500,
  service_unavailable: 503,
  service_unavailable_error: 503,
  timeout_error: 504,
  gateway_timeout: 504,
  overloaded_error: 529,
  overloaded: 529,
};
const STATUS_FIELDS = ["status", "status_code", "raw_status_code", "code"];
// Bounded, so that a hostile page costs no more than a plain one.
const TITLE = /<(title|h1)\b[^<>]{0,200}>([^\0]{0,1000}?)<\/\1/i;
const TAG = /<[^<>]*>/g;
export const ERROR_EVENTS: ReadonlySet<string> = new Set([
  "error",
  "response.failed",
  "conversation.response.error",
]);
const EVENT_KEYS = ["type", "object", "choices", "id"];

/** What an error body says. */
interface Report {
  readonly message: string;
  readonly type: string | null;
  readonly code: string | null;
  readonly param: string | null;
  readonly details: readonly ErrorDetail[];
  readonly status: number | null;
}

function saying(message: string): Report {
  return { message, type: null, code: null, param: null, details: [], status: null };
}

/**
 * What is known of a failed answer beside its body.
 *
 * `retryAfter` is the server's wait in seconds; with one of at most `maxServerWait` an exhausted quota is an
 * ordinary rate limit.
 */
export interface FailedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly retryAfter: number | null;
  readonly maxServerWait: number;
}

/** The typed error of an answer with an error status. */
export function apiError(answer: FailedAnswer, profile: Profile, redactor: Redactor): ApiError {
  const { status, retryAfter } = answer;
  const text = textOf(answer.body);
  const read = decoded(text);
  const report = read === undefined ? textReport(text) : jsonReport(read);
  const waits = retryAfter !== null && retryAfter <= answer.maxServerWait;
  const spent = status === 429 && !waits && isTerminalQuota(report, profile);
  const cls = spent ? QuotaExceededError : classForStatus(status);
  const message = oneLine(redactor.text(report.message));
  return new cls(message === "" ? `${profile.name} answered ${status} without a message` : message, {
    ...common(report, profile, redactor),
    status,
    requestId: redacted(requestIdOf(answer.headers, profile, read), redactor),
    retryAfter,
    body: read === undefined ? redactor.text(text) : shownBody(read, redactor),
    headers: redactor.headers(answer.headers),
  });
}

/** The typed error that a decoded stream event is, null for every other event. */
export function streamError(
  data: unknown,
  profile: Profile,
  redactor: Redactor,
  requestId: string | null,
): ApiError | null {
  if (!isError(data)) {
    return null;
  }
  const report = jsonReport(data);
  const status = report.status ?? statusOf(report, profile);
  const spent = (status === 402 || status === 429) && isTerminalQuota(report, profile);
  const cls = spent ? QuotaExceededError : status === null ? ApiError : classForStatus(status);
  const message = oneLine(redactor.text(report.message));
  return new cls(
    message === "" ? `${profile.name} ended the stream with an error without a message` : message,
    {
      ...common(report, profile, redactor),
      status,
      requestId: redacted(bodyRequestId(data) ?? requestId, redactor),
      midStream: true,
      body: shownBody(data, redactor),
    },
  );
}

/** Whether type or code says that waiting does not help. */
function isTerminalQuota(report: Report, profile: Profile): boolean {
  const codes = profile.errors.terminalCodes;
  return codes.includes(report.type ?? "") || codes.includes(report.code ?? "");
}

/** The provider's request id: the profile's headers in order, the usual ones, the body. */
export function requestIdOf(headers: Headers, profile: Profile, body?: unknown): string | null {
  for (const name of [...profile.requestIdHeaders, "request-id", "x-request-id"]) {
    const found = headers.get(name) ?? "";
    if (found !== "") {
      return found;
    }
  }
  return bodyRequestId(body);
}

function bodyRequestId(body: unknown): string | null {
  if (!isObject(body)) {
    return null;
  }
  const groq = isObject(body["x_groq"]) ? body["x_groq"]["id"] : null;
  const value = body["request_id"] === "" ? groq : (body["request_id"] ?? groq);
  return typeof value === "string" ? value : null;
}

function common(report: Report, profile: Profile, redactor: Redactor): Partial<ErrorFacts> {
  return {
    provider: profile.name,
    type: redacted(report.type, redactor),
    code: redacted(report.code, redactor),
    param: redacted(report.param, redactor),
    details: report.details.map((entry) => ({
      path: redacted(entry.path, redactor) ?? "",
      message: redacted(entry.message, redactor) ?? "",
      type: redacted(entry.type, redactor),
    })),
  };
}

function redacted(text: string | null, redactor: Redactor): string | null {
  return text === null ? null : oneLine(redactor.text(text));
}

// What does not print: control and format characters, separators other than the space, unassigned ones.
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

function oneLine(text: string): string {
  const line = text.replace(UNPRINTABLE, " ").split(/\s+/).join(" ").trim();
  const characters = line.length <= MESSAGE_LIMIT ? [] : Array.from(line);
  return characters.length <= MESSAGE_LIMIT ? line : `${characters.slice(0, MESSAGE_LIMIT - 1).join("")}…`;
}

/** The JSON in a text, undefined if it is none. */
function decoded(text: string): unknown {
  try {
    return decode(text);
  } catch {
    return undefined;
  }
}

function textReport(body: string): Report {
  const text = body.trim();
  if (!text.startsWith("<")) {
    return saying(text);
  }
  const title = TITLE.exec(text)?.[2];
  return saying(unescapeHtml((title ?? text).replace(TAG, " ")));
}

function jsonReport(given: unknown): Report {
  const value = Array.isArray(given) ? firstOf(given) : given;
  if (typeof value === "string") {
    return saying(value);
  }
  if (!isObject(value)) {
    return saying("");
  }
  const inner = errorObject(value);
  const outside = detailsIn(value);
  const details = outside.length > 0 ? outside : detailsIn(inner);
  const type = plainText(inner["type"]);
  const lines = details.map((entry) =>
    entry.path === "" ? entry.message : `${entry.path}: ${entry.message}`,
  );
  const found = [wordsIn(inner), wordsIn(value), lines.join("; "), asText(inner["message"]), type ?? ""];
  return {
    message: found.find((text) => text !== "") ?? "",
    type,
    code: plainText(inner["code"]),
    param: plainText(inner["param"]),
    details,
    status: explicitStatus(inner) ?? explicitStatus(value),
  };
}

function firstOf(entries: readonly unknown[]): unknown {
  return (
    entries.find(isObject) ??
    entries.map((entry) => (typeof entry === "string" ? entry : show(entry))).join(" ")
  );
}

function errorObject(value: JsonObject): JsonObject {
  const response = value["response"];
  const inner = value["error"] ?? (isObject(response) ? response["error"] : null);
  if (isObject(inner)) {
    return inner;
  }
  return typeof inner === "string" ? { ...value, message: inner } : value;
}

/** The sentence for humans, wherever it stands. */
function wordsIn(value: JsonObject): string {
  for (const name of ["message", "detail", "error_description", "msg", "title"]) {
    const words = value[name];
    if (typeof words === "string" && words.trim() !== "") {
      return words;
    }
  }
  return "";
}

function detailsIn(value: JsonObject): readonly ErrorDetail[] {
  const report = reportIn(value);
  const entries: readonly unknown[] = Array.isArray(report) ? report : [report];
  return entries.flatMap((entry) => {
    if (isObject(entry) && wordsIn(entry) !== "") {
      return [{ path: pathOf(entry), message: wordsIn(entry), type: plainText(entry["type"]) }];
    }
    const isLine = typeof entry === "string" && Array.isArray(report);
    return isLine ? [{ path: "", message: entry, type: null }] : [];
  });
}

function reportIn(value: JsonObject): unknown {
  const message = value["message"];
  const report = [value["detail"], value["details"]].find(isThere);
  if (report === undefined && isObject(message)) {
    return isThere(message["detail"]) ? message["detail"] : message;
  }
  return report;
}

/** Whether a value says anything: neither absent nor empty. */
function isThere(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.length > 0;
  }
  return isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}

function pathOf(entry: JsonObject): string {
  const location = [entry["loc"], entry["path"], entry["field"]].find(isThere) ?? "";
  const parts: readonly unknown[] = Array.isArray(location) ? location : [location];
  return parts.map(String).join(".");
}

function plainText(value: unknown): string | null {
  if (typeof value === "string") {
    return value === "" ? null : value;
  }
  return Number.isInteger(value) || typeof value === "bigint" ? String(value) : null;
}

/** An object where the sentence should be, as JSON, without echoed input. */
function asText(value: unknown): string {
  const isContainer = Array.isArray(value) || isObject(value);
  return isContainer && isThere(value) ? show(withoutInput(value)) : "";
}

function explicitStatus(value: JsonObject): number | null {
  const found = STATUS_FIELDS.map((name) => value[name]).find(
    (entry) => Number.isInteger(entry) && Number(entry) >= 400 && Number(entry) <= 599,
  );
  return found === undefined ? null : Number(found);
}

function statusOf(report: Report, profile: Profile): number | null {
  for (const table of [profile.errors.statusOfType, STATUS_OF_TYPE]) {
    for (const name of [report.type, report.code]) {
      if (name !== null && Object.hasOwn(table, name)) {
        return table[name] ?? null;
      }
    }
  }
  return null;
}

function isError(data: unknown): boolean {
  if (!isObject(data)) {
    return typeof data === "string" && data !== ""; // no family has an event that is a bare string
  }
  const kind = data["type"];
  if (
    isThere(data["error"]) ||
    data["object"] === "error" ||
    (typeof kind === "string" && ERROR_EVENTS.has(kind))
  ) {
    return true;
  }
  return !EVENT_KEYS.some((name) => name in data) && (isThere(data["detail"]) || wordsIn(data) !== "");
}

/** Whether an event, or a whole 2xx body, is worth reading as an error: by its name, type or fields. */
export function mayBeError(name: string, data: unknown): boolean {
  if (!isObject(data)) {
    return name === "error";
  }
  if (ERROR_EVENTS.has(name) || isThere(data["error"]) || data["object"] === "error") {
    return true;
  }
  const kind = data["type"];
  return typeof kind === "string" && ERROR_EVENTS.has(kind);
}

function shownBody(value: unknown, redactor: Redactor): string {
  return redactor.text(show(withoutInput(value)));
}

/** The value with every `input` that a validation report echoes blanked. */
function withoutInput(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutInput);
  }
  if (!isObject(value)) {
    return value;
  }
  const pairs = Object.entries(value).map(([name, entry]) => [
    name,
    name === "input" ? REDACTED : withoutInput(entry),
  ]);
  return Object.fromEntries(pairs) as unknown;
}
