/**
 * What one attempt holds while it runs: a breaker permit, a limiter reservation, an exchange.
 *
 * A lease ends exactly once, on every path: return, error, cancellation, a dropped stream.
 */

import type { Call } from "./context.js";
import type { Outcome, Permit } from "./core/breaker.js";
import { breakerOutcome, limiterResult, serverHealth } from "./core/classify.js";
import { isObject } from "./core/json.js";
import type { Cost, Reservation } from "./core/limiter/model.js";
import { costOf } from "./core/limiter/model.js";
import type { Gate } from "./gate.js";
import type { Exchange } from "./transport.js";

/** What `Lease.end` is given for an attempt that nobody waited for to its end. */
export const LEFT = Symbol("left");

/** Made by `acquire`; `end` gives everything back. */
export class Lease {
  sent = false;
  exchange: Exchange | null = null;
  #permit: Permit | null = null;
  #reservation: Reservation | null = null;
  #ended = false;
  #sentAt = 0;
  #responseTime: number | null = null;
  readonly #circuit;
  readonly gate: Gate;

  constructor(private readonly call: Call) {
    this.#circuit = call.circuit;
    this.gate = call.gate;
  }

  /** Pass the breaker; CircuitOpenError with `retryAfter` where it is open. */
  admit(): void {
    this.#permit = this.#circuit.admit(this.call.emit);
  }

  /** Pass the limiter; the seconds waited. */
  async reserve(cost: Cost): Promise<number> {
    const { deadline, settings, signal, io } = this.call;
    const [reservation, waited] = await this.gate.enter(io, {
      cost,
      deadline,
      maxWait: settings.maxLimitWait,
      signal,
    });
    this.#reservation = reservation;
    return waited;
  }

  /** From now on the server may have work with it. */
  beginSending(): void {
    this.sent = true;
    this.#sentAt = this.call.io.now();
  }

  /** The response began; how long that took is what the slow-call rule counts. */
  headersArrived(): void {
    this.#responseTime = this.call.io.now() - this.#sentAt;
  }

  /** Ask the breaker again after a long wait; the old permit is given back unused. */
  readmit(): void {
    this.#record("neutral");
    this.admit();
  }

  /** A half-open probe that is a stream succeeds at its first application event. */
  probeSucceeded(): void {
    if (this.sent && this.#permit?.probe === true) {
      this.#record("success");
    }
  }

  /** Report to breaker and limiter, null for success; the exchange is closed by `close`. */
  end(error: unknown, used: Cost | null = null): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    this.#record(this.sent || error !== null ? breakerOutcome(error) : "neutral");
    if (this.#reservation !== null) {
      const result = limiterResult(error, this.sent);
      this.gate.leave(this.#reservation, this.call.io.now(), used, result, serverHealth(error));
    }
  }

  /** Return or abort the connection. */
  async close(): Promise<void> {
    const { exchange } = this;
    this.exchange = null;
    await exchange?.close();
  }

  #record(outcome: Outcome): void {
    const permit = this.#permit;
    this.#permit = null;
    if (permit !== null) {
      this.#circuit.record(permit, outcome, this.call.io.random(), this.#responseTime, this.call.emit);
    }
  }
}

/** The tokens a result reports, null if it reports none. */
export function usageCost(value: unknown): Cost | null {
  const usage = isObject(value) ? value["usage"] : null;
  if (!isObject(usage)) {
    return null;
  }
  const given = firstNumber(usage, "input_tokens", "prompt_tokens");
  const made = firstNumber(usage, "output_tokens", "completion_tokens");
  return given === null && made === null ? null : costOf({ input: given ?? 0, output: made ?? 0 });
}

function firstNumber(usage: Record<string, unknown>, ...names: readonly string[]): number | null {
  const found = names.map((name) => usage[name]).find((value) => typeof value === "number");
  return found ?? null;
}
