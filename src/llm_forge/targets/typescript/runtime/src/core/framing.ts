/**
 * Bytes in any chunking to lines, and newline-delimited JSON to events.
 *
 * Rules of this file:
 * - LF, CR and CRLF end a line, nothing else does; one byte order mark at the start is dropped.
 * - A CR ends its line at once; an LF that comes next is part of it.
 * - Every limit is checked on each line and on the unfinished one, so memory stays bounded.
 * - Every byte is copied a fixed number of times, however small the chunks are.
 */

import { ResponseTooLargeError } from "./errors.js";
import { isUtf8, textOf } from "./text.js";

export const MIB = 1024 * 1024;

const BOM = [0xef, 0xbb, 0xbf] as const;
const CR = 13;
const LF = 10;

/**
 * One event of a stream as it was framed.
 *
 * `event` is "message" where the stream named none; `data` its text, lines joined with LF, in which bytes that
 * are not UTF-8 are U+FFFD; `id` is the last event id at dispatch, "" if there was none.
 */
export interface RawEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string;
}

/** Bytes that grow: every one is copied at most twice on average. */
class Tail {
  #bytes = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): number | undefined {
    return this.#bytes[0];
  }

  add(piece: Uint8Array): void {
    const wanted = this.#length + piece.length;
    if (wanted > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2, 256));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = wanted;
  }

  /** All bytes so far; the tail is empty afterwards. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return taken;
  }
}

/** Sizes in bytes. */
export interface FrameLimits {
  readonly maxLineBytes?: number;
  readonly maxEventBytes?: number;
  readonly maxCommentBytes?: number;
}

/**
 * Splits bytes into lines; a subclass makes events of them in `take`.
 *
 * `decodeErrors` counts lines that were not valid UTF-8; `lastEventId` is the id at the last dispatch.
 */
export abstract class FrameDecoder {
  decodeErrors = 0;
  lastEventId = "";
  protected readonly maxLine: number;
  protected readonly maxEvent: number;
  protected readonly tail = new Tail();
  /** What may still become a byte order mark; null: decided. */
  #head: number[] | null = [];
  #afterCr = false;
  #crossed: ResponseTooLargeError | null = null;

  constructor(limits: FrameLimits) {
    this.maxLine = limits.maxLineBytes ?? 8 * MIB;
    this.maxEvent = limits.maxEventBytes ?? 16 * MIB;
  }

  /**
   * The events that `chunk` completes.
   *
   * ResponseTooLargeError at the byte that crosses a limit. Events that the same chunk completed before
   * that byte are returned first; the next call then throws.
   */
  feed(chunk: Uint8Array): RawEvent[] {
    if (this.#crossed !== null) {
      throw this.#crossed;
    }
    const events: RawEvent[] = [];
    try {
      this.#read(this.#head === null ? chunk : this.#withoutBom(chunk), events);
    } catch (error) {
      if (!(error instanceof ResponseTooLargeError)) {
        throw error;
      }
      this.#crossed = error;
      if (events.length === 0) {
        throw error;
      }
    }
    return events;
  }

  /**
   * The unfinished event at the end of the body, null if it has no data.
   *
   * The caller accepts it only if it is the terminal event and complete.
   */
  finish(): RawEvent | null {
    if (this.#crossed !== null) {
      throw this.#crossed;
    }
    if (this.#head !== null) {
      this.tail.add(Uint8Array.from(this.#head));
    }
    return this.rest(this.tail.take());
  }

  /** Take one whole line, without its end. */
  protected abstract take(line: Uint8Array, events: RawEvent[]): void;

  /** The event that the body's end completes; `tail` is the line without an end, empty for none. */
  protected abstract rest(tail: Uint8Array): RawEvent | null;

  /** Refuse an unfinished line that crosses a limit. */
  protected abstract checkTail(): void;

  /** A line as text; counts what is not UTF-8. */
  protected text(bytes: Uint8Array): string {
    const text = textOf(bytes);
    if (text.includes("\ufffd") && !isUtf8(bytes)) {
      this.decodeErrors += 1;
    }
    return text;
  }

  #withoutBom(chunk: Uint8Array): Uint8Array {
    const head = this.#head ?? [];
    let at = 0;
    while (head.length < BOM.length && at < chunk.length && chunk[at] === BOM[head.length]) {
      head.push(chunk[at] ?? 0);
      at += 1;
    }
    if (head.length < BOM.length && at === chunk.length) {
      return chunk.subarray(at);
    }
    this.#head = null;
    if (head.length === BOM.length || head.length === 0) {
      return chunk.subarray(at);
    }
    return Uint8Array.from([...head, ...chunk.subarray(at)]);
  }

  #read(chunk: Uint8Array, events: RawEvent[]): void {
    let start = 0;
    if (this.#afterCr && chunk.length > 0) {
      this.#afterCr = false;
      start = Number(chunk[0] === LF);
    }
    // Native searches; a search that has run off the chunk is not repeated.
    let lf = chunk.indexOf(LF, start);
    let cr = chunk.indexOf(CR, start);
    while (lf >= 0 || cr >= 0) {
      const isCr = cr >= 0 && (lf < 0 || cr < lf);
      const end = isCr ? cr : lf;
      this.#line(chunk.subarray(start, end), events);
      start = end + 1;
      if (isCr) {
        if (start === chunk.length) {
          this.#afterCr = true;
        } else if (chunk[start] === LF) {
          start += 1;
        }
        cr = chunk.indexOf(CR, start);
      }
      if (lf >= 0 && lf < start) {
        lf = chunk.indexOf(LF, start);
      }
    }
    if (start < chunk.length) {
      this.tail.add(chunk.subarray(start));
      this.checkTail();
    }
  }

  #line(line: Uint8Array, events: RawEvent[]): void {
    if (this.tail.length === 0) {
      this.take(line, events);
      return;
    }
    this.tail.add(line);
    this.take(this.tail.take(), events);
  }
}

/** Newline-delimited JSON: every line that is not blank is an event. */
export class JsonLineDecoder extends FrameDecoder {
  constructor(limits: FrameLimits = {}) {
    super(limits);
  }

  protected take(line: Uint8Array, events: RawEvent[]): void {
    if (line.length > this.maxLine) {
      throw tooLarge("a line of the stream", this.maxLine);
    }
    const event = this.#event(line);
    if (event !== null) {
      events.push(event);
    }
  }

  protected rest(tail: Uint8Array): RawEvent | null {
    return this.#event(tail);
  }

  protected checkTail(): void {
    if (this.tail.length > this.maxLine) {
      throw tooLarge("a line of the stream", this.maxLine);
    }
  }

  #event(line: Uint8Array): RawEvent | null {
    const data = this.text(line);
    return /^[ \t\v\f]*$/.test(data) ? null : { event: "message", data, id: "" };
  }
}

/** The error of a crossed limit. */
export function tooLarge(what: string, limit: number): ResponseTooLargeError {
  return new ResponseTooLargeError(`${what} exceeded the limit of ${limit} bytes`);
}
