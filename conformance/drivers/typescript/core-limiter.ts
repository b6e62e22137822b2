/** Plays a corpus trace against the core's limiter, in virtual time, as the runtime would. */

import { Headers } from "../../../src/llm_forge/targets/typescript/runtime/src/core/headers.js";
import type { LimiterOptions } from "../../../src/llm_forge/targets/typescript/runtime/src/core/limiter/limiter.js";
import { Limiter } from "../../../src/llm_forge/targets/typescript/runtime/src/core/limiter/limiter.js";
import type { Decision, LimitFacts, Reservation, Ticket } from "../../../src/llm_forge/targets/typescript/runtime/src/core/limiter/model.js";
import { costOf, defineLimit } from "../../../src/llm_forge/targets/typescript/runtime/src/core/limiter/model.js";
import type { LimitHeaders } from "../../../src/llm_forge/targets/typescript/runtime/src/core/profile.js";
import { observe } from "../../../src/llm_forge/targets/typescript/runtime/src/core/rate-headers.js";
import { camel } from "./casing.js";


const WALL = 1_800_000_000;

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: (now: number) => void;
}

/** Steps, waits that are over and calls that end, in the order of their time. */
class LimiterTrace {
  readonly calls: { [name: string]: object } = {};
  readonly #limiter: Limiter;
  readonly #rules: readonly LimitHeaders[];
  readonly #chance: number;
  readonly #waiting = new Map<Ticket, string>();
  readonly #told = new Map<string, any>();
  readonly #queue: Due[] = [];
  #order = 0;

  constructor(private readonly trace: any) {
    const limits = ((trace.limits ?? []) as LimitFacts[]).map(defineLimit);
    const { mode, max_wait: maxWait, concurrency, oversize, adaptive, throttle } = trace;
    const options = { mode, maxWait, concurrency, oversize, adaptive, throttle };
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#limiter = new Limiter(limits, Object.fromEntries(given) as LimiterOptions);
    this.#rules = (trace.rules ?? []).map(camel);
    this.#chance = trace.chance ?? 1;
  }

  /** Run to the end; what became of each call. */
  play(): object {
    for (const step of this.trace.steps) {
      this.#push(step.at, (now) => {
        this.#step(now, step);
      });
    }
    for (let due = this.#next(); due !== undefined; due = this.#next()) {
      due.run(due.at);
    }
    return this.calls;
  }

  #push(at: number, run: (now: number) => void): void {
    this.#queue.push({ at, order: (this.#order += 1), run });
    this.#queue.sort((one, other) => one.at - other.at || one.order - other.order);
  }

  #next(): Due | undefined {
    return this.#queue.shift();
  }

  #step(now: number, step: any): void {
    switch (step.do) {
      case "call":
        this.#call(now, step);
        break;
      case "cancel":
        this.#cancel(now, step);
        break;
      case "response":
        this.#limiter.learn(observe(new Headers(step.headers), this.#rules, now, WALL + now), now);
        this.#wake(now);
        break;
      case "pause":
        this.#limiter.pause(step.until, now);
        break;
    }
  }

  #call(now: number, step: any): void {
    for (let number = 0; number < (step.times ?? 1); number += 1) {
      const name = "times" in step ? `${step.as}${number + 1}` : (step.as as string);
      this.#told.set(name, step);
      const patience = { left: step.left ?? null };
      this.#take(now, name, this.#limiter.reserve(costOf(step.cost), now, patience, this.#chance));
    }
  }

  #take(now: number, name: string, decision: Decision): void {
    if (decision.kind === "wait") {
      const { ticket, until } = decision;
      this.#waiting.set(ticket, name);
      if (until !== Infinity) {
        this.#push(until, (later) => {
          this.#due(later, ticket);
        });
      }
    } else if (decision.kind === "refused") {
      this.calls[name] = { refused: decision.why, wait: decision.wait };
    } else {
      this.calls[name] = { admitted: now };
      this.#push(now + (this.#told.get(name).lasts ?? 0), (later) => {
        this.#end(later, name, decision.reservation);
      });
      this.#wake(now);
    }
  }

  #due(now: number, ticket: Ticket): void {
    const name = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    if (name === undefined) {
      return;
    }
    const step = this.#told.get(name);
    const left = step.left === undefined || step.left === null ? null : step.at + step.left - now;
    const decision = this.#limiter.claim(ticket, now, { left });
    if (decision !== null) {
      this.#take(now, name, decision);
    }
  }

  #end(now: number, name: string, reservation: Reservation): void {
    const step = this.#told.get(name);
    const used = "used" in step ? costOf(step.used) : null;
    this.#limiter.settle(reservation, now, used, step.result ?? "done");
    this.#wake(now);
  }

  #cancel(now: number, step: any): void {
    const ticket = [...this.#waiting].find(([, name]) => name === step.call)?.[0];
    if (ticket !== undefined) {
      this.#waiting.delete(ticket);
      this.calls[step.call] = { cancelled: true };
      this.#limiter.cancel(ticket);
      this.#wake(now);
    }
  }

  /** Something was given back: who is first in line asks again. */
  #wake(now: number): void {
    const head = this.#limiter.head();
    if (head !== null && this.#waiting.has(head)) {
      this.#due(now, head);
    }
  }
}

/** A trace of calls and responses to the times at which the calls were admitted. */
export function limiter(trace: unknown): object {
  return { calls: new LimiterTrace(trace).play() };
}
