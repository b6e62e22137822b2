/**
 * What a user holds while a stream runs.
 *
 * A stream opens when it is first used, and is read once. Leaving it in any way, also by breaking out of
 * the loop, closes its connection at once. One that is dropped without being closed is closed when the
 * engine collects it, which may take its time: prefer `for await`, or `await using`.
 */

import { ignore } from "./abort.js";
import type { Call } from "./context.js";
import { StreamError } from "./core/errors.js";
import type { Gaps } from "./core/gaps.js";
import { GapMeter } from "./core/gaps.js";
import type { Completion, Decoded } from "./core/stream.js";
import { openCall } from "./opening.js";
import type { Pump } from "./pump.js";

/** How far a stream has come: events, characters of text, and seconds since the call began. */
export interface Progress {
  readonly events: number;
  readonly characters: number;
  readonly seconds: number;
}

/** What `forEach` calls for each event; what they return is awaited. */
export interface Callbacks<E> {
  onEvent?: (event: E) => unknown;
  onText?: (text: string) => unknown;
  onProgress?: (progress: Progress) => unknown;
}

/** A reading of a stream, which its `return` closes. */
export interface Reading<T> extends AsyncIterableIterator<T> {
  return(): Promise<IteratorResult<T>>;
}

const DROPPED =
  typeof FinalizationRegistry === "undefined"
    ? null
    : new FinalizationRegistry<{ pump: Pump | null }>((held) => {
        void held.pump?.end(null).catch(ignore);
      });

/**
 * A stream of typed events: iterate over it with `for await`, or take `texts()`, or only `result()`.
 *
 * Errors while reading carry `partial`, the message so far.
 */
export class Stream<E, R> implements AsyncIterable<E>, AsyncDisposable {
  readonly #start: () => Call;
  // Held apart from the stream, so that a finaliser can end what is left when nobody holds the stream.
  readonly #held: { pump: Pump | null } = { pump: null };
  #opening: Promise<Pump> | null = null;
  #source: AsyncGenerator<Decoded> | null = null;
  #whole: { readonly value: R } | null = null;
  #reading = false;
  #closed = false;

  constructor(start: () => Call) {
    this.#start = start;
    DROPPED?.register(this, this.#held);
  }

  get #pump(): Pump | null {
    return this.#held.pump;
  }

  /** "explicit" or "inferred" once the stream has ended well, else null. */
  get completion(): Completion | null {
    return this.#pump?.reader.completion ?? null;
  }

  /** The message accumulated so far; unfinished parts carry `complete: false`. */
  get partial(): R {
    return this.#opened().message.partial() as R;
  }

  /** Whether the server sent one whole answer instead of a stream. */
  get synthesised(): boolean {
    return this.#pump?.synthesised ?? false;
  }

  /** The provider's id of this exchange. */
  get requestId(): string | null {
    return this.#pump?.call.requestId ?? null;
  }

  /** Seconds from the call's start to its first event. */
  get firstEventAfter(): number | null {
    return this.#pump?.firstEventAfter ?? null;
  }

  /** Seconds from the call's start to its first content. */
  get firstContentAfter(): number | null {
    return this.#pump?.firstContentAfter ?? null;
  }

  /** The waits for the server between one event and the next so far. */
  get gaps(): Gaps {
    return (this.#pump?.gaps ?? new GapMeter()).gaps;
  }

  /** The best reading of a tool call's input so far; never throws, never ahead of the bytes. */
  toolInput(index = 0): unknown {
    return this.#opened().message.toolInput(index);
  }

  /** Wait until the first event is there; throws what kept the stream from beginning. */
  async open(): Promise<this> {
    await this.#open();
    return this;
  }

  [Symbol.asyncIterator](): Reading<E> {
    return this.#read((event) => event.data as E);
  }

  /** The text of the answer, piece by piece. */
  texts(): Reading<string> {
    return this.#read((event) => {
      const text = this.#textOf(event);
      return text === "" ? undefined : text;
    });
  }

  /** The events as they came: name, decoded JSON, id. */
  rawEvents(): Reading<Decoded> {
    return this.#read((event) => event);
  }

  /**
   * The whole message, with callbacks for each event on the way.
   *
   * An exception of a callback ends the stream, and is thrown after its connection is closed.
   */
  async forEach(callbacks: Callbacks<E>): Promise<R> {
    const told = { events: 0, characters: 0 };
    for await (const event of this.rawEvents()) {
      const text = this.#textOf(event);
      told.events += 1;
      told.characters += text.length;
      await callbacks.onEvent?.(event.data as E);
      if (text !== "") {
        await callbacks.onText?.(text);
      }
      const { io, started } = this.#opened().call;
      await callbacks.onProgress?.({ ...told, seconds: io.now() - started });
    }
    return this.result();
  }

  /** The whole message, of the type that a unary call returns; reads what is left of the stream. */
  async result(): Promise<R> {
    const pump = this.#closed ? this.#opened() : await this.#open();
    if (!pump.finished) {
      if (this.#closed) {
        throw this.#leftEarly(pump);
      }
      while ((await this.#nextEvent()) !== null) {
        // The accumulator has taken it.
      }
    }
    this.#whole ??= { value: pump.completeResult() as R };
    return this.#whole.value;
  }

  /** Close the connection; safe in every state. */
  async close(): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    await this.#source?.return(undefined).catch(ignore);
    const opening = this.#opening;
    if (opening !== null && this.#pump === null) {
      void opening.then((pump) => pump.end(null)).catch(ignore);
      return;
    }
    await this.#pump?.end(null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #opened(): Pump {
    if (this.#pump === null) {
      throw new StreamError("The stream has not begun; open it or iterate over it first");
    }
    return this.#pump;
  }

  async #open(): Promise<Pump> {
    if (this.#opening === null) {
      if (this.#closed) {
        throw new StreamError("The stream was closed before it began");
      }
      this.#opening = openCall(this.#start());
    }
    this.#held.pump = await this.#opening;
    return this.#held.pump;
  }

  /** One consumption; an event that is shaped to undefined is passed over. */
  #read<T>(shape: (event: Decoded) => T | undefined): Reading<T> {
    if (this.#reading) {
      throw new StreamError("A stream can be read once; use stream.result() for the accumulated message");
    }
    this.#reading = true;
    const next = async (): Promise<IteratorResult<T>> => {
      for (let event = await this.#nextEvent(); event !== null; event = await this.#nextEvent()) {
        const item = shape(event);
        if (item !== undefined) {
          return { done: false, value: item };
        }
      }
      return { done: true, value: undefined };
    };
    return {
      next,
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** The next event as it was decoded, null at the end. */
  async #nextEvent(): Promise<Decoded | null> {
    const pump = this.#closed ? this.#opened() : await this.#open();
    if (pump.wraps.length === 0) {
      return this.#nextArrived(pump);
    }
    this.#source ??= pump.shown(this.#arriving(pump));
    const step = await this.#source.next();
    return step.done === true ? null : step.value;
  }

  async *#arriving(pump: Pump): AsyncGenerator<Decoded> {
    for (let event = await this.#nextArrived(pump); event !== null; event = await this.#nextArrived(pump)) {
      yield event;
    }
  }

  async #nextArrived(pump: Pump): Promise<Decoded | null> {
    if (this.#closed) {
      return null;
    }
    if (pump.reader.ready.length === 0 && !(await this.#hasMore(pump))) {
      return null;
    }
    return pump.reader.ready.take() ?? null;
  }

  /** Whether an event is ready; the stream is closed if not, also by the error that ended it. */
  async #hasMore(pump: Pump): Promise<boolean> {
    let more = false;
    try {
      more = await pump.more();
    } finally {
      this.#closed ||= !more;
    }
    return more && !this.#closed;
  }

  #leftEarly(pump: Pump): StreamError {
    const { failure } = pump.reader;
    const reason = failure === null ? "was left before its end" : `failed: ${failure.message}`;
    return new StreamError(`There is no result: the stream ${reason}`, { partial: this.partial });
  }

  #textOf(event: Decoded): string {
    return this.#opened().message.textOf(event.name, event.data);
  }
}
