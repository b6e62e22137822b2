/**
 * The open stream: bytes in, events out, with every timer of R-051 and every end of R-143.
 *
 * Rules of this file:
 * - Until the first application event a failure is the attempt's, and may be retried.
 * - Idle counts time without bytes, stall time without events; both stand still while the consumer is the cause
 *   (R-151).
 * - Every error carries what arrived.
 */

import { ignore } from "./abort.js";
import { lacking } from "./answer.js";
import { BodyMeter, LIMITS } from "./body.js";
import type { Call } from "./context.js";
import { outcomeName, stopReason } from "./context.js";
import type { Accumulator } from "./core/accumulate/accumulator.js";
import { accumulatorOf } from "./core/accumulate/index.js";
import { streamError } from "./core/error-body.js";
import {
  AttemptTimeoutError,
  ClientClosedError,
  ConnectionLostError,
  DeadlineExceededError,
  ForgeError,
  ProtocolError,
  StreamIdleError,
  StreamInterruptedError,
  StreamStallError,
} from "./core/errors.js";
import { GapMeter } from "./core/gaps.js";
import { isObject } from "./core/json.js";
import type { StreamRule } from "./core/profile.js";
import type { Decoded } from "./core/stream.js";
import { StreamReader } from "./core/stream.js";
import type { Events } from "./core/synthesise.js";
import { synthesise } from "./core/synthesise.js";
import type { Lease } from "./lease.js";
import { LEFT, usageCost } from "./lease.js";
import { warn } from "./log.js";
import type { Streaming, Wrap } from "./middleware.js";
import type { Exchange } from "./transport.js";
import { ReadTimeout } from "./transport.js";

const DRAIN_SECONDS = 0.1;
const GAPS_KEPT = 10_000;

/** What may end the wait for the next bytes. */
type Timer = "first-event" | "idle" | "stall" | "deadline";

/** One stream from its first byte to its end; made by `opening`. */
export class Pump implements Streaming {
  synthesised = false;
  firstEventAfter: number | null = null;
  firstContentAfter: number | null = null;
  readonly gaps = new GapMeter();
  reader: StreamReader;
  wraps: readonly Wrap[] = [];
  exchange: Exchange | null = null;
  readonly began: number;
  #meter: BodyMeter | null = null;
  #shown: Accumulator | null = null;
  #shownToTheEnd = false;
  #handedOver = false;
  #stalled = 0;
  readonly #waits: number[] = [];

  constructor(
    readonly call: Call,
    private readonly lease: Lease,
    readonly rule: StreamRule,
  ) {
    this.began = call.io.now();
    this.reader = this.#newReader();
  }

  #newReader(): StreamReader {
    return new StreamReader(
      this.rule,
      (data) => streamError(data, this.call.shared.profile, this.call.redactor, this.call.requestId),
      (text) => this.call.redactor.text(text),
    );
  }

  // -- beginning ------------------------------------------------------------------------------------

  /** Take over the exchange of a 2xx answer. */
  attach(exchange: Exchange): void {
    this.exchange = exchange;
    this.#meter = new BodyMeter(exchange, LIMITS.stream);
  }

  /** Read up to the first application event or the end; throws what failed before that. */
  async begin(): Promise<void> {
    while (this.reader.applicationEvents === 0 && !this.reader.hasEnded()) {
      await this.#read();
    }
    if (this.reader.failure !== null && this.reader.applicationEvents === 0) {
      throw this.withPartial(this.reader.failure);
    }
  }

  /** Give this value, which middleware answered with, as the events of a stream. */
  takeWhole(value: unknown): this {
    const events = isObject(value) ? synthesise(this.rule.family, value) : null;
    if (events === null) {
      throw new TypeError("middleware answered a stream call with what is no result of its operation");
    }
    this.reader = this.#newReader();
    this.takeEvents(events);
    return this;
  }

  /** Give these events, which stood in one whole answer. */
  takeEvents(events: Events): void {
    this.synthesised = true;
    for (const [name, data] of events) {
      this.reader.accept(name, data);
      this.#noteArrivals();
    }
  }

  /** The stream is the consumer's from now on: a cancellation closes it at once, whoever reads. */
  handOver(): void {
    this.#handedOver = true;
    const { signal } = this.call;
    signal.addEventListener("abort", () => void this.end(signal.reason).catch(ignore), { once: true });
  }

  // -- running --------------------------------------------------------------------------------------

  /** Read until an event is ready; false at the stream's end. Throws the stream's failure. */
  async more(): Promise<boolean> {
    try {
      while (this.reader.ready.length === 0 && !this.reader.hasEnded()) {
        if (!this.reader.refill()) {
          await this.#read();
        }
      }
      if (this.reader.ready.length > 0) {
        return true;
      }
      if (this.reader.failure !== null) {
        throw this.withPartial(this.reader.failure);
      }
    } catch (error) {
      const failure = this.#stopped() ?? error;
      await this.end(failure);
      throw failure;
    }
    await this.#finish();
    return false;
  }

  /** Why the call was stopped, if it was; a closed client's error has what arrived. */
  #stopped(): Error | null {
    const reason = stopReason(this.call);
    return reason instanceof ClientClosedError ? this.withPartial(reason) : reason;
  }

  /** Feed bytes that were read already. */
  feed(chunk: Uint8Array): void {
    const seen = this.reader.applicationEvents;
    this.reader.feed(chunk);
    this.#noteEvents(seen);
  }

  /** One read from the socket, decoded; timers and endings become errors. */
  async #read(): Promise<void> {
    const { exchange } = this;
    if (exchange === null) {
      throw new StreamInterruptedError("The stream has no connection");
    }
    const began = this.call.io.now();
    const [limit, timer] = this.#limit(began);
    const seen = this.reader.applicationEvents;
    try {
      this.#take(await this.call.io.read(exchange, limit));
    } catch (error) {
      throw this.#failed(error, timer);
    } finally {
      this.#stalled += this.call.io.now() - began;
    }
    this.#noteEvents(seen);
  }

  #take(chunk: Uint8Array | null): void {
    if (chunk === null) {
      this.reader.finish(this.call.settings.strictCompletion);
    } else {
      this.reader.feed(this.#meter?.counted(chunk) ?? chunk);
    }
  }

  #failed(error: unknown, timer: Timer): unknown {
    if (error instanceof ReadTimeout) {
      return this.withPartial(this.#late(timer));
    }
    if (error instanceof ConnectionLostError || error instanceof ProtocolError) {
      return this.withPartial(this.broken().because(error));
    }
    return error instanceof ForgeError ? this.withPartial(error) : error;
  }

  #noteEvents(seen: number): void {
    const arrived = this.reader.applicationEvents - seen;
    if (arrived > 0) {
      this.#noteGap(arrived, seen === 0);
      this.#noteArrivals();
    }
  }

  /** How long the next read may take, and the timer that would then have fired. */
  #limit(now: number): readonly [number, Timer] {
    const { settings, deadline } = this.call;
    let limit = settings.idleTimeout;
    let timer: Timer = "idle";
    if (this.reader.applicationEvents === 0) {
      limit = this.began + settings.firstEventTimeout - now;
      timer = "first-event";
    } else if (settings.stallTimeout - this.#stalled < limit) {
      limit = settings.stallTimeout - this.#stalled;
      timer = "stall";
    }
    const left = deadline.left(now);
    return left !== null && left < limit ? [Math.max(left, 0), "deadline"] : [Math.max(limit, 0), timer];
  }

  #late(timer: Timer): ForgeError {
    const { idleTimeout, stallTimeout } = this.call.settings;
    switch (timer) {
      case "first-event":
        return new AttemptTimeoutError("No event of the stream arrived in time", { phase: "response" });
      case "idle":
        return new StreamIdleError(`The stream sent nothing for ${idleTimeout} s`);
      case "stall":
        return new StreamStallError(`The stream sent no event for ${stallTimeout} s`);
      case "deadline":
        return new DeadlineExceededError("The call's deadline passed during the stream", { phase: "stream" });
    }
  }

  #noteArrivals(): void {
    const elapsed = this.call.io.now() - this.call.started;
    if (this.firstEventAfter === null) {
      this.firstEventAfter = elapsed;
      this.lease.probeSucceeded();
    }
    if (this.firstContentAfter === null && this.#hasContent()) {
      this.firstContentAfter = elapsed;
      this.call.emit("stream-first-content", { after: elapsed });
    }
  }

  /** Remember how long the server took for these events after the one before; for hooks one by one. */
  #noteGap(events: number, first: boolean): void {
    if (first) {
      this.gaps.note(0, events - 1);
    } else {
      this.gaps.note(this.#stalled, events);
      if (this.call.shared.hooks.any && this.#waits.length < GAPS_KEPT) {
        this.#waits.push(this.#stalled);
      }
    }
    this.#stalled = 0;
  }

  #hasContent(): boolean {
    return this.reader.ready.some((event) => this.reader.accumulator.isContent(event.data));
  }

  // -- ending ---------------------------------------------------------------------------------------

  /** The stream ended well: settle, and give the server a moment so that the connection is kept. */
  async #finish(): Promise<void> {
    const { completion, eventsSeen } = this.reader;
    this.#settle(null);
    const { mean, longest } = this.gaps.gaps;
    this.call.emit("stream-end", { completion, events: eventsSeen, meanGap: mean, longestGap: longest });
    if (completion === "inferred") {
      this.#warnInferred();
    }
    try {
      await this.#drain();
    } finally {
      await this.lease.close();
      this.#release("ok");
    }
  }

  async #drain(): Promise<void> {
    const { exchange } = this;
    const ends = this.call.io.now() + DRAIN_SECONDS;
    if (exchange === null || this.synthesised) {
      return;
    }
    try {
      for (let left = DRAIN_SECONDS; left > 0; left = ends - this.call.io.now()) {
        if ((await this.call.io.read(exchange, left)) === null) {
          return;
        }
      }
    } catch {
      return; // the stream is complete; whatever follows it cannot matter
    }
  }

  /** Stop here, null for nobody's fault: settle with what is known and abort the connection. Idempotent. */
  async end(error: unknown): Promise<void> {
    if (error instanceof ForgeError && this.#handedOver) {
      this.call.emit("stream-interrupted", { error: error.kind });
    }
    this.#settle(error ?? LEFT);
    try {
      await this.lease.close();
    } finally {
      this.#release(error === null ? "left" : outcomeName(error, this.call.signal));
    }
  }

  #settle(error: unknown): void {
    this.lease.end(error, this.#handedOver ? usageCost({ usage: this.reader.accumulator.usage() }) : null);
  }

  #release(outcome: string): void {
    if (this.#handedOver) {
      this.#handedOver = false;
      const answer = this.call.shared.hooks.any ? this.message.partial() : null;
      this.call.finish(outcome, answer, { gaps: this.#waits, completion: this.reader.completion });
    }
  }

  #warnInferred(): void {
    const { shared } = this.call;
    if (!shared.inferredWarned) {
      shared.inferredWarned = true;
      warn(`${shared.profile.name} ended a stream without its terminal event; completion was inferred`);
    }
  }

  // -- errors and results ---------------------------------------------------------------------------

  /** The error with what arrived, and once the stream was handed over with the facts of the call. */
  withPartial(error: ForgeError): ForgeError {
    error.enrich({
      partial: this.reader.accumulator.partial(),
      eventsSeen: this.reader.eventsSeen,
      lastEventId: this.reader.lastEventId,
    });
    if (!this.#handedOver) {
      return error;
    }
    this.call.failLast(error);
    return this.call.enrich(error);
  }

  /** The error of a connection that was lost in the stream. */
  broken(): StreamInterruptedError {
    return new StreamInterruptedError(
      `The connection broke after ${this.reader.eventsSeen} events; error.partial is what arrived`,
    );
  }

  /** What the consumer's events add up to: with middleware that wraps them, those that came out. */
  get message(): Accumulator {
    return this.#shown ?? this.reader.accumulator;
  }

  /** The events as the consumer gets them, through every wrap. */
  async *shown(events: AsyncIterable<Decoded>): AsyncGenerator<Decoded> {
    const message = accumulatorOf(this.rule);
    this.#shown = message;
    let wrapped = events;
    for (const wrap of this.wraps) {
      wrapped = wrap(wrapped);
    }
    for await (const event of wrapped) {
      message.add(event.name, event.data);
      yield event;
    }
    if (this.reader.completion === "explicit") {
      message.add("message", null); // a sentinel is no event that anybody wraps
    }
    this.#shownToTheEnd = this.reader.completion !== null;
  }

  /** Whether the consumer has got all of a stream that ended well. */
  get finished(): boolean {
    return this.wraps.length > 0
      ? this.#shownToTheEnd
      : this.reader.completion !== null && this.reader.ready.length === 0;
  }

  /** The result of a stream that ended well; InvalidResponseError where `strict` refuses it. */
  completeResult(): unknown {
    const result = this.message.result();
    const error = lacking(this.call, result);
    if (error !== null) {
      throw this.withPartial(error);
    }
    return result;
  }
}
