/** The limiter's vocabulary: limits, costs and decisions. */

import { ConfigError } from "../errors.js";
import type { LimitUnit } from "../profile.js";

/** The share of a limit that may go at once. */
export const BURST_SECONDS = 10;

/**
 * At most `amount` of a unit in `period` seconds.
 *
 * `burst` is the capacity in bucket mode; left out it is ten seconds' worth, at least 1 (R-107). `tokens` are
 * input and output together. `models` names a family of models that share the limit, such as `claude-opus-*`;
 * `*` is any text, and without it the limit holds for each model that belongs to no family, on its own (R-105).
 */
export interface LimitFacts {
  readonly unit: "requests" | "tokens" | "input" | "output";
  readonly amount: number;
  readonly period: number;
  readonly burst?: number | null | undefined;
  readonly models?: string | null | undefined;
}

/** A limit with what follows from it: units a second, and the most that a bucket of it holds. */
export interface Limit {
  readonly unit: "requests" | "tokens" | "input" | "output";
  readonly amount: number;
  readonly period: number;
  readonly burst: number | null;
  readonly models: string | null;
  readonly rate: number;
  readonly capacity: number;
}

/** The limit that these facts mean; ConfigError unless amount, period and burst are finite and above 0. */
export function defineLimit(facts: LimitFacts): Limit {
  if (!["requests", "tokens", "input", "output"].includes(facts.unit)) {
    throw new ConfigError(`A limit's unit must be requests, tokens, input or output, not ${facts.unit}`);
  }
  const burst = facts.burst ?? null;
  for (const [name, value] of Object.entries({
    amount: facts.amount,
    period: facts.period,
    burst: burst ?? 1,
  })) {
    if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
      throw new ConfigError(`A limit's ${name} must be a finite number above 0, not ${String(value)}`);
    }
  }
  const rate = facts.amount / facts.period;
  const { unit, amount, period } = facts;
  const capacity = burst ?? Math.max(1, rate * BURST_SECONDS);
  return { unit, amount, period, burst, models: facts.models ?? null, rate, capacity };
}

/** What one attempt takes of each unit. */
export interface Cost {
  readonly requests: number;
  readonly input: number;
  readonly output: number;
}

/** A cost of one request unless told otherwise. */
export function costOf(facts: Partial<Cost> = {}): Cost {
  return { requests: 1, input: 0, output: 0, ...facts };
}

export const NOTHING: Cost = { requests: 0, input: 0, output: 0 };

/** The amount of one unit; `other` is a unit we do not count. */
export function amountOf(cost: Cost, unit: LimitUnit): number {
  switch (unit) {
    case "requests":
      return cost.requests;
    case "tokens":
      return cost.input + cost.output;
    case "input":
      return cost.input;
    case "output":
      return cost.output;
    case "other":
      return 0;
  }
}

export function plus(one: Cost, other: Cost): Cost {
  return {
    requests: one.requests + other.requests,
    input: one.input + other.input,
    output: one.output + other.output,
  };
}

export function minus(one: Cost, other: Cost): Cost {
  return {
    requests: one.requests - other.requests,
    input: one.input - other.input,
    output: one.output - other.output,
  };
}

export type Result = "done" | "unsent" | "throttled" | "cancelled";
/** What an ended call says about the server, for the adaptive limits: 429, 529 and time-outs are overload. */
export type Health = "good" | "overload" | "unknown";

/** Leave to send one attempt; give it back with `Limiter.settle` exactly once. */
export interface Reservation {
  readonly id: number;
  readonly cost: Cost;
}

/** A place in the queue. */
export type Ticket = number;

/** Send now. */
export interface Granted {
  readonly kind: "granted";
  readonly reservation: Reservation;
}

/**
 * Claim the ticket at the monotonic instant `until`, or when told that the head may go.
 *
 * `until` is infinite where only another call's end can free the place.
 */
export interface Wait {
  readonly kind: "wait";
  readonly ticket: Ticket;
  readonly until: number;
}

/**
 * Fail at once: the wait in seconds would be too long, or the request can never fit.
 *
 * `throttled` is a call turned away because the server accepts few; its wait is 0.
 */
export interface Refused {
  readonly kind: "refused";
  readonly wait: number;
  readonly why: "wait" | "too-large" | "throttled";
}

export type Decision = Granted | Wait | Refused;

/**
 * One limit as it stands, for reports; `resetsIn` is in seconds, null where unknown.
 *
 * `source` is `local` for a declared limit and `server` for one learned from response headers.
 */
export interface FamilyState {
  readonly family: string;
  readonly unit: string;
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly resetsIn: number | null;
  readonly source: "local" | "server";
}
