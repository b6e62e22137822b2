/**
 * A transport over node:http and node:https, for Node users who need what `fetch` does not let them keep: a timer for
 * connecting, certificate authorities of their own, the pool's limits, and how much a compressed body expands.
 *
 * It speaks HTTP/1.1, and asks no proxy.
 */

import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { Agent, request as requestHttp } from "node:http";
import { Agent as TlsAgent, request as requestHttps } from "node:https";
import type { Socket } from "node:net";

import { encodingsOf, LIMITS } from "../body.js";
import { milliseconds } from "../clock.js";
import { AttemptTimeoutError, ConnectError, ConnectionLostError } from "../core/errors.js";
import type { Pair } from "../core/headers.js";
import { Headers } from "../core/headers.js";
import { translated } from "../fetch-transport.js";
import { Slots } from "../slots.js";
import type { BodySource, Exchange, HttpRequest, PoolLimits, Timers, Transport } from "../transport.js";
import { poolLimits, ReadTimeout, StaleConnection } from "../transport.js";
import { Chunks, Inflater } from "./chunks.js";

/** `ca` is the text of a PEM file with the only certificate authorities to trust. */
export interface NodeTransportOptions {
  readonly pool?: Partial<PoolLimits>;
  readonly ca?: string | readonly string[];
}

/** An agent's own steps around an idle connection; the first says whether it is kept. */
interface Keeper {
  keepSocketAlive(socket: Socket): boolean;
  reuseSocket(socket: Socket, request: ClientRequest): void;
}

/** Let idle connections of an agent live so many milliseconds. */
function limitIdle(agent: Agent, idle: number): void {
  const keeper = agent as unknown as Keeper;
  const keep = keeper.keepSocketAlive.bind(agent);
  const reuse = keeper.reuseSocket.bind(agent);
  keeper.keepSocketAlive = (socket) => {
    const kept = keep(socket); // which takes any timer away
    socket.setTimeout(idle, () => socket.destroy());
    return kept;
  };
  keeper.reuseSocket = (socket, request) => {
    socket.setTimeout(0);
    reuse(socket, request);
  };
}

/** Speaks HTTP/1.1 with Node's own client. */
export class NodeTransport implements Transport {
  readonly #slots: Slots;
  readonly #agents: { readonly http: Agent; readonly https: TlsAgent };
  readonly #open = new Set<ClientRequest>();

  constructor(options: NodeTransportOptions = {}) {
    const pool = poolLimits(options.pool);
    const kept = {
      keepAlive: true,
      keepAliveMsecs: pool.keepaliveSeconds * 1000,
      maxFreeSockets: pool.idle,
      scheduling: "lifo" as const,
    };
    const ca = options.ca === undefined ? {} : { ca: [options.ca].flat() };
    this.#slots = new Slots(pool.connections);
    // Certificates are verified whatever the environment says.
    const https = new TlsAgent({ ...kept, ...ca, rejectUnauthorized: true, minVersion: "TLSv1.2" });
    this.#agents = { http: new Agent(kept), https };
    limitIdle(this.#agents.http, pool.idleSeconds * 1000);
    limitIdle(https, pool.idleSeconds * 1000);
  }

  /** Exchanges that hold a connection now. */
  get active(): number {
    return this.#slots.active();
  }

  async open(request: HttpRequest, timers: Timers, signal: AbortSignal): Promise<Exchange> {
    const release = await this.#slots.acquire(request.url, timers.pool, signal);
    const asked = this.#asked(request);
    this.#open.add(asked);
    const end = (): void => {
      this.#open.delete(asked);
      release();
    };
    try {
      const message = await answered(asked, request, timers, signal);
      return new NodeExchange(asked, message, signal, end);
    } catch (error) {
      asked.destroy();
      end();
      throw error;
    }
  }

  #asked(request: HttpRequest): ClientRequest {
    const secure = request.url.startsWith("https:");
    const options: RequestOptions = {
      method: request.method,
      headers: headersFor(request),
      agent: secure ? this.#agents.https : this.#agents.http,
      maxHeaderSize: 2 * LIMITS.headerBytes,
      insecureHTTPParser: false,
    };
    const asked = (secure ? requestHttps : requestHttp)(request.url, options);
    asked.maxHeadersCount = 0;
    asked.setNoDelay(true);
    return asked;
  }

  async close(): Promise<void> {
    for (const asked of this.#open) {
      asked.destroy(new ConnectionLostError("The client was closed"));
    }
    this.#agents.http.destroy();
    this.#agents.https.destroy();
    await Promise.resolve();
  }
}

function headersFor({ headers, body }: HttpRequest): Record<string, string> {
  const size = body === null || body instanceof Uint8Array ? body?.length : body.size;
  const framing: Record<string, string> = {};
  if (typeof size === "number") {
    framing["content-length"] = String(size);
  } else if (size === null) {
    framing["transfer-encoding"] = "chunked";
  }
  return { ...Object.fromEntries(headers), ...framing };
}

/** The answer to a request, once its headers have arrived. */
async function answered(
  asked: ClientRequest,
  request: HttpRequest,
  timers: Timers,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const until = new Until(asked, signal);
  const failed: { source?: unknown } = {};
  until.after(timers.response, new AttemptTimeoutError("No response arrived in time", { phase: "response" }));
  asked.once("socket", (socket) => {
    whileConnecting(socket, asked, timers.connect);
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    asked.once("response", resolve);
    asked.on("error", reject);
    asked.once("close", () => {
      reject(new ConnectionLostError("The connection ended before the response did", { phase: "response" }));
    });
  });
  send(asked, request, failed);
  try {
    return await answer;
  } catch (error) {
    throw failed.source ?? until.reason ?? orStale(asked, translated(error, "response"));
  } finally {
    until.settle();
  }
}

function send(asked: ClientRequest, request: HttpRequest, failed: { source?: unknown }): void {
  if (request.body === null || request.body instanceof Uint8Array) {
    asked.end(request.body ?? undefined);
    return;
  }
  void stream(asked, request.body).catch((error: unknown) => {
    failed.source = error;
    asked.destroy();
  });
}

/** Send a body as its pieces come, no faster than the network takes them. */
async function stream(asked: ClientRequest, source: BodySource): Promise<void> {
  for await (const piece of source) {
    if (asked.destroyed) {
      return;
    }
    if (!asked.write(piece)) {
      await new Promise<void>((resolve) => {
        asked.once("drain", resolve).once("close", resolve);
      });
    }
  }
  asked.end();
}

/** Fail a request whose connection is not there in time. */
function whileConnecting(socket: Socket, asked: ClientRequest, seconds: number | null): void {
  if (!socket.connecting || seconds === null) {
    return;
  }
  const timer = setTimeout(() => {
    asked.destroy(new ConnectError(`No connection was made in time`, { phase: "connect" }));
  }, milliseconds(seconds));
  const stop = (): void => {
    clearTimeout(timer);
  };
  socket.once("encrypted" in socket ? "secureConnect" : "connect", stop).once("close", stop);
}

/** A connection that was used before and failed before any byte of the response. */
function orStale(asked: ClientRequest, error: unknown): unknown {
  const lost = error instanceof ConnectionLostError && !(error instanceof StaleConnection);
  return lost && asked.reusedSocket
    ? new StaleConnection(error.message, { phase: error.phase }, error.cause)
    : error;
}

/** What may end a request: its call's signal, or a timer. */
class Until {
  reason: unknown = undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly asked: ClientRequest,
    private readonly signal: AbortSignal,
  ) {
    if (signal.aborted) {
      this.#stop();
    }
    signal.addEventListener("abort", this.#stop, { once: true });
  }

  readonly #stop = (): void => {
    this.#end(this.signal.reason);
  };

  #end(reason: unknown): void {
    this.reason ??= reason;
    this.asked.destroy();
  }

  /** End it after so many seconds. */
  after(seconds: number | null, reason: unknown): void {
    if (seconds !== null) {
      this.#timer = setTimeout(() => {
        this.#end(reason);
      }, milliseconds(seconds));
    }
  }

  /** Nothing ends it any more. */
  settle(): void {
    clearTimeout(this.#timer);
    this.signal.removeEventListener("abort", this.#stop);
  }
}

class NodeExchange implements Exchange {
  readonly status: number;
  readonly headers: Headers;
  wireBytes = 0;
  readonly #raw: Chunks;
  readonly #inflater: Inflater | null;
  #over = false;

  constructor(
    private readonly asked: ClientRequest,
    message: IncomingMessage,
    private readonly signal: AbortSignal,
    private readonly end: () => void,
  ) {
    this.status = message.statusCode ?? 0;
    this.headers = new Headers(pairsOf(message.rawHeaders));
    this.#raw = new Chunks(
      message,
      () => new ConnectionLostError("The connection ended before the response did"),
    );
    this.#inflater = encodingsOf(this.headers).length === 0 ? null : new Inflater(() => this.#counted());
    asked.on("error", (error) => {
      this.#raw.fail(error);
    });
  }

  async #counted(): Promise<Uint8Array | null> {
    const piece = await this.#raw.next();
    this.wireBytes += piece?.length ?? 0;
    return piece;
  }

  async read(seconds: number | null): Promise<Uint8Array | null> {
    if (this.#over) {
      return null;
    }
    const until = new Until(this.asked, this.signal);
    until.after(seconds, new ReadTimeout());
    try {
      const piece = await (this.#inflater === null ? this.#counted() : this.#inflater.next());
      if (piece === null) {
        this.#finish();
      }
      return piece;
    } catch (error) {
      throw until.reason ?? translated(error, "body");
    } finally {
      until.settle();
    }
  }

  #finish(): void {
    if (!this.#over) {
      this.#over = true;
      this.end();
    }
  }

  async close(): Promise<void> {
    if (!this.#over) {
      this.asked.destroy();
      this.#inflater?.close();
      this.#finish();
    }
    await Promise.resolve();
  }
}

function pairsOf(raw: readonly string[]): readonly Pair[] {
  return Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at] ?? "", raw[2 * at + 1] ?? ""]);
}
