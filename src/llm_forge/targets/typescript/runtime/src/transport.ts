/**
 * The small protocol between the call loop and whatever speaks HTTP.
 *
 * Rules every transport keeps, as far as its platform lets it (docs/typescript.md says where `fetch` does not):
 * - No redirect is followed, nothing is retried, no header is added beyond what HTTP itself needs; no cookies.
 * - A body that is a `BodySource` is sent as its pieces come, never collected. `open` iterates it at most once.
 * - Errors of the platform never escape: they become the TransportError classes with the original as cause
 *   . A timer that fires throws the error named at the timer. An AbortSignal throws its reason.
 * - A content encoding is undone as the bytes arrive; one that is corrupt or cut is ProtocolError.
 * - A body that ends short of its Content-Length, or without its last chunk, is ConnectionLostError from `read`
 *   never a normal end.
 * - A failure of a *reused* connection before any response byte throws `StaleConnection`, so that the loop can
 *   send again once without counting an attempt.
 * - `close` of an exchange is idempotent, safe in every state, and aborts what is unread.
 */

import { checkSeconds } from "./core/durations.js";
import { ConfigError, ConnectionLostError } from "./core/errors.js";
import type { Headers, Pair } from "./core/headers.js";

/**
 * Real seconds, null for no limit.
 *
 * `connect`: TCP and TLS together, ConnectError. `pool`: wait for a free connection, PoolTimeoutError.
 * `response`: from the start of `open` until the response headers are complete, AttemptTimeoutError.
 */
export interface Timers {
  readonly connect: number | null;
  readonly pool: number | null;
  readonly response: number | null;
}

/** connections per origin, idle ones kept, idle lifetime and keep-alive in seconds. */
export interface PoolLimits {
  readonly connections: number;
  readonly idle: number;
  readonly idleSeconds: number;
  readonly keepaliveSeconds: number;
}

export const POOL: PoolLimits = { connections: 100, idle: 20, idleSeconds: 30, keepaliveSeconds: 60 };

/** The limits with every default filled in; ConfigError for what cannot be. */
export function poolLimits(given: Partial<PoolLimits> = {}): PoolLimits {
  const made = { ...POOL, ...given };
  for (const [name, least] of [
    ["connections", 1],
    ["idle", 0],
  ] as const) {
    if (!Number.isInteger(made[name]) || made[name] < least) {
      throw new ConfigError(
        `${name} of a pool must be a whole number from ${least}, not ${String(made[name])}`,
      );
    }
  }
  if (!(made.idleSeconds >= 0 && Number.isFinite(made.idleSeconds))) {
    throw new ConfigError(
      `idleSeconds of a pool must be finite seconds from 0, not ${String(made.idleSeconds)}`,
    );
  }
  checkSeconds("keepaliveSeconds", made.keepaliveSeconds);
  return made;
}

/**
 * A request body that is not held in memory.
 *
 * `size` is its length in bytes, null if nobody knows. `rewindable` says that iterating again gives the same
 * bytes again from the start; one that is not can be iterated once.
 */
export interface BodySource extends AsyncIterable<Uint8Array> {
  readonly size: number | null;
  readonly rewindable: boolean;
}

export type Body = Uint8Array | BodySource | null;

/** A request as it goes on the wire; `url` is absolute, header names are in lower case. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly Pair[];
  readonly body: Body;
}

/** Whether the request can be sent again. */
export function isRewindable(request: HttpRequest): boolean {
  return request.body === null || request.body instanceof Uint8Array || request.body.rewindable;
}

/** A reused connection failed before any byte of the response. */
export class StaleConnection extends ConnectionLostError {}

/** What `read` throws when its time is over. */
export class ReadTimeout extends Error {
  constructor() {
    super("no bytes arrived in time");
  }
}

/**
 * A response whose headers have arrived.
 *
 * `wireBytes` is how many bytes of the body have arrived before they were decoded, null where the platform does
 * not tell.
 */
export interface Exchange {
  readonly status: number;
  readonly headers: Headers;
  readonly wireBytes: number | null;
  /**
   * The next decoded bytes as they arrive, null at the clean end.
   *
   * Throws ReadTimeout after so many real seconds without a byte, ConnectionLostError or ProtocolError.
   */
  read(seconds: number | null): Promise<Uint8Array | null>;
  /** Return the connection if the body was read to its end, else abort it. */
  close(): Promise<void>;
}

/** Opens exchanges; used by many calls at once. The signal ends an exchange at any time. */
export interface Transport {
  open(request: HttpRequest, timers: Timers, signal: AbortSignal): Promise<Exchange>;
  close(): Promise<void>;
}
