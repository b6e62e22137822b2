/**
 * What a user holds of an answer that is a file or lines of JSON.
 *
 * It opens when it is first used, and is read once. Leaving it in any way, also by breaking out of a loop, closes
 * its connection at once.
 */

import { ignore } from "./abort.js";
import type { Arrival } from "./arrival.js";
import { arrive } from "./arrival.js";
import type { Call } from "./context.js";
import { ResponseTooLargeError, StreamError } from "./core/errors.js";
import { dispositionName } from "./core/file-names.js";
import type { Operation } from "./core/profile.js";
import { defineOperation } from "./core/profile.js";
import { LineReader } from "./line-reader.js";
import { joined } from "./uploads.js";

/** The download of a URL that an answer named. */
export const LINK: Operation = /* @__PURE__ */ defineOperation({
  name: "download_url",
  method: "GET",
  path: "",
  group: "download",
  answer: "binary",
  accept: "*/*",
});
const MOST_BYTES = 64 * 1024 * 1024;

const DROPPED =
  typeof FinalizationRegistry === "undefined"
    ? null
    : new FinalizationRegistry<{ arrival: Arrival | null }>((held) => {
        void held.arrival?.end(null).catch(ignore);
      });

/** An arriving answer. */
export class Arriving implements AsyncDisposable {
  readonly #start: () => Call;
  readonly #held: { arrival: Arrival | null } = { arrival: null };
  #opening: Promise<Arrival> | null = null;
  #reading = false;
  #closed = false;

  constructor(start: () => Call) {
    this.#start = start;
    DROPPED?.register(this, this.#held);
  }

  /** Wait until the answer begins; throws what kept it from that. */
  async open(): Promise<this> {
    await this.#open();
    return this;
  }

  /** The media type the server named. */
  get contentType(): string | null {
    return this.#opened().headers.get("content-type");
  }

  /** The bytes announced; null where the server announced none, or compressed them. */
  get size(): number | null {
    const { headers } = this.#opened();
    const length = headers.get("content-length") ?? "";
    return /^[0-9]+$/.test(length) && !headers.has("content-encoding") ? Number(length) : null;
  }

  /** The file name the server gave, as it gave it: make it safe before it is used. */
  get servedName(): string | null {
    const named = dispositionName(this.#opened().headers.get("content-disposition") ?? "");
    const path = new URL(this.#opened().call.prepared.request.url).pathname.split("/").at(-1) ?? "";
    return named ?? (path === "" ? null : path);
  }

  /** The provider's id of this exchange. */
  get requestId(): string | null {
    return this.#opened().call.requestId;
  }

  /** Close the connection; safe in every state. */
  async close(): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    const opening = this.#opening;
    if (opening !== null && this.#held.arrival === null) {
      void opening.then((arrival) => arrival.end(null)).catch(ignore);
      return;
    }
    await this.#held.arrival?.end(null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The bytes, once; StreamError if they were closed before their end, for the rest would seem complete. */
  protected async *pieces(): AsyncGenerator<Uint8Array> {
    if (this.#reading) {
      throw new StreamError("An answer can be read once");
    }
    this.#reading = true;
    try {
      const arrival = await this.#open();
      for (let piece = await arrival.more(); piece !== null; piece = await arrival.more()) {
        yield piece;
        if (this.#closed) {
          throw new StreamError("The answer was closed before its end");
        }
      }
    } finally {
      await this.close();
    }
  }

  /** The call whose answer it is. */
  protected async opened(): Promise<Call> {
    return (await this.#open()).call;
  }

  #opened(): Arrival {
    if (this.#held.arrival === null) {
      throw new StreamError("The answer has not arrived; open it or read it first");
    }
    return this.#held.arrival;
  }

  async #open(): Promise<Arrival> {
    if (this.#opening === null) {
      if (this.#closed) {
        throw new StreamError("The answer was closed before it was read");
      }
      this.#opening = arrive(this.#start());
    }
    this.#held.arrival = await this.#opening;
    return this.#held.arrival;
  }
}

/** A file that arrives: `read` it, iterate over its bytes, or store it with `saveDownload` of the `node` part. */
export class Download extends Arriving implements AsyncIterable<Uint8Array> {
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    return this.pieces();
  }

  /** All bytes; ResponseTooLargeError beyond `maxBytes` (64 MiB), which iterating has no need of. */
  async read(maxBytes = MOST_BYTES): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let total = 0;
    for await (const piece of this) {
      total += piece.length;
      if (total > maxBytes) {
        throw new ResponseTooLargeError(`The answer exceeds ${maxBytes} bytes; iterate over it instead`);
      }
      pieces.push(piece);
    }
    return joined(pieces);
  }

  /** All bytes as a Blob of the media type that the server named. */
  async blob(maxBytes = MOST_BYTES): Promise<Blob> {
    const bytes = await this.read(maxBytes);
    return new Blob([bytes as BlobPart], { type: this.contentType ?? "" });
  }
}

/**
 * Lines of JSON that arrive: iterate over them.
 *
 * StreamInterruptedError if they are cut; its `partial` is the torn line, `eventsSeen` counts whole ones.
 */
export class Lines<T> extends Arriving implements AsyncIterable<T> {
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    const reader = new LineReader(await this.opened());
    yield* reader.values(this.pieces()) as AsyncGenerator<T>;
  }
}
