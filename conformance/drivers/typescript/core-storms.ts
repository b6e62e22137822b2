/**
 * Many users against one breaker or limiter, and many waits drawn from a real source of chance.
 *
 * JavaScript has no threads that share objects: what other languages do in threads is done here by tasks that give
 * way to each other at random between every two steps.
 */

import { Circuit } from "../../../src/llm_forge/targets/typescript/runtime/src/circuit.js";
import type { Clock } from "../../../src/llm_forge/targets/typescript/runtime/src/clock.js";
import type { Outcome } from "../../../src/llm_forge/targets/typescript/runtime/src/core/breaker.js";
import { breakerSettings } from "../../../src/llm_forge/targets/typescript/runtime/src/core/breaker.js";
import { Deadline } from "../../../src/llm_forge/targets/typescript/runtime/src/core/deadline.js";
import { CircuitOpenError, RateLimitWaitError } from "../../../src/llm_forge/targets/typescript/runtime/src/core/errors.js";
import { Limiter } from "../../../src/llm_forge/targets/typescript/runtime/src/core/limiter/limiter.js";
import { costOf, defineLimit } from "../../../src/llm_forge/targets/typescript/runtime/src/core/limiter/model.js";
import { failureOfKind, isRetry, RetryPolicy } from "../../../src/llm_forge/targets/typescript/runtime/src/core/retry.js";
import { SystemClock } from "../../../src/llm_forge/targets/typescript/runtime/src/clock.js";
import { FetchTransport } from "../../../src/llm_forge/targets/typescript/runtime/src/fetch-transport.js";
import { Gate } from "../../../src/llm_forge/targets/typescript/runtime/src/gate.js";
import { Io } from "../../../src/llm_forge/targets/typescript/runtime/src/io.js";
import { camel } from "./casing.js";


type Dice = () => number;

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
function dice(seed: number): Dice {
  let state = (seed + 1) * 0x9e3779b1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Virtual time that moves on with every look at it. */
class TickingClock extends SystemClock implements Clock {
  #ticks = 0;

  constructor(private readonly tick: number) {
    super();
  }

  override now(): number {
    this.#ticks += 1;
    return this.#ticks * this.tick;
  }
}

async function inTasks(count: number, work: (dice: Dice) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, seed) => work(dice(seed))));
}

/** Let others go on, every so often. */
async function giveWay(chance: Dice): Promise<void> {
  if (chance() < 0.3) {
    await Promise.resolve();
  }
}

/** Tasks against one breaker. */
export async function breakerStorm(told: any): Promise<object> {
  const changes: { before: string; after: string }[] = [];
  const clock = new TickingClock(told.tick);
  const circuit = new Circuit(
    "storm",
    breakerSettings(camel(told.settings) as object),
    (_name, facts) => changes.push(facts as unknown as { before: string; after: string }),
    () => clock.now(),
  );
  const counts = { admitted: 0, rejected: 0, probes: 0, most: 0 };
  await inTasks(told.threads, async (chance) => {
    for (let turn = 0; turn < told.each; turn += 1) {
      await giveWay(chance);
      try {
        const permit = circuit.admit();
        counts.admitted += 1;
        counts.probes += Number(permit.probe);
        counts.most = Math.max(counts.most, counts.probes);
        await giveWay(chance);
        counts.probes -= Number(permit.probe);
        circuit.record(permit, outcome(chance() * 10), chance());
      } catch (error) {
        if (!(error instanceof CircuitOpenError)) {
          throw error;
        }
        counts.rejected += 1;
      }
    }
  });
  const entered = [...changes.map((change) => change.after), "closed"].sort();
  const left = [...changes.map((change) => change.before), circuit.state].sort();
  return {
    most_probes: counts.most,
    attempts: counts.admitted + counts.rejected,
    admitted_some: counts.admitted > 0,
    rejected_some: counts.rejected > 0,
    chained: entered.join() === left.join(),
  };
}

function outcome(chance: number): Outcome {
  return chance < 5 ? "success" : chance < 9 ? "failure" : "neutral";
}

/** Tasks against one limiter that lets nobody wait; what they took, and the balance when it is full. */
export async function limiterStorm(told: any): Promise<object> {
  const limit = defineLimit(told.limit);
  const limiter = new Limiter([limit]);
  const gate = new Gate(limiter);
  const clock = new TickingClock(told.tick);
  const io = new Io(clock, Math.random, new FetchTransport());
  const counts = { tries: 0, taken: 0 };
  await inTasks(told.threads, async (chance) => {
    for (let turn = 0; turn < Math.floor(told.acquisitions / told.threads); turn += 1) {
      counts.tries += 1;
      const taken = await oneTry(gate, io, chance);
      counts.taken += taken;
    }
  });
  const now = clock.now();
  return {
    tries: counts.tries,
    within_limit_and_burst: counts.taken <= limit.capacity + limit.rate * now,
    all_that_was_there: counts.taken >= limit.rate * now - 1,
    balance_when_full: limiter.snapshot(now + limit.capacity / limit.rate)[0]?.remaining,
  };
}

/** Units that one try took for good. */
async function oneTry(gate: Gate, io: Io, chance: Dice): Promise<number> {
  const entrant = { cost: costOf(), deadline: new Deadline(null), maxWait: 0, signal: new AbortController().signal };
  try {
    const [reservation] = await gate.enter(io, entrant);
    const unsent = chance() < 0.1;
    gate.leave(reservation, io.now(), null, unsent ? "unsent" : "done");
    return unsent ? 0 : 1;
  } catch (error) {
    if (!(error instanceof RateLimitWaitError)) {
      throw error;
    }
    return 0;
  }
}

/** Waits before one attempt with real chance: how far their distribution is from the uniform one. */
export function backoff(told: any): object {
  const policy = new RetryPolicy();
  const chance = dice(told.seed);
  const waits: number[] = [];
  for (let turn = 0; turn < told.count; turn += 1) {
    const situation = { left: null, chance: chance(), jitter: chance() };
    const plan = policy.decide(told.attempt, failureOfKind("lost"), situation);
    if (isRetry(plan)) {
      waits.push(plan.after / told.most);
    }
  }
  waits.sort((one, other) => one - other);
  const distances = waits.map((wait, at) =>
    Math.max(Math.abs(wait - at / told.count), Math.abs(wait - (at + 1) / told.count)),
  );
  const within = (waits[0] ?? -1) >= 0 && (waits.at(-1) ?? 2) <= 1;
  return { count: waits.length, distance: Math.max(...distances), within };
}
