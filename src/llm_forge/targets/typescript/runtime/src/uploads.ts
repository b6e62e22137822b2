/**
 * What a user may give as a file, as a source of its bytes.
 *
 * Rules of this file:
 * - Nothing is read before it is sent, and then in pieces; only what the user holds in memory is in memory.
 * - A Blob, a File and a collection are sent from their start on every attempt.
 * - An iterator and a ReadableStream can be sent once.
 * - Files on disk are for the `node` part: `fileFromPath`.
 */

import { InvalidRequestError } from "./core/errors.js";
import type { BodySource } from "./transport.js";

export type Bytes = Uint8Array | ArrayBuffer;
export type Content =
  Bytes | Blob | BodySource | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * A file with the name and media type that the server is to see.
 *
 * Name and type are guessed where they are not given; `size` in bytes is needed only for content that does not
 * tell and a server that does not take chunked bodies.
 */
export class Upload {
  readonly content: Content;
  readonly fileName: string | null;
  readonly contentType: string | null;
  readonly size: number | null;

  constructor(content: Content, facts: { fileName?: string; contentType?: string; size?: number } = {}) {
    this.content = content;
    this.fileName = facts.fileName ?? null;
    this.contentType = facts.contentType ?? null;
    this.size = facts.size ?? null;
  }
}

export type FileInput = Content | Upload;

/** Whether a value is the content of a file rather than a JSON value. */
export function isFile(value: unknown): value is FileInput {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const own = value instanceof Upload || value instanceof Uint8Array || value instanceof ArrayBuffer;
  return (
    own || value instanceof Blob || Symbol.asyncIterator in value || isStream(value) || isIterator(value)
  );
}

/** The upload that a value means; InvalidRequestError for what cannot be one. */
export function asUpload(value: unknown, what: string): Upload {
  if (value instanceof Upload) {
    return value;
  }
  if (typeof value === "string") {
    throw new InvalidRequestError(`${what} is text: pass a Blob, bytes, or fileFromPath(...) for a file`);
  }
  if (isFile(value) || Array.isArray(value)) {
    return new Upload(value as Content);
  }
  throw new InvalidRequestError(`${what} cannot be sent as a file`);
}

/** The name of the file, as far as it is known. */
export function givenName(upload: Upload): string | null {
  if (upload.fileName !== null) {
    return upload.fileName;
  }
  const named = upload.content as { name?: unknown };
  return typeof named.name === "string" && named.name !== "" ? named.name : null;
}

/** The media type of the file, as far as it is known. */
export function givenType(upload: Upload): string | null {
  if (upload.contentType !== null) {
    return upload.contentType;
  }
  return upload.content instanceof Blob && upload.content.type !== "" ? upload.content.type : null;
}

/** The content as bytes or as a source; InvalidRequestError where it cannot be read as bytes. */
export function sourceOf(upload: Upload, what: string): Uint8Array | BodySource {
  const content = upload.content;
  if (content instanceof Uint8Array) {
    return content.slice(); // a copy: later changes must not reach the request
  }
  if (content instanceof ArrayBuffer) {
    return new Uint8Array(content.slice(0));
  }
  if (content instanceof Blob) {
    return new Source(what, content.size, true, () => piecesOf(content.stream()));
  }
  if (isStream(content)) {
    return new Source(what, upload.size, false, () => piecesOf(content));
  }
  if ("rewindable" in content && "size" in content) {
    return new Source(what, content.size ?? upload.size, content.rewindable, () => content);
  }
  return new Source(what, upload.size, !isIterator(content), () => content);
}

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Pieces of bytes, checked as they are read. */
class Source implements BodySource {
  #begun = false;

  constructor(
    private readonly what: string,
    readonly size: number | null,
    readonly rewindable: boolean,
    private readonly pieces: () => Pieces,
  ) {}

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#begun && !this.rewindable) {
      throw new InvalidRequestError(`${this.what} was sent already and cannot be read again`);
    }
    this.#begun = true;
    let sent = 0;
    for await (const piece of this.pieces()) {
      sent += this.#length(piece);
      yield piece;
    }
    if (this.size !== null && sent !== this.size) {
      throw new InvalidRequestError(`${this.what} has ${sent} bytes, not ${this.size} as it seemed`);
    }
  }

  #length(piece: unknown): number {
    if (!(piece instanceof Uint8Array)) {
      throw new InvalidRequestError(`${this.what} gave ${typeof piece} instead of bytes`);
    }
    return piece.byteLength;
  }
}

/** A web stream's pieces; browsers do not iterate over one themselves everywhere. */
export async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      yield step.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function isStream(value: object): value is ReadableStream<Uint8Array> {
  return typeof ReadableStream !== "undefined" && value instanceof ReadableStream;
}

function isIterator(value: object): boolean {
  return "next" in value && typeof value.next === "function";
}

/** The digest of a request body in hex, for signatures; null if it can be read only once. */
export async function sha256Of(body: Uint8Array | BodySource | null): Promise<string | null> {
  if (body !== null && !(body instanceof Uint8Array) && !body.rewindable) {
    return null;
  }
  const bytes = body === null ? new Uint8Array() : body instanceof Uint8Array ? body : await collected(body);
  const digest = await crypto.subtle.digest("SHA-256", bytes as BufferSource);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function collected(source: BodySource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) {
    pieces.push(piece);
  }
  return joined(pieces);
}

/** The pieces as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1 && pieces[0] !== undefined) {
    return pieces[0];
  }
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
