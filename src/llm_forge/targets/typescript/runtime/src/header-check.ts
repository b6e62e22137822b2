/** What a request's header may hold. */

import { InvalidRequestError } from "./core/errors.js";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Refuse a header that would break the request apart. */
export function checkHeader(name: string, value: string): void {
  if (!TOKEN.test(name)) {
    throw new InvalidRequestError(`Header name "${name}" has a character that HTTP does not allow`);
  }

  if (/[\r\n\u0000]/.test(value)) {
    throw new InvalidRequestError(`The value of header "${name}" contains CR, LF or NUL`);
  }

  if (!/^[\u0000-\u007f]*$/.test(value)) {
    throw new InvalidRequestError(`The value of header "${name}" must be ASCII`);
  }
}
