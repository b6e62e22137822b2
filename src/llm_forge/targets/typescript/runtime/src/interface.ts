/** What generated code uses of the runtime; implemented in client.ts. */

import type { Operation, Profile } from "./core/profile.js";
import type { Headers } from "./core/headers.js";
import type { ClientOptions, CopyOptions, RequestOptions } from "./options.js";
import type { RequestParts } from "./request.js";
import type { Stream } from "./stream.js";
import type { Attempt } from "./core/errors.js";

/** The answer to a unary call: a promise of the result, which also tells how it came. */
export interface ApiPromise<R> extends Promise<R> {
  withResponse(): Promise<{
    data: R;
    response: { status: number; headers: Headers; requestId: string | null; attempts: readonly Attempt[] };
  }>;
}

/** One page: the answer as it came, and the way to the next one. Iterating gives the items of it and of all that follow. */
export interface Page<T, P> extends AsyncIterable<T> {
  readonly data: P;
  readonly items: readonly T[];
  hasNextPage(): boolean;
  nextPage(): Promise<Page<T, P> | null>;
  pages(limit?: number): AsyncIterable<Page<T, P>>;
}

/** A list that was asked for: await it for its first page, or iterate over all items. */
export interface Paging<T, P> extends PromiseLike<Page<T, P>>, AsyncIterable<T> {
  pages(limit?: number): AsyncIterable<Page<T, P>>;
}

export interface Download extends AsyncIterable<Uint8Array>, AsyncDisposable {
  read(maxBytes?: number): Promise<Uint8Array>;
  blob(): Promise<Blob>;
  close(): Promise<void>;
}

export interface Lines<R> extends AsyncIterable<R>, AsyncDisposable {
  close(): Promise<void>;
}

export declare class Client implements AsyncDisposable {
  constructor(profile: Profile, options?: ClientOptions, name?: string);
  get baseURL(): string;
  call<R>(operation: Operation<R, unknown>, parts?: RequestParts, options?: RequestOptions): ApiPromise<R>;
  stream<R, E>(operation: Operation<R, E>, parts?: RequestParts, options?: RequestOptions): Stream<E, R>;
  streamEvents<E>(operation: Operation<unknown, E>, parts?: RequestParts, options?: RequestOptions): Stream<E, E[]>;
  paged<T, P>(operation: Operation<P, unknown>, parts?: RequestParts, options?: RequestOptions): Paging<T, P>;
  download(operation: Operation<unknown, unknown>, parts?: RequestParts, options?: RequestOptions): Download;
  downloadUrl(url: string, options?: RequestOptions): Download;
  lines<R>(operation: Operation<R, unknown>, parts?: RequestParts, options?: RequestOptions): Lines<R>;
  withOptions(options: CopyOptions): this;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A group of operations of a client; generated resources extend it. */
export declare class Resource {
  protected readonly client: Client;
  constructor(client: Client);
}
