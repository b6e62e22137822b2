/**
 * From a stream's bytes to its events and its end, without any I/O.
 *
 * Rules of this file:
 * - Events decoded before a failure are delivered before the failure is thrown.
 * - A stream ends explicitly, by inference, or not at all; nothing else is an end.
 * - What follows the terminal event is ignored.
 * - At most `MAX_READY` events are decoded ahead of the consumer; the rest of a chunk waits undecoded.
 */

import type { Accumulator, Completion } from "./accumulate/accumulator.js";
import { accumulatorOf } from "./accumulate/index.js";
import { mayBeError } from "./error-body.js";
import type { ForgeError } from "./errors.js";
import {
  ResponseTooLargeError,
  StreamDecodeError,
  StreamInterruptedError,
  StreamProtocolError,
} from "./errors.js";
import type { FrameDecoder, RawEvent } from "./framing.js";
import { JsonLineDecoder } from "./framing.js";
import { isObject, JsonError, decode } from "./json.js";
import type { StreamRule } from "./profile.js";
import { SseDecoder } from "./sse.js";

export type { Completion } from "./accumulate/accumulator.js";

export const MAX_READY = 256;
const SHOWN = 2000;

/**
 * One event: the name the wire gave it ("message" where none), its JSON, and its id ("" for none).
 *
 * `application` is false for pings.
 */
export interface Decoded {
  readonly name: string;
  readonly data: unknown;
  readonly application: boolean;
  readonly id: string;
}

/** Values in, values out, first in first out; taking one costs the same however many there are. */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #at = 0;

  get length(): number {
    return this.#items.length - this.#at;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest; undefined if there is none. */
  take(): T | undefined {
    const item = this.#items[this.#at];
    if (this.#at < this.#items.length) {
      this.#items[this.#at] = undefined;
      this.#at += 1;
    }
    if (this.#at === this.#items.length) {
      this.#items = [];
      this.#at = 0;
    }
    return item;
  }

  some(test: (item: T) => boolean): boolean {
    return this.#items.slice(this.#at).some((item) => test(item as T));
  }
}

/**
 * Feed it bytes; take events from `ready`, then look at `failure` and `completion`.
 *
 * `errorOf` makes the typed error of an event that reports one; `redact` cleans the text of an event that is not
 * JSON.
 */
export class StreamReader {
  readonly accumulator: Accumulator;
  /** No event is known to end the stream, so that the end of the body does. */
  readonly #isOpen: boolean;
  readonly ready = new Queue<Decoded>();
  failure: ForgeError | null = null;
  completion: Completion | null = null;
  eventsSeen = 0;
  applicationEvents = 0;
  readonly #decoder: FrameDecoder;
  readonly #waiting = new Queue<RawEvent>();
  #bodyFailure: ForgeError | null = null;

  constructor(
    rule: StreamRule,
    private readonly errorOf: (data: unknown) => ForgeError | null,
    private readonly redact: (text: string) => string = (text) => text,
  ) {
    this.accumulator = accumulatorOf(rule);
    this.#isOpen = rule.family === "events" && rule.terminal.length === 0;
    this.#decoder = rule.ndjson ? new JsonLineDecoder() : new SseDecoder();
  }

  /** Whether nothing more is to be read. */
  hasEnded(): boolean {
    return this.completion !== null || this.failure !== null;
  }

  /** The id of the last event that carried one. */
  get lastEventId(): string | null {
    return this.#decoder.lastEventId === "" ? null : this.#decoder.lastEventId;
  }

  /** How many lines were not valid UTF-8. */
  get decodeErrors(): number {
    return this.#decoder.decodeErrors;
  }

  /** Decode what this chunk completes, as far as `ready` has room; `refill` decodes the rest. */
  feed(chunk: Uint8Array): void {
    try {
      for (const event of this.#decoder.feed(chunk)) {
        this.#waiting.push(event);
      }
    } catch (error) {
      this.#bodyFailure = refused(error);
    }
    this.refill();
  }

  /** Decode events that wait; whether that changed anything. */
  refill(): boolean {
    if (this.hasEnded()) {
      return false;
    }
    const before = this.eventsSeen;
    while (!this.hasEnded() && this.ready.length < MAX_READY) {
      const event = this.#waiting.take();
      if (event === undefined) {
        break;
      }
      this.#take(event);
    }
    if (!this.hasEnded() && this.#waiting.length === 0) {
      this.failure = this.#bodyFailure;
    }
    return this.hasEnded() || this.eventsSeen > before;
  }

  /** The body ended cleanly: decide how the stream ended; `strict` refuses inference. */
  finish(strict = false): void {
    for (
      let event = this.#waiting.take();
      event !== undefined && !this.hasEnded();
      event = this.#waiting.take()
    ) {
      this.#take(event);
    }
    if (this.hasEnded()) {
      return;
    }
    const cut = !this.#takeRest();
    if (this.hasEnded()) {
      return;
    }
    const verdict = cut && this.#isOpen ? null : this.accumulator.ending();
    if (verdict === null || (strict && verdict === "inferred")) {
      this.failure = new StreamInterruptedError(this.#cutShort(verdict));
    } else {
      this.completion = verdict;
    }
  }

  /** Take what is whole of an event at the end of the body; false if the body ended inside one. */
  #takeRest(): boolean {
    try {
      const rest = this.#decoder.finish();
      if (rest === null) {
        return true;
      }
      if (this.accumulator.isTerminal(rest.event, rest.data)) {
        this.#take(rest);
        return true;
      }
    } catch (error) {
      this.failure = refused(error);
    }
    return false;
  }

  /** Take an event that is decoded already; null is the sentinel. */
  accept(name: string, data: unknown, id = ""): void {
    if (mayBeError(name, data)) {
      this.failure = this.#reported(name, data);
      if (this.failure !== null) {
        return;
      }
    }
    try {
      this.accumulator.add(name, data);
    } catch (error) {
      if (!(error instanceof StreamProtocolError)) {
        throw error;
      }
      this.failure = error;
      return;
    }
    if (data !== null) {
      const application = !isPing(name, data);
      this.ready.push({ name, data, application, id });
      this.applicationEvents += Number(application);
    }
    if (this.accumulator.terminal) {
      this.#conclude();
    }
  }

  #take(event: RawEvent): void {
    this.eventsSeen += 1;
    let data: unknown;
    try {
      data = decode(event.data);
    } catch (error) {
      this.#takeOther(event, error);
      return;
    }
    if (data === null) {
      // To the accumulators null is the sentinel, which the event `null` must never pass for.
      this.failure = new StreamProtocolError(`Event ${this.eventsSeen} of the stream is null`);
    } else {
      this.accept(event.event, data, event.id);
    }
  }

  /** An event whose data is not JSON: the sentinel, or a failure. */
  #takeOther(event: RawEvent, error: unknown): void {
    if (this.accumulator.isSentinel(event.data)) {
      this.accept(event.event, null, event.id);
      return;
    }
    if (!(error instanceof JsonError)) {
      throw error;
    }
    const body = this.redact(event.data).slice(0, SHOWN);
    const message = `Event ${this.eventsSeen} of the stream is not valid JSON: ${error.message}`;
    this.failure = new StreamDecodeError(message, { body });
  }

  /** The failure that an event reports, null for a harmless one. */
  #reported(name: string, data: unknown): ForgeError | null {
    const failure = this.errorOf(data);
    if (failure === null && name === "error") {
      return new StreamProtocolError("The stream reported an error that says nothing more");
    }
    return failure;
  }

  #conclude(): void {
    const verdict = this.accumulator.ending();
    if (verdict === null) {
      this.failure = new StreamInterruptedError(
        "The stream declared its end while a tool call was still incomplete; see error.partial",
      );
    } else {
      this.completion = verdict;
    }
  }

  #cutShort(verdict: Completion | null): string {
    if (verdict === "inferred") {
      return "The stream ended without its terminal event, which strictCompletion requires";
    }
    return (
      `The stream was cut short after ${this.eventsSeen} events, before its terminal event; ` +
      "what arrived is in error.partial"
    );
  }
}

function refused(error: unknown): ForgeError {
  if (error instanceof ResponseTooLargeError) {
    return error;
  }
  throw error;
}

function isPing(name: string, data: unknown): boolean {
  const kind = isObject(data) ? data["type"] : null;
  return [name, kind].some((word) => word === "ping" || word === "keepalive");
}
