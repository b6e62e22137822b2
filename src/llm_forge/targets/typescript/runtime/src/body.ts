/** Response bodies under limits, in the encodings that were offered. */

import { ProtocolError, ResponseTooLargeError } from "./core/errors.js";
import type { Headers } from "./core/headers.js";
import type { Exchange } from "./transport.js";

const MIB = 1024 * 1024;

/** Sizes in bytes. */
export const LIMITS = {
  body: 64 * MIB,
  error: 64 * 1024,
  stream: 1024 * MIB,
  ratio: 200,
  ratioFrom: MIB,
  headerFields: 256,
  headerBytes: 64 * 1024,
} as const;

const ENCODINGS = ["gzip", "x-gzip", "deflate"];
/** ": " and the line end, as they stand on the wire. */
const FRAMING = 4;

/** Counts decoded bytes; ResponseTooLargeError when a limit or the permitted ratio is crossed. */
export class BodyMeter {
  total = 0;

  constructor(
    private readonly exchange: Exchange,
    private readonly limit: number,
  ) {}

  /** The same piece, counted. */
  counted(piece: Uint8Array): Uint8Array {
    this.total += piece.length;
    if (this.total > this.limit) {
      throw new ResponseTooLargeError(`The response exceeds ${this.limit} bytes`);
    }
    const { wireBytes } = this.exchange;
    if (wireBytes !== null && this.total > LIMITS.ratioFrom && this.total > LIMITS.ratio * wireBytes) {
      throw new ResponseTooLargeError(`The response expands more than ${LIMITS.ratio} times`);
    }
    return piece;
  }
}

/** The content encodings of a response, without those that change nothing. */
export function encodingsOf(headers: Headers): readonly string[] {
  const names = headers.getAll("content-encoding").flatMap((value) => value.split(","));
  return names.map((name) => name.trim().toLowerCase()).filter((name) => name !== "" && name !== "identity");
}

/**
 * ResponseTooLargeError above 256 fields or 64 KiB; ProtocolError for an encoding that was not offered, and for
 * two opinions on the body's length, since what follows could then pass for another answer (RFC 9112 section 6.3).
 */
export function checkHeaders(headers: Headers): void {
  const fields = headers.pairs();
  const size = fields.reduce((sum, [name, value]) => sum + name.length + value.length + FRAMING, 0);
  if (fields.length > LIMITS.headerFields || size > LIMITS.headerBytes) {
    throw headersTooLarge();
  }
  const lengths = new Set(headers.getAll("content-length").flatMap((value) => value.split(/\s*,\s*/)));
  if (lengths.size > 1 || (lengths.size > 0 && headers.has("transfer-encoding"))) {
    throw new ProtocolError("The response states its length in contradictory ways.", { phase: "response" });
  }
  const encodings = encodingsOf(headers);
  if (encodings.length > 1 || !encodings.every((name) => ENCODINGS.includes(name))) {
    const named = encodings.join(", ").slice(0, 60);
    throw new ProtocolError(`The response has a content encoding that was not offered: ${named}`);
  }
}

/** The error of an answer whose header block is over the limit. */
export function headersTooLarge(): ResponseTooLargeError {
  return new ResponseTooLargeError(
    `The response headers exceed ${LIMITS.headerFields} fields or ${LIMITS.headerBytes / 1024} KiB. ` +
      "Check what answers at this baseURL; a proxy in between may add them.",
    { phase: "response" },
  );
}
