/**
 * What users put around calls and around attempts.
 *
 * Rules of this file:
 * - Order outside in, as given. Call steps stand outside deadline, retry, breaker and limiter, and run once a
 *   call. Attempt steps stand inside them, outside auth and transport, and run once an attempt.
 * - Requests and responses are immutable: a step passes a changed copy on, which no other attempt sees.
 * - No step sees a credential, and none changes the origin.
 * - What a step throws goes on unchanged; a ForgeError then follows the retry rules.
 */

import { originOf } from "./base-url.js";
import type { Call } from "./context.js";
import type { CallContext } from "./core/call-context.js";
import { InvalidRequestError } from "./core/errors.js";
import { Headers } from "./core/headers.js";
import { decode, encode } from "./core/json.js";
import type { Decoded } from "./core/stream.js";
import { bytesOf, textOf } from "./core/text.js";
import type { ContentKind, ForgeEvent, Hook, Reader } from "./events.js";
import { checkHeader } from "./header-check.js";
import type { Body, HttpRequest } from "./transport.js";

/** A request as middleware sees it: without credentials, and never changed in place. */
export class Request {
  readonly #headers: Headers;
  readonly #body: Body;

  constructor(
    readonly method: string,
    readonly url: string,
    headers: Headers,
    body: Body = null,
  ) {
    this.#headers = headers;
    this.#body = body;
  }

  get headers(): Headers {
    return this.#headers;
  }

  get body(): Body {
    return this.#body;
  }

  /** The same request with this header set, in place of any of that name. */
  withHeader(name: string, value: string): Request {
    const kept = this.withoutHeader(name).headers.pairs();
    return new Request(this.method, this.url, new Headers([...kept, [name, value]]), this.#body);
  }

  /** The same request without this header. */
  withoutHeader(name: string): Request {
    const pairs = this.#headers.pairs().filter(([field]) => field !== name.toLowerCase());
    return new Request(this.method, this.url, new Headers(pairs), this.#body);
  }

  /** The same request to another URL of the same origin. */
  withUrl(url: string): Request {
    return new Request(this.method, url, this.#headers, this.#body);
  }

  /** The body decoded, afresh each time; TypeError for a body that is not held in memory. */
  json(): unknown {
    if (!(this.#body instanceof Uint8Array)) {
      throw new TypeError("this request has no JSON body in memory");
    }
    return decode(textOf(this.#body));
  }

  /** The same request with this JSON as its body; InvalidRequestError for what JSON cannot hold. */
  withJson(value: unknown): Request {
    return new Request(this.method, this.url, this.#headers, bytesOf(encode(value)));
  }
}

/** The events of a stream as they are read; a wrap is given them and gives others. */
export type Wrap = (events: AsyncIterable<Decoded>) => AsyncIterable<Decoded>;

/** An answer that is still arriving, to which wraps of its events are added. */
export interface Streaming {
  wraps: readonly Wrap[];
}

/**
 * What came of a request. Make one from a `value` to answer without sending anything.
 *
 * `value` is the decoded JSON of a whole answer, undefined for a stream. It belongs to the caller: change a copy.
 */
export class Response {
  readonly #value: unknown;
  readonly #stream: Streaming | null;
  readonly #wraps: readonly Wrap[];

  constructor(
    value: unknown,
    readonly status = 200,
    readonly headers = new Headers(),
    stream: Streaming | null = null,
    wraps: readonly Wrap[] = [],
  ) {
    this.#value = value;
    this.#stream = stream;
    this.#wraps = wraps;
  }

  get value(): unknown {
    return this.#value;
  }

  /** Whether events follow; see `withEvents`. */
  get isStream(): boolean {
    return this.#stream !== null;
  }

  /** The same response with another value; a stream is given up for it. */
  withValue(value: unknown): Response {
    return new Response(value, this.status, this.headers);
  }

  /**
   * The same stream with its events passed through `wrap`, as they are read.
   *
   * The accumulated message is made of the events that come out.
   */
  withEvents(wrap: Wrap): Response {
    if (this.#stream === null) {
      throw new TypeError("this response is no stream");
    }
    return new Response(undefined, this.status, this.headers, this.#stream, [...this.#wraps, wrap]);
  }

  /** The open stream with its wraps, or the value. */
  static answerOf(response: Response): unknown {
    if (response.#stream === null) {
      return response.#value;
    }
    response.#stream.wraps = [...response.#stream.wraps, ...response.#wraps];
    return response.#stream;
  }
}

export type Proceed = (request: Request) => Promise<Response>;
export type Step = (context: CallContext, request: Request, proceed: Proceed) => Response | Promise<Response>;

/** Stands around the calls and attempts of a client; give what you need. */
export interface Middleware {
  /** Once a call, outside the retries. `proceed` runs the call; leave it out to answer yourself. */
  call?: Step;
  /** Once an attempt. `proceed` sends the request, once; its errors are those of the attempt. */
  attempt?: Step;
  /** Told of everything that happens, like a client's `onEvent`. */
  onEvent?: Hook;
  /** Given bodies, credentials redacted, when a call ends; of a stream its message. */
  onContent?: Reader;
}

/** What of a client's middleware is given, by level; empty levels cost nothing. */
export interface Steps {
  readonly call: readonly Step[];
  readonly attempt: readonly Step[];
  readonly hooks: readonly Hook[];
  readonly readers: readonly Reader[];
}

export const NO_STEPS: Steps = { call: [], attempt: [], hooks: [], readers: [] };

/** The given methods of each, in order. */
export function stepsOf(middleware: readonly Middleware[]): Steps {
  return {
    call: middleware.flatMap((one) =>
      one.call === undefined
        ? []
        : [(...given: Parameters<Step>) => one.call?.(...given) ?? given[2](given[1])],
    ),
    attempt: middleware.flatMap((one) =>
      one.attempt === undefined
        ? []
        : [(...given: Parameters<Step>) => one.attempt?.(...given) ?? given[2](given[1])],
    ),
    hooks: middleware.flatMap((one) =>
      one.onEvent === undefined
        ? []
        : [
            (event: ForgeEvent) => {
              one.onEvent?.(event);
            },
          ],
    ),
    readers: middleware.flatMap((one) =>
      one.onContent === undefined
        ? []
        : [
            (context: CallContext, kind: ContentKind, text: string) => {
              one.onContent?.(context, kind, text);
            },
          ],
    ),
  };
}

type Send = (request: HttpRequest) => Promise<unknown>;

/** What `send` brings, a value or an open stream, or what `steps` around it make of that. */
export async function through(
  call: Call,
  steps: readonly Step[],
  request: HttpRequest,
  send: Send,
): Promise<unknown> {
  if (steps.length === 0) {
    return send(request);
  }
  const innermost = async (onward: HttpRequest): Promise<Response> => {
    const answer = await send(onward);
    const status = call.responseStatus ?? 200;
    const headers = call.responseHeaders ?? new Headers();
    return isStreaming(answer)
      ? new Response(undefined, status, headers, answer)
      : new Response(answer, status, headers);
  };
  return Response.answerOf(await step(call, steps, request, innermost));
}

function isStreaming(answer: unknown): answer is Streaming {
  return typeof answer === "object" && answer !== null && "wraps" in answer && "call" in answer;
}

async function step(
  call: Call,
  steps: readonly Step[],
  request: HttpRequest,
  innermost: (request: HttpRequest) => Promise<Response>,
): Promise<Response> {
  const [first, ...rest] = steps;
  if (first === undefined) {
    return innermost(request);
  }
  const shown = shownOf(request, call);
  const proceed: Proceed = (changed) =>
    step(call, rest, changed === shown ? request : applied(request, changed, call), innermost);
  const response: unknown = await first(call.context, shown, async (changed) => proceed(changed));
  // Whatever the step made of it, a cancelled call stays cancelled.
  call.signal.throwIfAborted();
  if (!(response instanceof Response)) {
    throw new TypeError(`middleware returned ${typeof response}, not a Response`);
  }
  return response;
}

/** The request without headers that may hold credentials, also those that the caller set himself. */
function shownOf(request: HttpRequest, call: Call): Request {
  const pairs = request.headers.filter(([name]) => !call.shared.isSecretHeader(name));
  return new Request(request.method, request.url, new Headers(pairs), request.body);
}

/** The changed request, checked, with the headers that were hidden from the step put back. */
function applied(before: HttpRequest, changed: Request, call: Call): HttpRequest {
  check(before, changed);
  const back = before.headers.filter(
    ([name]) => call.shared.isSecretHeader(name) && !changed.headers.has(name),
  );
  return {
    method: changed.method,
    url: changed.url,
    headers: [...changed.headers.pairs(), ...back],
    body: changed.body,
  };
}

function check(before: HttpRequest, changed: unknown): asserts changed is Request {
  if (!(changed instanceof Request)) {
    throw new TypeError(`proceed takes a Request, not ${typeof changed}`);
  }
  if (!/^[A-Za-z]+$/.test(changed.method) || !/^[!-~]+$/.test(changed.url)) {
    throw new InvalidRequestError("Middleware made a method or URL with characters that HTTP does not allow");
  }
  if (originOf(changed.url) !== originOf(before.url) || new URL(changed.url).username !== "") {
    throw new InvalidRequestError(
      `Middleware changed the request's origin to ${originOf(changed.url)}; make a client with that baseURL instead`,
    );
  }
  for (const [name, value] of changed.headers.pairs()) {
    checkHeader(name, value);
  }
}
