/**
 * Lines of JSON to values; a line that is torn is an error that carries it.
 *
 * Lines that arrived whole are handed out before the error that cut the rest.
 */

import type { Call } from "./context.js";
import {
  ConnectionLostError,
  ForgeError,
  ProtocolError,
  StreamDecodeError,
  StreamInterruptedError,
} from "./core/errors.js";
import type { RawEvent } from "./core/framing.js";
import { JsonLineDecoder } from "./core/framing.js";
import { decode, isObject, JsonError } from "./core/json.js";

/** The values of an answer's lines, from its pieces. */
export class LineReader {
  readonly #decoder = new JsonLineDecoder();
  #seen = 0;

  constructor(private readonly call: Call) {}

  /** The values of all lines; errors say how far the lines had come. */
  async *values(pieces: AsyncIterable<Uint8Array>): AsyncGenerator {
    try {
      for await (const piece of pieces) {
        for (const line of this.#decoder.feed(piece)) {
          const value = this.#value(line);
          this.#seen += 1;
          yield value;
        }
      }
      yield* this.#last();
    } catch (error) {
      throw this.#told(error);
    }
  }

  #value(line: RawEvent): unknown {
    try {
      return decode(line.data);
    } catch (error) {
      if (!(error instanceof JsonError)) {
        throw error;
      }
      throw new StreamDecodeError(`Line ${this.#seen + 1} is not valid JSON: ${error.message}`);
    }
  }

  /** The value of a last line without a line end, if it is whole; StreamInterruptedError if torn. */
  *#last(): Generator {
    const rest = this.#decoder.finish();
    if (rest === null) {
      return;
    }
    const value = whole(rest);
    if (value === undefined) {
      throw this.#interrupted(rest);
    }
    this.#seen += 1;
    yield value;
  }

  #told(error: unknown): unknown {
    if (error instanceof ConnectionLostError || error instanceof ProtocolError) {
      return this.#enriched(this.#interrupted(this.#decoder.finish()).because(error));
    }
    return error instanceof ForgeError ? this.#enriched(error) : error;
  }

  #interrupted(rest: RawEvent | null): StreamInterruptedError {
    const message = `The answer was cut after ${this.#seen} whole lines; error.partial is the rest`;
    return new StreamInterruptedError(message, { partial: rest?.data ?? "" });
  }

  #enriched(error: ForgeError): ForgeError {
    return this.call.enrich(error.enrich({ eventsSeen: this.#seen, midStream: true }));
  }
}

/** The object or list in a line that has no end, undefined if it is torn. */
function whole(line: RawEvent): unknown {
  try {
    const value = decode(line.data);
    return isObject(value) || Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
