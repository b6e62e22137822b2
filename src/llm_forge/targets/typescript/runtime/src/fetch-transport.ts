/**
 * The default transport: the platform's `fetch`.
 *
 * What `fetch` does not let us keep, and what happens instead:
 * - There is no timer for connecting: the platform's own applies, and `response` bounds it.
 * - Proxies, certificate authorities, HTTP version, keep-alive and the life of idle connections are the platform's.
 * - Bodies come decoded: how much they expanded is not known, only what they became; a cut compressed body may
 *   pass for a whole one, which the JSON or the stream in it then shows.
 * - Headers of its own (`accept-language`, `sec-fetch-mode`) go along; repeated response headers come joined.
 * - In browsers a redirect shows neither status nor target, and the reason of a failure is hidden: it counts as a
 *   lost connection, which proves nothing.
 * The `node` part has a transport that keeps these rules.
 */

import { abortable } from "./abort.js";
import { milliseconds } from "./clock.js";
import {
  AttemptTimeoutError,
  ConnectError,
  ConnectionLostError,
  ForgeError,
  ProtocolError,
  RedirectError,
  TlsError,
} from "./core/errors.js";
import { Headers } from "./core/headers.js";
import { headersTooLarge } from "./body.js";
import { Slots } from "./slots.js";
import type { Body, BodySource, Exchange, HttpRequest, PoolLimits, Timers, Transport } from "./transport.js";
import { POOL, ReadTimeout, StaleConnection } from "./transport.js";

const CONNECT_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "EHOSTDOWN",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const TLS_CODES =
  /^(?:CERT_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|INVALID_CA|ERR_SSL_(?!.*(?:PROTOCOL|WRONG_VERSION)))/;
const PROTOCOL_CODES = /^(?:HPE_|UND_ERR_(?:RES_)?(?:CONTENT_LENGTH_MISMATCH|INVALID)|Z_|ERR_HTTP_|ERR_SSL_)/;

/** What the platform's error says of itself. */
interface Cause {
  readonly code?: unknown;
  readonly socket?: { readonly bytesRead?: unknown };
  readonly errors?: readonly unknown[];
  readonly cause?: unknown;
}

/** Speaks HTTP with `fetch`. */
export class FetchTransport implements Transport {
  readonly #slots: Slots;
  readonly #fetch: typeof fetch;
  readonly #closing = new AbortController();

  constructor(given?: typeof fetch, pool: PoolLimits = POOL) {
    // Browsers refuse a fetch that is called as a method of something else.
    this.#fetch = given ?? ((input, init) => globalThis.fetch(input, init));
    this.#slots = new Slots(pool.connections);
  }

  /** Exchanges that hold a connection now. */
  get active(): number {
    return this.#slots.active();
  }

  async open(request: HttpRequest, timers: Timers, signal: AbortSignal): Promise<Exchange> {
    const release = await this.#slots.acquire(request.url, timers.pool, signal);
    const ending = new Ending(signal, this.#closing.signal);
    try {
      return await this.#opened(request, timers, ending, release);
    } catch (error) {
      ending.settle();
      release();
      throw error;
    }
  }

  async #opened(
    request: HttpRequest,
    timers: Timers,
    ending: Ending,
    release: () => void,
  ): Promise<Exchange> {
    const late = new AttemptTimeoutError("No response arrived in time", { phase: "response" });
    const stopTimer = ending.after(timers.response, late);
    const sender = new Sender(request.body);
    try {
      const asked = this.#fetch(request.url, {
        method: request.method,
        headers: request.headers.map(([name, value]) => [name, value] as [string, string]),
        body: sender.body,
        redirect: "manual",
        credentials: "omit",
        cache: "no-store",
        signal: ending.signal,
        ...(sender.streams ? { duplex: "half" } : {}),
      });
      // Not every fetch that a user gives heeds its signal.
      const response = await abortable(asked, ending.signal);
      if (response.type === "opaqueredirect") {
        throw new RedirectError("The server redirects, and browsers do not say where; check baseURL");
      }
      return new FetchExchange(response, ending, release);
    } catch (error) {
      throw sender.failure ?? ending.reason ?? translated(error, "response");
    } finally {
      stopTimer();
    }
  }

  close(): Promise<void> {
    this.#closing.abort(new ConnectionLostError("The client was closed"));
    return Promise.resolve();
  }
}

/** What may end an exchange: the call, the client, a timer, or whoever holds it. */
class Ending {
  readonly #controller = new AbortController();
  readonly #unfollow: (() => void)[] = [];

  constructor(...signals: readonly AbortSignal[]) {
    for (const signal of signals) {
      const stop = (): void => {
        this.stop(signal.reason);
      };
      if (signal.aborted) {
        stop();
      }
      signal.addEventListener("abort", stop, { once: true });
      this.#unfollow.push(() => {
        signal.removeEventListener("abort", stop);
      });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it was ended, undefined if it was not. */
  get reason(): unknown {
    return this.signal.aborted ? (this.signal.reason as unknown) : undefined;
  }

  stop(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** End it after so many real seconds; the result takes that back. */
  after(seconds: number | null, reason: unknown): () => void {
    const timer =
      seconds === null
        ? undefined
        : setTimeout(() => {
            this.stop(reason);
          }, milliseconds(seconds));
    return () => {
      clearTimeout(timer);
    };
  }

  /** Nothing from outside ends it any more. */
  settle(): void {
    for (const unfollow of this.#unfollow) {
      unfollow();
    }
  }
}

/** A request's body as `fetch` takes it; `failure` is what the user's own source threw. */
class Sender {
  readonly body: BodyInit | null;
  readonly streams: boolean;
  failure: unknown = undefined;

  constructor(body: Body) {
    this.streams = body !== null && !(body instanceof Uint8Array);
    this.body = body === null || body instanceof Uint8Array ? (body as BodyInit | null) : this.#stream(body);
  }

  #stream(source: BodySource): ReadableStream<Uint8Array> {
    const pieces = source[Symbol.asyncIterator]();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const step = await pieces.next();
          if (step.done === true) {
            controller.close();
          } else {
            controller.enqueue(step.value);
          }
        } catch (error) {
          this.failure = error;
          controller.error(error);
        }
      },
      cancel: async () => {
        await pieces.return?.();
      },
    });
  }
}

class FetchExchange implements Exchange {
  readonly status: number;
  readonly headers: Headers;
  readonly wireBytes = null;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  #over = false;

  constructor(
    response: Response,
    private readonly ending: Ending,
    private readonly release: () => void,
  ) {
    this.status = response.status;
    this.headers = new Headers(response.headers);
    this.#reader = response.body?.getReader() ?? null;
  }

  async read(seconds: number | null): Promise<Uint8Array | null> {
    if (this.#over || this.#reader === null) {
      await this.#end();
      return null;
    }
    const stopTimer = this.ending.after(seconds, new ReadTimeout());
    try {
      const step = await abortable(this.#reader.read(), this.ending.signal);
      if (!step.done) {
        return step.value;
      }
    } catch (error) {
      throw this.ending.reason ?? translated(error, "body");
    } finally {
      stopTimer();
    }
    await this.#end();
    return null;
  }

  /** The connection goes back: all was read. */
  #end(): Promise<void> {
    this.#over = true;
    this.ending.settle();
    this.release();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (!this.#over) {
      this.ending.stop(new ConnectionLostError("The exchange was closed"));
      await this.#end();
    }
  }
}

/** The platform's error as one of ours, with the original as cause. */
export function translated(error: unknown, phase: string): unknown {
  if (error instanceof ForgeError || error instanceof ReadTimeout) {
    return error;
  }
  const cause = innermost(error);
  const code = typeof cause.code === "string" ? cause.code : "";
  if (CONNECT_CODES.has(code)) {
    return new ConnectError("The server cannot be reached", { phase: "connect" }, error);
  }
  if (TLS_CODES.test(code)) {
    return new TlsError("The server's certificate was not accepted", { phase: "connect" }, error);
  }
  if (code === "UND_ERR_HEADERS_OVERFLOW" || code === "HPE_HEADER_OVERFLOW") {
    return headersTooLarge().because(error);
  }
  if (PROTOCOL_CODES.test(code)) {
    return new ProtocolError("The response is not valid HTTP", { phase }, error);
  }
  const lost = "The connection ended before the response did";
  return isReused(cause, phase)
    ? new StaleConnection(lost, { phase }, error)
    : new ConnectionLostError(lost, { phase }, error);
}

/** The platform's own error behind the TypeError that `fetch` throws. */
function innermost(error: unknown): Cause {
  let found = (error ?? {}) as Cause;
  for (let turn = 0; turn < 4; turn += 1) {
    const inner = found.cause ?? found.errors?.[0];
    if (typeof inner !== "object" || inner === null) {
      break;
    }
    found = inner;
  }
  return found;
}

/** Whether the connection had answered somebody before: then this request met its end. */
function isReused(cause: Cause, phase: string): boolean {
  return phase === "response" && typeof cause.socket?.bytesRead === "number" && cause.socket.bytesRead > 0;
}
