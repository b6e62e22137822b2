/** A Node stream as something that is asked for its next piece. */

import type { Readable } from "node:stream";
import { createUnzip } from "node:zlib";

import { ProtocolError } from "../core/errors.js";

/** The pieces of a stream, one when asked for; what ends the stream badly is thrown in its turn. */
export class Chunks {
  #wake: () => void = nothing;
  #ended = false;
  #failure: Error | null = null;

  constructor(
    private readonly stream: Readable,
    private readonly cut: () => Error,
  ) {
    stream.on("readable", this.#stir);
    stream.on("end", () => {
      this.#ended = true;
      this.#stir();
    });
    stream.on("error", (error) => {
      this.fail(error);
    });
    stream.on("close", this.#stir);
  }

  readonly #stir = (): void => {
    this.#wake();
  };

  /** End the waiting with this error, once all that has arrived was taken. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#stir();
  }

  /** What has arrived, null if nothing has. */
  ready(): Uint8Array | null {
    return this.stream.read() as Buffer | null;
  }

  /** The next piece, null at the end. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const piece = this.ready();
      if (piece !== null) {
        return piece;
      }
      if (this.#ended) {
        return null;
      }
      if (this.#failure !== null) {
        throw this.#failure;
      }
      if (this.stream.destroyed) {
        throw this.cut();
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Undoes gzip and deflate as far as the bytes go, piece by piece. */
export class Inflater {
  readonly #unzip = createUnzip();
  readonly #out = new Chunks(this.#unzip, corrupt);
  #fed: Promise<void> | null = null;
  #ending = false;

  constructor(private readonly raw: () => Promise<Uint8Array | null>) {}

  /** The next decoded bytes, null at the end; ProtocolError for an encoding that is corrupt or cut. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const piece = this.#out.ready();
      if (piece !== null) {
        return piece;
      }
      if (this.#ending) {
        return this.#rest();
      }
      await this.#feed();
    }
  }

  async #rest(): Promise<Uint8Array | null> {
    try {
      return await this.#out.next();
    } catch (error) {
      throw new ProtocolError("The response's content encoding is corrupt or cut", {}, error);
    }
  }

  /** Give it the next raw bytes, and wait until it has made of them what it can, or has something to give. */
  async #feed(): Promise<void> {
    if (this.#fed === null) {
      const chunk = await this.raw();
      if (chunk === null) {
        this.#ending = true;
        this.#unzip.end();
        return;
      }
      this.#fed = new Promise<void>((resolve) => {
        this.#unzip.write(chunk, () => {
          resolve();
        });
      }).then(() => {
        this.#fed = null;
      });
    }
    await Promise.race([this.#fed, this.#stirred()]);
    if (this.#unzip.errored !== null) {
      throw new ProtocolError("The response's content encoding is corrupt", {}, this.#unzip.errored);
    }
  }

  #stirred(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#unzip.off("readable", done).off("error", done).off("close", done);
        resolve();
      };
      this.#unzip.on("readable", done).on("error", done).on("close", done);
    });
  }

  close(): void {
    this.#unzip.destroy();
  }
}

function corrupt(): Error {
  return new ProtocolError("The response's content encoding is corrupt");
}

function nothing(): void {
  // Nobody waits yet.
}
