/** The body of a request, from a caller's values: JSON, a form, or bytes. */

import { InvalidRequestError } from "./core/errors.js";
import { encode, isObject } from "./core/json.js";
import type { Operation } from "./core/profile.js";
import { bytesOf } from "./core/text.js";
import { guessType, multipart, urlencoded } from "./forms.js";
import type { Body } from "./transport.js";
import { asUpload, givenName, givenType, isFile, sourceOf } from "./uploads.js";

type Values = Readonly<Record<string, unknown>>;

/** A body ready to send; `values` are its fields, where it has some. */
export interface Payload {
  readonly body: Body;
  readonly mediaType: string;
  readonly values: Values;
}

const NO_BODY: Payload = { body: null, mediaType: "", values: {} };

/** The body of a call; InvalidRequestError for what cannot be sent. */
export function makePayload(operation: Operation, body: unknown, extra: Values, streaming: boolean): Payload {
  if (!operation.hasBody) {
    refuseExtra(operation, extra, "has no body");
    return NO_BODY;
  }
  const rule = operation.body;
  if (rule.kind === "binary") {
    refuseExtra(operation, extra, "sends bytes, not fields,");
    return binary(body, rule.mediaType);
  }
  if (rule.kind === "json" && (!isObject(body) || isFile(body))) {
    refuseExtra(operation, extra, "sends JSON that is not an object");
    return body === undefined
      ? NO_BODY
      : { body: bytesOf(encode(body)), mediaType: rule.mediaType, values: {} };
  }
  const values = fieldsOf(operation, body, extra, streaming);
  if (isNone(body) && Object.keys(values).length === 0) {
    return NO_BODY; // a body that is one argument, and not given; one made of fields is at least {}
  }
  if (rule.kind === "multipart") {
    return { ...multipart(values, rule), values };
  }
  const text = rule.kind === "form" ? urlencoded(values, rule) : encode(values);
  return { body: bytesOf(text), mediaType: rule.mediaType, values };
}

function isNone(body: unknown): body is null | undefined {
  return body === undefined || body === null;
}

function refuseExtra(operation: Operation, extra: Values, why: string): void {
  if (Object.keys(extra).length > 0) {
    throw new InvalidRequestError(`${operation.name} ${why} to add extraBody to`);
  }
}

function binary(body: unknown, told: string): Payload {
  if (isNone(body)) {
    return NO_BODY;
  }
  const upload = asUpload(body, "body");
  const named = told.includes("*") || told === "" ? null : told;
  const mediaType = givenType(upload) ?? named ?? guessType(givenName(upload) ?? "");
  return { body: sourceOf(upload, "body"), mediaType, values: {} };
}

function fieldsOf(operation: Operation, body: unknown, extra: Values, streaming: boolean): Values {
  if (!isNone(body) && !isObject(body)) {
    throw new InvalidRequestError(`${operation.name} takes an object of fields, not ${typeof body}`);
  }
  const given = Object.entries(body ?? {}).filter(([, value]) => value !== undefined);
  const content = { ...Object.fromEntries(given), ...extra };
  const rule = operation.stream;
  return streaming && rule !== null && rule.parameter !== null
    ? { ...content, [rule.parameter]: rule.value }
    : content;
}
