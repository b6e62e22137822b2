/**
 * Every error a caller can catch, with the facts it carries as properties.
 *
 *     ForgeError
 *     ├── ConfigError                  an option, environment variable or description is wrong
 *     ├── InvalidRequestError          the request was refused before any I/O
 *     ├── LocalRejection               this client declined to send
 *     │   ├── CircuitOpenError
 *     │   ├── RateLimitWaitError
 *     │   ├── RateLimitConfigError
 *     │   └── ClientClosedError
 *     ├── AuthError                    a credential could not be obtained
 *     ├── DeadlineExceededError        the call's own time ran out (`phase` says where)
 *     ├── TransportError
 *     │   ├── ConnectError  TlsError  PoolTimeoutError  AttemptTimeoutError
 *     │   └── ConnectionLostError  ProtocolError  RedirectError  ResponseTooLargeError
 *     ├── ApiError                     the provider answered with an error
 *     │   ├── BadRequestError 400  AuthenticationError 401  QuotaExceededError 402
 *     │   ├── PermissionDeniedError 403  NotFoundError 404  ConflictError 409
 *     │   ├── RequestTooLargeError 413  UnprocessableError 422  RateLimitError 429
 *     │   ├── CapacityError 498
 *     │   └── ServerError 5xx
 *     │       └── OverloadedError 529  UnavailableError 503  GatewayTimeoutError 504
 *     ├── InvalidResponseError         a 2xx answer that is not what the operation returns
 *     ├── StreamError
 *     │   ├── StreamInterruptedError   the body ended before the stream did
 *     │   ├── StreamIdleError          no bytes for too long
 *     │   ├── StreamStallError         bytes, but no event for too long
 *     │   └── StreamDecodeError  StreamProtocolError
 *     ├── BatchError
 *     └── JournalError
 *
 * Rules: the last real error is thrown, never wrapped twice; the message says what to do next; no credential
 * and no request content is ever part of a message or of what `console.log` shows. A cancelled call
 * rejects with its AbortSignal's reason, which is none of these.
 */

import type { CallContext } from "./call-context.js";

export const MESSAGE_LIMIT = 500;

/**
 * One HTTP exchange made for a call.
 *
 * `outcome` is "ok" or the error's kind; `duration` is in seconds; `waited` is the sleep before this attempt,
 * 0 for the first.
 */
export interface Attempt {
  readonly number: number;
  readonly outcome: string;
  readonly duration: number;
  readonly waited: number;
  readonly requestId: string | null;
  readonly status: number | null;
}

/** One entry of a provider's validation report; `path` is dotted, e.g. `body.messages.0.role`. */
export interface ErrorDetail {
  readonly path: string;
  readonly message: string;
  readonly type: string | null;
}

/** The facts of R-212; absent ones are null. Durations are seconds. */
export interface ErrorFacts {
  provider: string | null;
  operation: string | null;
  model: string | null;
  callId: string | null;
  context: CallContext | null;
  requestId: string | null;
  status: number | null;
  type: string | null;
  code: string | null;
  param: string | null;
  details: readonly ErrorDetail[];
  attempts: readonly Attempt[];
  elapsed: number | null;
  retryAfter: number | null;
  retryable: boolean;
  midStream: boolean;
  circuitOpen: boolean;
  retryBudgetExhausted: boolean;
  partial: unknown;
  eventsSeen: number | null;
  lastEventId: string | null;
  body: string | null;
  headers: Readonly<Record<string, string>> | null;
  phase: string | null;
}

const ABSENT: ErrorFacts = {
  provider: null,
  operation: null,
  model: null,
  callId: null,
  context: null,
  requestId: null,
  status: null,
  type: null,
  code: null,
  param: null,
  details: [],
  attempts: [],
  elapsed: null,
  retryAfter: null,
  retryable: false,
  midStream: false,
  circuitOpen: false,
  retryBudgetExhausted: false,
  partial: null,
  eventsSeen: null,
  lastEventId: null,
  body: null,
  headers: null,
  phase: null,
};

/** The names of all facts. */
export const FACTS = Object.keys(ABSENT) as readonly (keyof ErrorFacts)[];

// What `console.log` shows of an error beside its message; the rest is there for those who ask.
const SHOWN: ReadonlySet<string> = new Set([
  "provider",
  "operation",
  "status",
  "type",
  "code",
  "requestId",
  "retryAfter",
  "phase",
]);

// A declaration beside the class: the facts are properties that the constructor defines.
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface ForgeError extends ErrorFacts {
  readonly cause?: unknown;
}

/** The root of all errors of this library; absent facts are null. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class ForgeError extends Error {
  /** The class's name, which survives minifiers. */
  static readonly kind: string = "ForgeError";

  constructor(message = "", facts: Partial<ErrorFacts> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    Object.defineProperty(this, "name", { value: this.kind, enumerable: false });
    this.enrich(ABSENT).enrich(facts);
  }

  /** The class's name, by which conformance compares errors of all languages. */
  get kind(): string {
    return (this.constructor as typeof ForgeError).kind;
  }

  /** Set facts on this error and return it. */
  enrich(facts: Partial<ErrorFacts>): this {
    for (const [name, value] of Object.entries(facts)) {
      const enumerable = SHOWN.has(name) && value !== null;
      Object.defineProperty(this, name, { value, enumerable, writable: true, configurable: true });
    }
    return this;
  }

  /** Give this error its cause, which it has none of yet. */
  because(cause: unknown): this {
    if (cause !== undefined && cause !== null) {
      Object.defineProperty(this, "cause", {
        value: cause,
        enumerable: false,
        writable: true,
        configurable: true,
      });
    }
    return this;
  }

  /** The facts that differ from their default, by name. */
  facts(): Partial<ErrorFacts> {
    return Object.fromEntries(
      FACTS.filter((name) => !isAbsent(name, this[name])).map((name) => [name, this[name]]),
    );
  }

  /**
   * The error as plain JSON for another process or language; `fromJSON` restores it.
   *
   * A cause of ours is told likewise, a foreign one by its name only.
   */
  toJSON(): Record<string, unknown> {
    const told: Record<string, unknown> = { kind: this.kind, message: this.message, ...this.facts() };
    if (this.cause instanceof ForgeError) {
      told["cause"] = this.cause.toJSON();
    } else if (this.cause !== undefined && this.cause !== null) {
      told["cause"] = { kind: nameOf(this.cause) };
    }
    return told;
  }

  /** The error that `toJSON` wrote, of its own class; an unknown kind becomes a plain ForgeError. */
  static fromJSON(data: Readonly<Record<string, unknown>>): ForgeError {
    const facts = Object.fromEntries(Object.entries(data).filter(([name]) => name in ABSENT));
    const message = typeof data["message"] === "string" ? data["message"] : "";
    const made = new (classOf(data["kind"]))(message, facts);
    return made.because(restoredCause(data["cause"]));
  }
}

function isAbsent(name: keyof ErrorFacts, value: unknown): boolean {
  const absent = ABSENT[name];
  return value === absent || (Array.isArray(absent) && Array.isArray(value) && value.length === 0);
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : typeof cause;
}

function restoredCause(cause: unknown): unknown {
  if (typeof cause !== "object" || cause === null) {
    return undefined;
  }
  const told = cause as Record<string, unknown>;
  return "message" in told ? ForgeError.fromJSON(told) : new Error(String(told["kind"]));
}

/** An option, environment variable or description is wrong; the message names it. */
export class ConfigError extends ForgeError {
  static override readonly kind: string = "ConfigError";
}

/** The request was refused before any I/O. */
export class InvalidRequestError extends ForgeError {
  static override readonly kind: string = "InvalidRequestError";
}

/** This client declined to send the request. */
export class LocalRejection extends ForgeError {
  static override readonly kind: string = "LocalRejection";
}

/** The breaker of this origin and group is open; `retryAfter` says for how long. */
export class CircuitOpenError extends LocalRejection {
  static override readonly kind: string = "CircuitOpenError";
}

/** The local limiter would make the call wait too long; `retryAfter` is the projection. */
export class RateLimitWaitError extends LocalRejection {
  static override readonly kind: string = "RateLimitWaitError";
}

/** The request can never fit into the declared limit. */
export class RateLimitConfigError extends LocalRejection {
  static override readonly kind: string = "RateLimitConfigError";
}

/** The client was closed before or during the call. */
export class ClientClosedError extends LocalRejection {
  static override readonly kind: string = "ClientClosedError";
}

/** A credential could not be obtained. */
export class AuthError extends ForgeError {
  static override readonly kind: string = "AuthError";
}

/** The call's time ran out; `phase` is where, the cause is the last attempt's error. */
export class DeadlineExceededError extends ForgeError {
  static override readonly kind: string = "DeadlineExceededError";
}

/** The exchange itself failed, below the provider's own answer. */
export class TransportError extends ForgeError {
  static override readonly kind: string = "TransportError";
}

/** No connection could be made: refused, unreachable, DNS, or the connect timer. */
export class ConnectError extends TransportError {
  static override readonly kind: string = "ConnectError";
}

/** The certificate or host name was not accepted; never retried. */
export class TlsError extends TransportError {
  static override readonly kind: string = "TlsError";
}

/** No connection of the pool became free in time. */
export class PoolTimeoutError extends TransportError {
  static override readonly kind: string = "PoolTimeoutError";
}

/** One attempt took longer than its own timer. */
export class AttemptTimeoutError extends TransportError {
  static override readonly kind: string = "AttemptTimeoutError";
}

/** The connection ended before the response did. */
export class ConnectionLostError extends TransportError {
  static override readonly kind: string = "ConnectionLostError";
}

/** The peer broke HTTP or a content encoding. */
export class ProtocolError extends TransportError {
  static override readonly kind: string = "ProtocolError";
}

/** A redirect that is not followed; the message shows the target origin only. */
export class RedirectError extends TransportError {
  static override readonly kind: string = "RedirectError";
}

/** A response limit of was crossed; never retried. */
export class ResponseTooLargeError extends TransportError {
  static override readonly kind: string = "ResponseTooLargeError";
}

/** The provider answered with an error status or error event. */
export class ApiError extends ForgeError {
  static override readonly kind: string = "ApiError";
}

/** 400. */
export class BadRequestError extends ApiError {
  static override readonly kind: string = "BadRequestError";
}

/** 401: the key is missing, wrong or revoked. */
export class AuthenticationError extends ApiError {
  static override readonly kind: string = "AuthenticationError";
}

/** 402, or a 429 that waiting does not cure. */
export class QuotaExceededError extends ApiError {
  static override readonly kind: string = "QuotaExceededError";
}

/** 403. */
export class PermissionDeniedError extends ApiError {
  static override readonly kind: string = "PermissionDeniedError";
}

/** 404: often an unknown model or id. */
export class NotFoundError extends ApiError {
  static override readonly kind: string = "NotFoundError";
}

/** 409. */
export class ConflictError extends ApiError {
  static override readonly kind: string = "ConflictError";
}

/** 413. */
export class RequestTooLargeError extends ApiError {
  static override readonly kind: string = "RequestTooLargeError";
}

/** 422. */
export class UnprocessableError extends ApiError {
  static override readonly kind: string = "UnprocessableError";
}

/** 429; `retryAfter` is the server's wait if it named one. */
export class RateLimitError extends ApiError {
  static override readonly kind: string = "RateLimitError";
}

/** 498: no flex capacity right now. */
export class CapacityError extends ApiError {
  static override readonly kind: string = "CapacityError";
}

/** 5xx. */
export class ServerError extends ApiError {
  static override readonly kind: string = "ServerError";
}

/** 529. */
export class OverloadedError extends ServerError {
  static override readonly kind: string = "OverloadedError";
}

/** 503. */
export class UnavailableError extends ServerError {
  static override readonly kind: string = "UnavailableError";
}

/** 504. */
export class GatewayTimeoutError extends ServerError {
  static override readonly kind: string = "GatewayTimeoutError";
}

/** A 2xx answer that is empty, not JSON or of the wrong shape. */
export class InvalidResponseError extends ForgeError {
  static override readonly kind: string = "InvalidResponseError";
}

/** A stream that did not end well; `partial` is what arrived. */
export class StreamError extends ForgeError {
  static override readonly kind: string = "StreamError";
}

/** The body ended before the stream did. */
export class StreamInterruptedError extends StreamError {
  static override readonly kind: string = "StreamInterruptedError";
}

/** No bytes arrived for the idle time. */
export class StreamIdleError extends StreamError {
  static override readonly kind: string = "StreamIdleError";
}

/** Bytes arrived, but no event for the stall time. */
export class StreamStallError extends StreamError {
  static override readonly kind: string = "StreamStallError";
}

/** An event whose data is not valid JSON. */
export class StreamDecodeError extends StreamError {
  static override readonly kind: string = "StreamDecodeError";
}

/** Events in an order the stream family does not allow. */
export class StreamProtocolError extends StreamError {
  static override readonly kind: string = "StreamProtocolError";
}

/** A batch could not be run or resumed. */
export class BatchError extends ForgeError {
  static override readonly kind: string = "BatchError";
}

/** A journal is corrupt, locked or belongs to other inputs. */
export class JournalError extends ForgeError {
  static override readonly kind: string = "JournalError";
}

const CLASS_OF_STATUS: Readonly<Record<number, typeof ApiError>> = {
  400: BadRequestError,
  401: AuthenticationError,
  402: QuotaExceededError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  413: RequestTooLargeError,
  422: UnprocessableError,
  429: RateLimitError,
  498: CapacityError,
  503: UnavailableError,
  504: GatewayTimeoutError,
  529: OverloadedError,
};

/** The error class of an HTTP status; never untyped. */
export function classForStatus(status: number): typeof ApiError {
  return CLASS_OF_STATUS[status] ?? (status >= 500 && status <= 599 ? ServerError : ApiError);
}

const EVERY_CLASS: readonly (typeof ForgeError)[] = [
  ...Object.values(CLASS_OF_STATUS),
  ConfigError,
  InvalidRequestError,
  LocalRejection,
  CircuitOpenError,
  RateLimitWaitError,
  RateLimitConfigError,
  ClientClosedError,
  AuthError,
  DeadlineExceededError,
  TransportError,
  ConnectError,
  TlsError,
  PoolTimeoutError,
  AttemptTimeoutError,
  ConnectionLostError,
  ProtocolError,
  RedirectError,
  ResponseTooLargeError,
  ApiError,
  ServerError,
  InvalidResponseError,
  StreamError,
  StreamInterruptedError,
  StreamIdleError,
  StreamStallError,
  StreamDecodeError,
  StreamProtocolError,
  BatchError,
  JournalError,
];

function classOf(kind: unknown): typeof ForgeError {
  return EVERY_CLASS.find((one) => one.kind === kind) ?? ForgeError;
}
