/**
 * Server-sent events from bytes in any chunking (WHATWG HTML, section 9.2).
 *
 * Rules of this file:
 * - Lines, limits and chunks are those of `framing`.
 * - A blank line dispatches if there was a `data` line, else it only clears the event name.
 * - An event is returned by the `feed` that brought its last byte, also when that byte is a CR.
 */

import type { FrameLimits, RawEvent } from "./framing.js";
import { FrameDecoder, MIB, tooLarge } from "./framing.js";

const COLON = 58;
const SPACE = 32;
const RETRY_DIGITS = /^[0-9]{1,1000}$/;

/**
 * Bytes in, events out; the same events for every chunking of the same bytes.
 *
 * `retry` is the last valid reconnection time in milliseconds.
 */
export class SseDecoder extends FrameDecoder {
  retry: number | null = null;
  readonly #maxComment: number;
  #data: string[] = [];
  #name = "";
  #id = "";
  #size = 0;
  #commentSize = 0;

  constructor(limits: FrameLimits = {}) {
    super(limits);
    this.#maxComment = limits.maxCommentBytes ?? MIB;
  }

  protected take(line: Uint8Array, events: RawEvent[]): void {
    if (line.length === 0) {
      this.#dispatch(events);
      return;
    }
    if (line[0] === COLON) {
      this.#countComment(line.length);
      return;
    }
    this.#size += line.length;
    this.#check(line.length, this.#size);
    this.#field(line);
  }

  protected rest(tail: Uint8Array): RawEvent | null {
    if (tail.length > 0 && tail[0] !== COLON) {
      this.#field(tail);
    }
    const event = this.#data.length > 0 ? this.#event() : null;
    this.#forget();
    return event;
  }

  protected checkTail(): void {
    const size = this.tail.length;
    if (this.tail.first !== COLON) {
      this.#check(size, this.#size + size);
    } else if (this.#commentSize + size > this.#maxComment) {
      throw tooLarge("comments without an event", this.#maxComment);
    }
  }

  #dispatch(events: RawEvent[]): void {
    if (this.#data.length > 0) {
      events.push(this.#event());
      this.#commentSize = 0;
    }
    this.lastEventId = this.#id;
    this.#forget();
  }

  #forget(): void {
    this.#data = [];
    this.#name = "";
    this.#size = 0;
  }

  #event(): RawEvent {
    const data = this.#data.length === 1 ? (this.#data[0] ?? "") : this.#data.join("\n");
    return { event: this.#name === "" ? "message" : this.#name, data, id: this.#id };
  }

  #field(line: Uint8Array): void {
    const colon = line.indexOf(COLON);
    if (colon < 0) {
      this.#set(this.text(line), "");
      return;
    }
    const start = line[colon + 1] === SPACE ? colon + 2 : colon + 1;
    this.#set(fieldName(line, colon), this.text(line.subarray(start)));
  }

  #set(name: string, value: string): void {
    if (name === "data") {
      this.#data.push(value);
    } else if (name === "event") {
      this.#name = value;
    } else if (name === "id") {
      this.#id = value.includes("\0") ? this.#id : value;
    } else if (name === "retry" && RETRY_DIGITS.test(value)) {
      this.retry = Number(value);
    }
  }

  #countComment(size: number): void {
    this.#commentSize += size;
    if (this.#commentSize > this.#maxComment) {
      throw tooLarge("comments without an event", this.#maxComment);
    }
  }

  #check(line: number, event: number): void {
    if (line > this.maxLine) {
      throw tooLarge("a line of the stream", this.maxLine);
    }
    if (event > this.maxEvent) {
      throw tooLarge("an event of the stream", this.maxEvent);
    }
  }
}

/** The name before the colon; one that is longer than any we know is none of ours. */
function fieldName(line: Uint8Array, colon: number): string {
  return colon <= 5 ? String.fromCharCode(...line.subarray(0, colon)) : "";
}
