/** One attempt: pass breaker and limiter, send, read, and make a result or a typed error of the answer. */

import { readResult } from "./answer.js";
import { authorized } from "./auth/wire.js";
import { originOf } from "./base-url.js";
import { BodyMeter, checkHeaders, LIMITS } from "./body.js";
import type { Call } from "./context.js";
import { orDeadline } from "./context.js";
import { MIN_ATTEMPT } from "./core/deadline.js";
import { apiError } from "./core/error-body.js";
import type { ApiError, ForgeError } from "./core/errors.js";
import { AttemptTimeoutError, DeadlineExceededError, RedirectError, TransportError } from "./core/errors.js";
import { costOf } from "./core/limiter/model.js";
import { observe, shortened } from "./core/rate-headers.js";
import { THROTTLING_STATUSES } from "./core/retry.js";
import { serverWait } from "./core/server-wait.js";
import type { Gate } from "./gate.js";
import { Lease, usageCost } from "./lease.js";
import { through } from "./middleware.js";
import { withAttempt } from "./request.js";
import type { Exchange, HttpRequest, Timers } from "./transport.js";
import { isRewindable, ReadTimeout, StaleConnection } from "./transport.js";
import { joined } from "./uploads.js";

const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const PHASES: Readonly<Record<string, string>> = { PoolTimeoutError: "pool", ConnectError: "connect" };

/** A lease from breaker and limiter, ready to send. */
export async function acquire(call: Call): Promise<Lease> {
  const lease = new Lease(call);
  lease.admit();
  try {
    const { estimatedInput: input, requestedOutput: output } = call.prepared;
    const waited = await lease.reserve(costOf({ input, output }));
    if (waited > 0) {
      call.emit("limiter-wait", { waited });
      lease.readmit();
    }
  } catch (error) {
    lease.end(error);
    throw error;
  }
  return lease;
}

/** Whether an answer is one of success. */
export function isGood(exchange: Exchange): boolean {
  return exchange.status >= 200 && exchange.status < 300;
}

/**
 * Open the exchange and return it with its headers learnt; `ends` is when the attempt's timer fires, for the whole
 * answer or, for a stream, for its first event.
 *
 * Follows up to three same-origin redirects of bodiless requests.
 */
export async function send(call: Call, lease: Lease, request: HttpRequest, ends: number): Promise<Exchange> {
  if (lease.sent) {
    throw new Error(
      "attempt middleware may proceed once; repeating is for the client, or for call middleware",
    );
  }
  let asked = request;
  for (let turn = 0; turn <= MAX_REDIRECTS; turn += 1) {
    const exchange = await open(call, lease, asked, ends);
    lease.exchange = exchange;
    lease.headersArrived();
    call.responseHeaders = exchange.headers;
    call.responseStatus = exchange.status;
    learn(call, lease.gate, exchange);
    checkHeaders(exchange.headers);
    if (!REDIRECTS.has(exchange.status)) {
      return exchange;
    }
    asked = redirected(asked, exchange);
    await lease.close();
  }
  throw new RedirectError(`More than ${MAX_REDIRECTS} redirects`);
}

async function open(call: Call, lease: Lease, request: HttpRequest, ends: number): Promise<Exchange> {
  const wired = await authorized(call, withAttempt(request, call.shared.profile, call.number), ends);
  const now = call.io.now();
  const limit = call.deadline.timer(ends - now, now);
  if (limit !== null && limit < MIN_ATTEMPT) {
    throw new DeadlineExceededError("No time is left to send the request", { phase: "connect" });
  }
  // `response` bounds connecting too, whatever the connect timer says.
  const timers = {
    connect: call.settings.connectTimeout,
    pool: Math.min(call.settings.poolTimeout, limit ?? Infinity),
    response: limit,
  };
  lease.beginSending();
  try {
    return await openFresh(call, wired, timers);
  } catch (error) {
    throw error instanceof TransportError
      ? orDeadline(call, error, PHASES[error.kind] ?? error.phase ?? "response")
      : error;
  }
}

async function openFresh(call: Call, request: HttpRequest, timers: Timers): Promise<Exchange> {
  try {
    return await call.io.open(request, timers, call.signal);
  } catch (error) {
    // The server closed an idle connection under us: once more, not counted as an attempt.
    if (!(error instanceof StaleConnection) || !call.replayable || !isRewindable(request)) {
      throw error;
    }
    return call.io.open(request, timers, call.signal);
  }
}

function redirected(request: HttpRequest, exchange: Exchange): HttpRequest {
  const target = targetOf(request, exchange);
  const origin = target === null ? "an invalid URL" : originOf(target.href);
  const isFollowed = request.method === "GET" || request.method === "HEAD";
  if (target === null || !isFollowed || origin !== originOf(request.url) || target.username !== "") {
    throw new RedirectError(
      `The server redirects (${exchange.status}) to ${origin}, which is not followed; check baseURL`,
      { status: exchange.status },
    );
  }
  return { method: request.method, url: target.href, headers: request.headers, body: null };
}

function targetOf(request: HttpRequest, exchange: Exchange): URL | null {
  try {
    return new URL(exchange.headers.get("location") ?? "", request.url);
  } catch {
    return null;
  }
}

function learn(call: Call, gate: Gate, exchange: Exchange): void {
  const { rateLimits } = call.shared.profile;
  const now = call.io.now();
  const wall = call.io.wall();
  const observed = observe(exchange.headers, rateLimits, now, wall);
  const heeds = THROTTLING_STATUSES.has(exchange.status) && call.settings.respectRetryAfter;
  const wait = heeds ? serverWait(exchange.headers, exchange.status, rateLimits, wall) : null;
  if (wait === null) {
    gate.learn(observed, now);
  } else {
    gate.pause(now + wait, now);
    gate.learn(shortened(observed, now + wait), now);
  }
}

/** The next body bytes before the attempt's timer (`ends`) and the deadline, null at the end. */
export async function readChunk(
  call: Call,
  exchange: Exchange,
  ends: number,
  phase: string,
): Promise<Uint8Array | null> {
  const now = call.io.now();
  const limit = call.deadline.timer(ends - now, now);
  if (limit !== null && limit <= 0) {
    throw ranOut(call, phase);
  }
  try {
    return await call.io.read(exchange, limit);
  } catch (error) {
    throw error instanceof ReadTimeout ? ranOut(call, phase) : error;
  }
}

function ranOut(call: Call, phase: string): ForgeError {
  const message = "The response was not complete when the attempt's time ran out";
  return orDeadline(call, new AttemptTimeoutError(message, { phase }), phase);
}

/** The whole decoded body, or after `head` its rest, under the limits of R-195. */
export async function readBody(
  call: Call,
  exchange: Exchange,
  ends: number,
  head?: Uint8Array,
): Promise<Uint8Array> {
  const meter = new BodyMeter(exchange, LIMITS.body);
  const pieces = head === undefined ? [] : [meter.counted(head)];
  for (let piece = await next(); piece !== null; piece = await next()) {
    pieces.push(meter.counted(piece));
    if (!isGood(exchange) && meter.total > LIMITS.error) {
      // An error body is cut at its limit instead of refused: its beginning says enough.
      return joined(pieces).subarray(0, LIMITS.error);
    }
  }
  return joined(pieces);

  function next(): Promise<Uint8Array | null> {
    return readChunk(call, exchange, ends, "body");
  }
}

/** The typed error of a response that is not 2xx. */
export async function refuse(call: Call, exchange: Exchange, ends: number): Promise<ApiError> {
  const body = await errorBody(call, exchange, ends);
  const { profile } = call.shared;
  const retryAfter = serverWait(exchange.headers, exchange.status, profile.rateLimits, call.io.wall());
  const { maxServerWait } = call.settings;
  const answer = { status: exchange.status, headers: exchange.headers, body, retryAfter, maxServerWait };
  return apiError(answer, profile, call.redactor);
}

async function errorBody(call: Call, exchange: Exchange, ends: number): Promise<Uint8Array> {
  try {
    return await readBody(call, exchange, ends);
  } catch (error) {
    if (!(error instanceof TransportError)) {
      throw error;
    }
    return new Uint8Array(); // the status alone is worth more than the lost body
  }
}

/** One attempt of a unary call: the decoded JSON, undefined where no body is promised. */
export async function unary(call: Call): Promise<unknown> {
  const lease = await acquire(call);
  try {
    const value = await through(call, call.shared.steps.attempt, call.prepared.request, (request) =>
      exchanged(call, lease, request),
    );
    lease.end(null, usageCost(value));
    return value;
  } catch (error) {
    lease.end(error);
    throw error;
  } finally {
    await lease.close();
  }
}

async function exchanged(call: Call, lease: Lease, request: HttpRequest): Promise<unknown> {
  const ends = call.io.now() + call.settings.attemptTimeout;
  const exchange = await send(call, lease, request, ends);
  if (!isGood(exchange)) {
    throw await refuse(call, exchange, ends);
  }
  return readResult(call, exchange, await readBody(call, exchange, ends));
}
