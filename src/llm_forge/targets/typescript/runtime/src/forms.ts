/**
 * Form bodies: multipart/form-data (RFC 7578) and application/x-www-form-urlencoded.
 *
 * Rules of this file:
 * - A field that is absent or null is left out: a form has no null.
 * - A list becomes one field for each entry, an object one field of JSON. Where the description says
 *   `deepObject`, entries are called `name[]`, and an object becomes `name[key]` fields.
 * - Names inside headers lose CR, LF, NUL, quotes and backslashes.
 * - Files are sent as their bytes come; a form of at most 1 MiB that is in memory is one piece.
 */

import { InvalidRequestError } from "./core/errors.js";
import { encode, isObject } from "./core/json.js";
import type { BodyRule } from "./core/profile.js";
import { bytesOf } from "./core/text.js";
import type { Body, BodySource } from "./transport.js";
import type { Upload } from "./uploads.js";
import { asUpload, givenName, givenType, isFile, joined, sourceOf } from "./uploads.js";

const SMALL_BYTES = 1024 * 1024;
const MOST_PARTS = 1000;
const TYPES: Readonly<Record<string, string>> = {
  csv: "text/csv",
  flac: "audio/flac",
  gif: "image/gif",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  json: "application/json",
  jsonl: "application/jsonl",
  m4a: "audio/mp4",
  md: "text/markdown",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  mpeg: "video/mpeg",
  mpga: "audio/mpeg",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  pdf: "application/pdf",
  png: "image/png",
  txt: "text/plain",
  wav: "audio/wav",
  webm: "audio/webm",
  webp: "image/webp",
};

type Values = Readonly<Record<string, unknown>>;
type Piece = Uint8Array | BodySource;

/** The body of a urlencoded form. */
export function urlencoded(values: Values, rule: BodyRule): string {
  const pairs = flat(values, rule).map(([name, value]) => {
    if (isFile(value)) {
      throw new InvalidRequestError(`${name} is a file, which this kind of form cannot carry`);
    }
    return [name, textOfField(value)];
  });
  return new URLSearchParams(pairs).toString();
}

/** The body of a multipart form and its content type; the boundary is the same on every attempt. */
export function multipart(values: Values, rule: BodyRule): { body: Body; mediaType: string } {
  const boundary = crypto.randomUUID().replaceAll("-", "");
  const fields = flat(values, rule);
  if (fields.length > MOST_PARTS) {
    throw new InvalidRequestError(
      `A form of ${fields.length} parts was refused; at most ${MOST_PARTS} are sent`,
    );
  }
  const pieces = fields.flatMap(([name, value]): Piece[] => {
    const [head, content] = partOf(name, value, rule);
    return [bytesOf(`--${boundary}\r\n${head}\r\n\r\n`), content, bytesOf("\r\n")];
  });
  pieces.push(bytesOf(`--${boundary}--\r\n`));
  return { body: bodyOf(pieces), mediaType: `multipart/form-data; boundary=${boundary}` };
}

function bodyOf(pieces: readonly Piece[]): Piece {
  const small = pieces.filter((piece) => piece instanceof Uint8Array);
  const size = small.reduce((sum, piece) => sum + piece.length, 0);
  return small.length === pieces.length && size <= SMALL_BYTES ? joined(small) : new Pieces(pieces);
}

/** Bytes and sources one after another, as one source. */
class Pieces implements BodySource {
  readonly size: number | null;
  readonly rewindable: boolean;

  constructor(private readonly pieces: readonly Piece[]) {
    this.size = pieces.reduce<number | null>((sum, piece) => {
      const size = piece instanceof Uint8Array ? piece.length : piece.size;
      return sum === null || size === null ? null : sum + size;
    }, 0);
    this.rewindable = pieces.every((piece) => piece instanceof Uint8Array || piece.rewindable);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (const piece of this.pieces) {
      if (piece instanceof Uint8Array) {
        yield piece;
      } else {
        yield* piece;
      }
    }
  }
}

/** The headers of a part, and its content. */
function partOf(name: string, value: unknown, rule: BodyRule): readonly [string, Piece] {
  const field = name.replace(/\[\]$/, "");
  const told = rule.mediaTypes[field] ?? "";
  if (rule.files.includes(field) || isFile(value)) {
    return filePart(name, asUpload(value, name), told);
  }
  const type = told === "" && isObject(value) ? "application/json" : told;
  const head = `Content-Disposition: form-data; name="${headerName(name)}"`;
  return [type === "" ? head : `${head}\r\nContent-Type: ${type}`, bytesOf(textOfField(value))];
}

function filePart(name: string, upload: Upload, told: string): readonly [string, Piece] {
  const fileName = headerName((givenName(upload) ?? "upload").split(/[/\\]/).at(-1) ?? "upload");
  const type = headerName(givenType(upload) ?? (told === "" ? guessType(fileName) : told));
  const head = `Content-Disposition: form-data; name="${headerName(name)}"; filename="${fileName}"`;
  return [`${head}\r\nContent-Type: ${type}`, sourceOf(upload, name)];
}

/** The media type that a file's name suggests, `application/octet-stream` for none. */
export function guessType(fileName: string): string {
  const extension = fileName.split(".").at(-1)?.toLowerCase() ?? "";
  return Object.hasOwn(TYPES, extension) ? (TYPES[extension] ?? "") : "application/octet-stream";
}

function headerName(text: string): string {
  return text.replace(/[\r\n\u0000"\\]/g, "");
}

/** Names and values with lists and deep objects opened. */
function flat(values: Values, rule: BodyRule): readonly (readonly [string, unknown])[] {
  return Object.entries(values).flatMap(([name, value]): (readonly [string, unknown])[] => {
    if (value === null || value === undefined) {
      return [];
    }
    const deep = rule.deep.includes(name);
    if (deep && isObject(value) && !isFile(value)) {
      const held = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
      return held.map(([key, one]) => [`${name}[${key}]`, one]);
    }
    if (Array.isArray(value)) {
      return value.map((one: unknown) => [deep ? `${name}[]` : name, one]);
    }
    return [[name, value]];
  });
}

/** A field as text: JSON for objects, plain for the rest. */
function textOfField(value: unknown): string {
  const text = encode(value); // refuses lone surrogates
  return typeof value === "string" ? value : text;
}
