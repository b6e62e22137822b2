/**
 * A 2xx answer that is read piece by piece: files and lines, not server-sent events.
 *
 * Rules of this file:
 * - Until the first byte a failure is the attempt's, and may be retried; afterwards nothing is.
 * - There is no limit for the whole; no byte for `idleTimeout` ends it, and so does the deadline, if the
 *   caller set one.
 * - An answer that is cut throws; it never looks complete.
 */

import { ignore } from "./abort.js";
import { invalidResponse, mediaType, NO_CONTENT } from "./answer.js";
import { acquire, isGood, readChunk, refuse, send } from "./attempt.js";
import { BodyMeter } from "./body.js";
import { run } from "./call.js";
import type { Call } from "./context.js";
import { outcomeName, stopReason } from "./context.js";
import { DeadlineExceededError, ForgeError, StreamIdleError } from "./core/errors.js";
import { Headers } from "./core/headers.js";
import type { Lease } from "./lease.js";
import { LEFT } from "./lease.js";
import type { Streaming, Wrap } from "./middleware.js";
import { through } from "./middleware.js";
import type { Exchange, HttpRequest } from "./transport.js";
import { ReadTimeout } from "./transport.js";

// Media types that promise nothing about the bytes: any answer but a page fits them.
const ANYTHING = ["*/*", "application/octet-stream", "application/binary"];

/** One open answer; made by `arrive`. */
export class Arrival implements Streaming {
  /** Middleware sees that something streams, and cannot wrap the pieces of it. */
  wraps: readonly Wrap[] = [];
  headers = new Headers();
  complete = false;
  #handedOver = false;
  #exchange: Exchange | null = null;
  #meter: BodyMeter | null = null;
  #first: Uint8Array | null = null;

  constructor(
    readonly call: Call,
    private readonly lease: Lease,
  ) {}

  /** Send the request, and read up to the first decoded byte or the end within the attempt's timer. */
  async open(request: HttpRequest): Promise<this> {
    const { call } = this;
    const ends = call.io.now() + call.settings.attemptTimeout;
    const exchange = await send(call, this.lease, request, ends);
    if (!isGood(exchange)) {
      throw await refuse(call, exchange, ends);
    }
    const problem = unfit(call, exchange);
    if (problem !== "") {
      throw invalidResponse(call, exchange, `The ${exchange.status} answer ${problem}`, new Uint8Array());
    }
    this.#exchange = exchange;
    this.headers = exchange.headers;
    this.#meter = new BodyMeter(exchange, Infinity);
    this.#first = await readChunk(call, exchange, ends, "body");
    this.complete = this.#first === null;
    return this;
  }

  /** The answer is the consumer's from now on: a cancellation closes it at once, whoever reads. */
  handOver(): void {
    this.#handedOver = true;
    const { signal } = this.call;
    signal.addEventListener("abort", () => void this.end(signal.reason).catch(ignore), { once: true });
  }

  /** The next decoded bytes, null at the end. Throws what cut the answer short, enriched. */
  async more(): Promise<Uint8Array | null> {
    if (this.#first !== null) {
      const first = this.#first;
      this.#first = null;
      return this.#meter?.counted(first) ?? first;
    }
    try {
      const piece = this.complete ? null : await this.#read();
      if (piece !== null) {
        return this.#meter?.counted(piece) ?? piece;
      }
    } catch (error) {
      const failure = this.#told(error);
      await this.end(failure);
      throw failure;
    }
    this.complete = true;
    await this.end(null);
    return null;
  }

  async #read(): Promise<Uint8Array | null> {
    const { io, deadline, settings } = this.call;
    const left = deadline.left(io.now());
    const idle = settings.idleTimeout;
    if (this.#exchange === null) {
      return null;
    }
    try {
      return await io.read(this.#exchange, left === null ? idle : Math.max(0, Math.min(left, idle)));
    } catch (error) {
      if (!(error instanceof ReadTimeout)) {
        throw error;
      }
      throw left !== null && left <= idle
        ? new DeadlineExceededError("The call's deadline passed while the answer was read", { phase: "body" })
        : new StreamIdleError(`The answer sent nothing for ${idle} s`);
    }
  }

  /** The error as the user gets it. */
  #told(error: unknown): unknown {
    const failure = stopReason(this.call) ?? error;
    if (!(failure instanceof ForgeError)) {
      return failure;
    }
    failure.midStream = true;
    if (this.#handedOver) {
      this.call.failLast(failure);
    }
    return this.call.enrich(failure);
  }

  /** Stop here, null for nobody's fault: give back what the attempt holds and abort the connection. Idempotent. */
  async end(error: unknown): Promise<void> {
    this.lease.end(error ?? (this.complete ? null : LEFT));
    try {
      await this.lease.close();
    } finally {
      this.#release(error);
    }
  }

  #release(error: unknown): void {
    if (this.#handedOver) {
      this.#handedOver = false;
      const left = this.complete ? "ok" : "left";
      this.call.finish(error === null ? left : outcomeName(error, this.call.signal));
    }
  }
}

/** One attempt: an answer whose first byte has arrived, or that is empty. */
async function openArrival(call: Call): Promise<Arrival> {
  const lease = await acquire(call);
  const arrival = new Arrival(call, lease);
  try {
    const answer = await through(call, call.shared.steps.attempt, call.prepared.request, (request) =>
      arrival.open(request),
    );
    checkUnchanged(answer === arrival);
  } catch (error) {
    lease.end(error);
    await lease.close();
    throw error;
  }
  return arrival;
}

function checkUnchanged(same: boolean): void {
  if (!same) {
    throw new TypeError("middleware cannot replace or wrap an answer that is a file or lines");
  }
}

/**
 * Why this cannot be the file or the lines that were asked for, "" if it can.
 *
 * A page where none was promised is a portal or a proxy; JSON instead of sound or a picture is an error.
 */
function unfit(call: Call, exchange: Exchange): string {
  if (NO_CONTENT.has(exchange.status)) {
    return "is empty";
  }
  const kind = mediaType(exchange);
  const promised = call.operation.accept.split(";")[0]?.trim().toLowerCase() ?? "";
  if (kind === "text/html" && promised !== kind) {
    return "is a page";
  }
  const takesJson = [...ANYTHING, "application/json"].includes(promised) || promised.startsWith("text/");
  return kind === "application/json" && call.operation.answer === "binary" && !takesJson ? "is JSON" : "";
}

/** Open an answer through the one retry loop; the call ends with the reading. */
export async function arrive(call: Call): Promise<Arrival> {
  const opened: Arrival[] = [];
  call.begin();
  try {
    const answer = await through(call, call.shared.steps.call, call.prepared.request, async (request) => {
      const found = await run(call.asking(request), openArrival);
      opened.push(found);
      return found;
    });
    checkUnchanged(answer === opened.at(-1) && opened.at(-1)?.wraps.length === 0);
  } catch (error) {
    await Promise.all(opened.map((one) => one.end(error)));
    call.finish(outcomeName(error, call.signal));
    throw error;
  }
  const arrival = opened.pop();
  await Promise.all(opened.map((one) => one.end(null)));
  if (arrival === undefined) {
    throw new TypeError("middleware answered without the answer");
  }
  arrival.handOver();
  return arrival;
}
