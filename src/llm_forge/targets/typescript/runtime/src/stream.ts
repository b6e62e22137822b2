import type { Decoded } from "./core/stream.js";

export interface Progress {
  readonly events: number;
  readonly characters: number;
  readonly seconds: number;
}

export interface Callbacks<E> {
  onEvent?: (event: E) => unknown;
  onText?: (text: string) => unknown;
  onProgress?: (progress: Progress) => unknown;
}

/**
 * A stream of typed events: iterate over it with `for await`, or take `texts()`, or only `result()`.
 *
 * It opens when it is first used, and is read once.
 */
export declare class Stream<E, R> implements AsyncIterable<E>, AsyncDisposable {
  get completion(): "explicit" | "inferred" | null;
  get partial(): R;
  get synthesised(): boolean;
  get requestId(): string | null;
  get firstEventAfter(): number | null;
  get firstContentAfter(): number | null;
  [Symbol.asyncIterator](): AsyncIterator<E>;
  open(): Promise<this>;
  texts(): AsyncIterable<string>;
  rawEvents(): AsyncIterable<Decoded>;
  forEach(callbacks: Callbacks<E>): Promise<R>;
  result(): Promise<R>;
  toolInput(index?: number): unknown;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
