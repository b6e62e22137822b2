/** Files on disk: what is read from them, and what appears in them whole or not at all. */

import { randomBytes } from "node:crypto";
import { createReadStream, openSync, closeSync, readFileSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { ConfigError, ForgeError, InvalidRequestError, StreamError } from "../core/errors.js";
import { safeFileName } from "../core/file-names.js";
import { Secret } from "../core/secrets.js";
import { bytesOf } from "../core/text.js";
import type { Download } from "../download.js";
import type { Stream } from "../stream.js";
import type { BodySource } from "../transport.js";
import { Upload } from "../uploads.js";

const LONGEST_KEY = 64 * 1024;
/** Of the target's name in that of the unfinished file; file systems allow 255. */
const NAME_CHARACTERS = 50;

/** The credential in a file, without the white space around it; ConfigError names the file. */
export function keyFile(path: string): Secret {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw new ConfigError(`apiKey cannot be read from the file ${path}: ${codeOf(error)}`);
  }
  if (text.length > LONGEST_KEY) {
    throw new ConfigError(`apiKey cannot be read from the file ${path}: it is larger than a credential`);
  }
  return Secret.clean(text, `apiKey in the file ${path}`);
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "it is not text";
}

/** A file to upload by its path, opened anew for each attempt; InvalidRequestError if it cannot be read. */
export function fileFromPath(path: string, facts: { fileName?: string; contentType?: string } = {}): Upload {
  try {
    closeSync(openSync(path, "r"));
    const source: BodySource = {
      size: statSync(path).size,
      rewindable: true,
      [Symbol.asyncIterator]: () =>
        createReadStream(path)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
    };
    return new Upload(source, { fileName: basename(path), ...facts });
  } catch (error) {
    throw new InvalidRequestError(`${path} cannot be read: ${codeOf(error)}`, {}, error);
  }
}

/**
 * Write to it, then `commit`: the bytes are on the disk before the name is.
 *
 * The unfinished file lies beside its target, hidden, readable by its owner only. After `discard` it is gone, or with
 * `keepPartial` it is `<name>.partial`. A symbolic link is followed.
 */
class AtomicFile {
  #ended = false;

  private constructor(
    private readonly place: string,
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly keepPartial: boolean,
  ) {}

  static async create(target: string, keepPartial = false): Promise<AtomicFile> {
    const place = await realpath(target).catch(() => target);
    const name = `.${basename(place).slice(0, NAME_CHARACTERS)}.${randomBytes(4).toString("hex")}.part`;
    const path = join(dirname(place), name);
    return new AtomicFile(place, path, await open(path, "wx", 0o600), keepPartial);
  }

  async write(piece: Uint8Array): Promise<void> {
    await this.file.writeFile(piece);
  }

  /** Give the file its name, in place of an older one. */
  async commit(): Promise<void> {
    await this.file.sync();
    await this.file.close();
    await rename(this.path, this.place);
    this.#ended = true;
    await syncFolder(dirname(this.place));
  }

  /** Give up what was written; nothing after `commit`. */
  async discard(): Promise<void> {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    await this.file.close().catch(() => undefined); // what a full disk did not take is lost anyway
    await (this.keepPartial ? rename(this.path, `${this.place}.partial`) : unlink(this.path));
  }
}

/** Make a new name durable, where folders can be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * Store a download and return its path; in a folder, under the server's name made safe.
 *
 * The file appears when it is whole, with mode 0600, and replaces an older one of that path. An Error with code EEXIST
 * if the folder has a file of the server's name already.
 */
export async function saveDownload(download: Download, path: string): Promise<string> {
  await download.open();
  let file: AtomicFile | null = null;
  try {
    const target = await chosenTarget(path, download.servedName);
    file = await AtomicFile.create(target);
    for await (const piece of download) {
      await file.write(piece);
    }
    await file.commit();
    return target;
  } finally {
    await download.close();
    await file?.discard();
  }
}

/** The path itself, or in a folder the served name made safe. */
async function chosenTarget(path: string, servedName: string | null): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() !== true) {
    return path;
  }
  const target = join(path, safeFileName(servedName ?? ""));
  if ((await stat(target).catch(() => null)) !== null) {
    const message = `${target} exists already; name the file instead of its folder to replace it`;
    throw Object.assign(new Error(message), { code: "EEXIST" });
  }
  return target;
}

/**
 * The whole message of a stream, with its text written to a file, which appears whole or not at all.
 *
 * A file that is there is replaced; a new one has mode 0600. If the stream or the disk fails, the file is left as it
 * was; `keepPartial` leaves the text that arrived beside it, in `<name>.partial`. The disk's failure is StreamError
 * with the system's error as its cause.
 */
export async function streamToFile<R>(
  stream: Stream<unknown, R>,
  path: string,
  options: { readonly keepPartial?: boolean } = {},
): Promise<R> {
  const file = await orStreamError(path, () => AtomicFile.create(path, options.keepPartial));
  try {
    for await (const text of stream.texts()) {
      await orStreamError(path, () => file.write(bytesOf(text)));
    }
    const result = await stream.result();
    await orStreamError(path, () => file.commit());
    return result;
  } catch (error) {
    throw error instanceof ForgeError ? withPartial(error, stream) : error;
  } finally {
    await stream.close();
    await file.discard();
  }
}

/** An error with what had arrived when its consumer stopped reading. */
function withPartial(error: ForgeError, stream: Stream<unknown, unknown>): ForgeError {
  const begun = stream.firstEventAfter !== null;
  return error.partial === null && begun ? error.enrich({ partial: stream.partial }) : error;
}

async function orStreamError<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw new StreamError(`The stream could not be written to ${path}: ${codeOf(error)}`, {}, error);
  }
}
