/** The pure functions of the runtime's core, asked by corpora; inputs and outputs are in conformance/README.md. */

import type { Outcome, Permit } from "../../../src/llm_forge/targets/typescript/runtime/src/core/breaker.js";
import { Breaker, breakerSettings, outcomeOf } from "../../../src/llm_forge/targets/typescript/runtime/src/core/breaker.js";
import { parseDuration } from "../../../src/llm_forge/targets/typescript/runtime/src/core/durations.js";
import { apiError, streamError } from "../../../src/llm_forge/targets/typescript/runtime/src/core/error-body.js";
import { ForgeError } from "../../../src/llm_forge/targets/typescript/runtime/src/core/errors.js";
import { dispositionName, safeFileName } from "../../../src/llm_forge/targets/typescript/runtime/src/core/file-names.js";
import type { RawEvent } from "../../../src/llm_forge/targets/typescript/runtime/src/core/framing.js";
import { JsonLineDecoder } from "../../../src/llm_forge/targets/typescript/runtime/src/core/framing.js";
import { Headers } from "../../../src/llm_forge/targets/typescript/runtime/src/core/headers.js";
import { decode } from "../../../src/llm_forge/targets/typescript/runtime/src/core/json.js";
import type { StreamRule } from "../../../src/llm_forge/targets/typescript/runtime/src/core/profile.js";
import { defineOperation, defineProfile } from "../../../src/llm_forge/targets/typescript/runtime/src/core/profile.js";
import { Redactor } from "../../../src/llm_forge/targets/typescript/runtime/src/core/redact.js";
import type { FailureKind } from "../../../src/llm_forge/targets/typescript/runtime/src/core/retry.js";
import { failureOfKind, isRetry, RetryPolicy } from "../../../src/llm_forge/targets/typescript/runtime/src/core/retry.js";
import { serverWait } from "../../../src/llm_forge/targets/typescript/runtime/src/core/server-wait.js";
import { SseDecoder } from "../../../src/llm_forge/targets/typescript/runtime/src/core/sse.js";
import { StreamReader } from "../../../src/llm_forge/targets/typescript/runtime/src/core/stream.js";
import { bytesOf } from "../../../src/llm_forge/targets/typescript/runtime/src/core/text.js";
import { camel } from "./casing.js";
import { limiter } from "./core-limiter.js";
import { backoff, breakerStorm, limiterStorm } from "./core-storms.js";
import { errorFact } from "./outcomes.js";

// Inputs come from our own corpora, whose shape the runner has checked.

const SHOWN = 65_536;
const WALL = 1_800_000_000;
const TEST = defineProfile({ name: "test", baseUrl: "https://example.test" });
const PLAIN = new Redactor();

/** A function's output, or the kind of the error it raised. */
export async function answer(fn: string, value: unknown): Promise<object> {
  try {
    return { output: await FUNCTIONS[fn]?.(value) };
  } catch (error) {
    if (!(error instanceof ForgeError)) {
      throw error;
    }
    return { error: error.kind };
  }
}

function limitsOf(value: any): object {
  return camel(value.limits ?? {}) as object;
}

function sse(value: any): object {
  const decoder = new SseDecoder(limitsOf(value));
  const told: { events: object[]; error: string | null; rest: object | null } = { events: [], error: null, rest: null };
  try {
    let number = 0;
    for (const chunk of chunksOf(value.chunks)) {
      for (const event of decoder.feed(chunk)) {
        told.events.push({ ...eventFact(event), chunk: number });
      }
      number += 1;
    }
    const rest = decoder.finish();
    told.rest = rest === null ? null : eventFact(rest);
  } catch (error) {
    told.error = kindOf(error);
  }
  return { ...told, retry: decoder.retry, decode_errors: decoder.decodeErrors };
}

function lines(value: any): object {
  const decoder = new JsonLineDecoder(limitsOf(value));
  const told: { lines: string[]; error: string | null; rest: string | null } = { lines: [], error: null, rest: null };
  try {
    for (const chunk of chunksOf(value.chunks)) {
      told.lines.push(...decoder.feed(chunk).map((line) => line.data.trim()));
    }
    told.rest = decoder.finish()?.data.trim() ?? "";
  } catch (error) {
    told.error = kindOf(error);
  }
  return told;
}

function kindOf(error: unknown): string {
  if (!(error instanceof ForgeError)) {
    throw error;
  }
  return error.kind;
}

function* chunksOf(listed: readonly any[]): Generator<Uint8Array> {
  for (const entry of listed) {
    if (typeof entry === "string") {
      yield Buffer.from(entry, "hex");
      continue;
    }
    const chunk = Buffer.from((entry.hex as string).repeat(entry.times), "hex");
    for (let piece = 0; piece < entry.pieces; piece += 1) {
      yield chunk;
    }
  }
}

function eventFact(event: RawEvent): object {
  // The protocol counts characters, and JavaScript their halves.
  const size = event.data.length - (event.data.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
  return { event: event.event, id: event.id, size, ...(size <= SHOWN ? { data: event.data } : {}) };
}

function fileName(value: any): object {
  const served = dispositionName(value.disposition);
  return { served, safe: safeFileName(served ?? "") };
}

function headersOf(value: any): Headers {
  return new Headers(value.headers ?? []);
}

function waitOfServer(value: any): object {
  const rules = (value.rules ?? []).map(camel);
  const wait = serverWait(headersOf(value), value.status, rules, value.wall ?? WALL);
  return { wait: wait === 0 ? null : wait };
}

function retry(value: any): object {
  const failure = failureOfKind(value.kind as FailureKind, {
    status: value.status ?? null,
    serverWait: value.server_wait ?? null,
    shouldRetry: value.should_retry ?? null,
    terminalQuota: value.terminal_quota ?? false,
  });
  const { replay, rewindable, keyed, timeouts, chance, jitter } = value;
  const situation = { replay, rewindable, keyed, timeouts, left: value.left ?? null, chance, jitter };
  const plan = new RetryPolicy(camel(value.policy ?? {}) as object).decide(value.attempt, failure, situation);
  return { after: isRetry(plan) ? plan.after : null };
}

/** Plays the steps of a trace against one breaker. */
class BreakerTrace {
  readonly #breaker: Breaker;
  readonly #permits = new Map<string, Permit>();
  #told: { admitted: number; rejected: number; retry_after?: number } = { admitted: 0, rejected: 0 };

  constructor(settings: object) {
    this.#breaker = new Breaker(breakerSettings(camel(settings) as object));
  }

  /** One step; what it did, and the state after it. */
  play(step: any): object {
    this.#told = { admitted: 0, rejected: 0 };
    for (let number = 0; number < (step.times ?? 1); number += 1) {
      this.#once(step, step.at + number * (step.every ?? 0));
    }
    return { ...this.#told, state: this.#breaker.state };
  }

  #once(step: any, now: number): void {
    const chance = step.chance ?? 0.5;
    if (step.do === "record") {
      const permit = this.#permits.get(step.permit);
      this.#permits.delete(step.permit);
      this.#breaker.record(permit as Permit, outcomeFrom(step.outcome), now, chance);
      return;
    }
    const admitted = this.#breaker.admit(now);
    if (!admitted.admitted) {
      this.#told.rejected += 1;
      this.#told.retry_after = admitted.retryAfter;
      return;
    }
    this.#told.admitted += 1;
    if (step.do === "attempt") {
      this.#breaker.record(admitted, outcomeFrom(step.outcome), now, chance);
    } else if ("as" in step) {
      this.#permits.set(step.as, admitted);
    }
  }
}

function outcomeFrom(told: any): Outcome {
  if (typeof told === "string") {
    return told as Outcome;
  }
  return outcomeOf(failureOfKind(told.kind ?? "status", { status: told.status ?? null }));
}

function breaker(value: any): object {
  const trace = new BreakerTrace(value.settings);
  return { steps: value.steps.map((step: unknown) => trace.play(step)) };
}

function accumulate(value: any): object {
  const { family, ndjson = false, terminal = [], type_field: typeField = "type" } = value;
  const operation = defineOperation({ name: "t", method: "POST", path: "/", stream: { family, ndjson, terminal, typeField } });
  const reader = new StreamReader(operation.stream as StreamRule, (data) => streamError(data, TEST, PLAIN, null));
  reader.feed(bytesOf(value.text));
  // A consumer that takes all it can.
  while (!reader.hasEnded() && reader.ready.length > 0) {
    while (reader.ready.take() !== undefined);
    reader.refill();
  }
  if (!reader.hasEnded()) {
    reader.finish(value.strict ?? false);
  }
  const message = reader.completion === null ? reader.accumulator.partial() : reader.accumulator.result();
  return { completion: reader.completion, error: reader.failure?.kind ?? null, message };
}

function errors(value: any): object {
  if (value.stream === true) {
    const inside = streamError(decode(value.body), TEST, PLAIN, null);
    return inside === null ? { kind: null } : errorFact(inside);
  }
  const headers = headersOf(value);
  const retryAfter = serverWait(headers, value.status, [], WALL);
  const failed = { status: value.status, headers, body: bytesOf(value.body), retryAfter, maxServerWait: 60 };
  return errorFact(apiError(failed, TEST, PLAIN));
}

export const FUNCTIONS: { readonly [name: string]: (value: unknown) => unknown } = {
  sse,
  lines,
  file_name: fileName,
  durations: (value: any) => ({ seconds: parseDuration(value.text) }),
  server_wait: waitOfServer,
  retry,
  backoff,
  breaker,
  breaker_storm: breakerStorm,
  limiter,
  limiter_storm: limiterStorm,
  accumulate,
  errors,
};
