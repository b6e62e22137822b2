/** What the driver tells of a call: its times, its result or error as plain JSON, and everything shown. */

import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";

import { ConfigError, ForgeError } from "../../../src/llm_forge/targets/typescript/runtime/src/core/errors.js";
import { show } from "../../../src/llm_forge/targets/typescript/runtime/src/core/json.js";
import type { ForgeEvent } from "../../../src/llm_forge/targets/typescript/runtime/src/events.js";
import { lineOf } from "../../../src/llm_forge/targets/typescript/runtime/src/logs.js";
import { inSnakeCase } from "./casing.js";

const NEVER_SENT: ReadonlySet<unknown> = new Set(["CircuitOpenError", "RateLimitWaitError", "RateLimitConfigError"]);

/** What a scenario's caller throws inside its loop over a stream. */
export class CallerError extends Error {}

/** What a scenario's caller cancels a call with. */
export class Cancelled extends Error {}

/** What one call did, noted while it ran. */
export class Record {
  readonly sleeps: number[] = [];
  readonly sends: number[] = [];
  readonly shown: string[] = [];
  readonly story: string[] = [];
  readonly #pending = new Map<number, number>();
  starts = 0;
  ends = 0;
  events = 0;
  completion: string | null = null;
  synthesised = false;
  second: unknown = null;
  files: { [name: string]: string } = {};

  constructor(private readonly now: () => number) {}

  /** Note what a client says of its call; an attempt is sent when its wait for the limiter is over. */
  note(event: ForgeEvent): void {
    const { attempt } = event.context;
    this.story.push(`${event.name} ${attempt}`);
    this.shown.push(lineOf(event), inspect(event, { depth: 6 }), JSON.stringify(event));
    this.starts += Number(event.name === "call-start");
    this.ends += Number(event.name === "call-end");
    if (event.name === "attempt-start" || event.name === "limiter-wait") {
      this.#pending.set(attempt, this.now());
    } else if (event.name === "attempt-end" && !NEVER_SENT.has(event.facts["outcome"])) {
      this.sends.push(this.#pending.get(attempt) ?? NaN);
      this.sends.sort((one, other) => one - other);
    }
  }
}

/** The record of the call that runs. */
export const CURRENT = new AsyncLocalStorage<Record>();

/** An error as the protocol tells it. */
export function errorFact(error: unknown): { [name: string]: unknown } {
  if (error instanceof Cancelled) {
    return { kind: "Cancelled" };
  }
  if (error instanceof CallerError) {
    return { kind: "Raised" };
  }
  if (!(error instanceof ForgeError)) {
    const name = error instanceof Error ? error.name : typeof error;
    return { kind: `Untyped:${name}`, message: String(error instanceof Error ? error.stack : error) };
  }
  return {
    kind: error.kind,
    message: error instanceof ConfigError ? inSnakeCase(error.message) : error.message,
    status: error.status,
    type: error.type,
    code: error.code,
    param: error.param,
    request_id: error.requestId,
    retry_after: error.retryAfter,
    phase: error.phase,
    retryable: error.retryable,
    mid_stream: error.midStream,
    circuit_open: error.circuitOpen,
    retry_budget_exhausted: error.retryBudgetExhausted,
    partial: error.partial,
    details: error.details,
    attempts: error.attempts.map((one) => ({
      number: one.number,
      outcome: one.outcome,
      waited: one.waited,
      status: one.status,
      request_id: one.requestId,
    })),
    cause: error.cause === undefined ? null : nameOf(error.cause),
  };
}

function nameOf(cause: unknown): string {
  return cause instanceof ForgeError ? cause.kind : cause instanceof Error ? cause.name : typeof cause;
}

/** Everything a person could see of an error. */
export function shownOf(error: unknown): string {
  const facts = error instanceof ForgeError ? [show(error.facts()), JSON.stringify(error.toJSON())] : [];
  return [inspect(error, { depth: 6, showHidden: true }), String(error), ...facts].join("\n");
}

/** One call's entry of the answer. */
export function outcomeOf(record: Record, times: { started: number; ended: number }, result: unknown, error: unknown): object {
  return {
    ...times,
    events: record.events,
    sends: record.sends,
    sleeps: record.sleeps,
    starts: record.starts,
    ends: record.ends,
    synthesised: record.synthesised,
    story: record.story,
    files: record.files,
    ...(result === undefined || result === null ? {} : { result }),
    ...(record.completion === null ? {} : { completion: record.completion }),
    ...(record.second === null ? {} : { second: record.second }),
    ...(error === undefined ? {} : { error: errorFact(error) }),
  };
}
