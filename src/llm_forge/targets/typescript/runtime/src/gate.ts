/** The limiter with its waiters: who must wait sleeps here, first in, first out. */

import { Signal } from "./clock.js";
import type { Deadline } from "./core/deadline.js";
import { MIN_ATTEMPT } from "./core/deadline.js";
import { DeadlineExceededError, RateLimitConfigError, RateLimitWaitError } from "./core/errors.js";
import type { Limiter } from "./core/limiter/limiter.js";
import type {
  Cost,
  Decision,
  FamilyState,
  Health,
  Refused,
  Reservation,
  Result,
  Ticket,
  Wait,
} from "./core/limiter/model.js";
import type { Observed } from "./core/rate-headers.js";
import type { Io } from "./io.js";

/** Who waits: for what, until when, and what may end it. */
export interface Entrant {
  readonly cost: Cost;
  readonly deadline: Deadline;
  readonly maxWait: number | null;
  readonly signal: AbortSignal;
}

/** One limiter and its queue, shared by the calls for one model or family of models. */
export class Gate {
  readonly #signals = new Map<Ticket, Signal>();

  constructor(private readonly limiter: Limiter) {}

  /**
   * A reservation, and the seconds waited for it.
   *
   * RateLimitWaitError, RateLimitConfigError, or DeadlineExceededError (phase `limiter`).
   */
  async enter(io: Io, entrant: Entrant): Promise<readonly [Reservation, number]> {
    const began = io.now();
    const patience = { left: entrant.deadline.left(began), maxWait: entrant.maxWait };
    let decision = this.limiter.reserve(entrant.cost, began, patience, io.random());
    this.#follow(decision);
    const waited = decision.kind === "wait";
    while (decision.kind === "wait") {
      decision = await this.#wait(io, decision, entrant);
    }
    if (decision.kind === "refused") {
      throw refusal(decision, entrant.cost);
    }
    return [decision.reservation, waited ? io.now() - began : 0];
  }

  async #wait(io: Io, wait: Wait, entrant: Entrant): Promise<Decision> {
    const event = this.#signals.get(wait.ticket) ?? new Signal();
    const began = io.now();
    const until = entrant.deadline.timer(wait.until - began, began);
    try {
      await io.clock.wait(event, until === Infinity ? null : until, entrant.signal);
    } catch (error) {
      this.#giveUp(wait.ticket);
      throw error;
    }
    const now = io.now();
    const left = entrant.deadline.left(now);
    if (left !== null && left < MIN_ATTEMPT) {
      this.#giveUp(wait.ticket);
      throw new DeadlineExceededError("The deadline passed while waiting for the rate limiter", {
        phase: "limiter",
      });
    }
    this.#signals.delete(wait.ticket);
    const decision = this.limiter.claim(wait.ticket, now, { left, maxWait: entrant.maxWait });
    if (decision === null) {
      throw new Error("a waiter has lost its place");
    }
    this.#follow(decision);
    return decision;
  }

  /** Register who waits, in the same breath as the decision, so that no wake-up is lost. */
  #follow(decision: Decision): void {
    if (decision.kind === "wait") {
      this.#signals.set(decision.ticket, new Signal());
    } else {
      this.#wakeHead();
    }
  }

  #giveUp(ticket: Ticket): void {
    this.#signals.delete(ticket);
    this.limiter.cancel(ticket);
    this.#wakeHead();
  }

  /** Settle a reservation and wake the head waiter. */
  leave(reservation: Reservation, now: number, used: Cost | null, result: Result, health?: Health): void {
    this.limiter.settle(reservation, now, used, result, health);
    this.#wakeHead();
  }

  /** Take over what a response's headers say. */
  learn(observed: readonly Observed[], now: number): void {
    if (observed.length > 0) {
      this.limiter.learn(observed, now);
      this.#wakeHead();
    }
  }

  /** Hold all new sends until then. */
  pause(until: number, now: number): void {
    this.limiter.pause(until, now);
  }

  /** What is known of each family. */
  snapshot(now: number): FamilyState[] {
    return this.limiter.snapshot(now);
  }

  #wakeHead(): void {
    // Only the head can be granted; it wakes the next when it is.
    const head = this.limiter.head();
    if (head !== null) {
      this.#signals.get(head)?.set();
    }
  }
}

function refusal(refused: Refused, cost: Cost): RateLimitWaitError | RateLimitConfigError {
  if (refused.why === "too-large") {
    return new RateLimitConfigError(
      `The request reserves ${cost.input.toFixed()} input and ${cost.output.toFixed()} output tokens, more than a ` +
        "declared limit admits at once; raise that limit's burst, set max_tokens, or let such requests through " +
        'alone with oversize: "admit-when-full"',
    );
  }
  if (refused.why === "throttled") {
    return new RateLimitWaitError(
      "The server accepted so few of the recent calls that this one is not sent (adaptiveThrottle)",
    );
  }
  return new RateLimitWaitError(
    `The rate limiter would hold this call for ${refused.wait.toFixed(1)} s, longer than it may wait`,
    { retryAfter: refused.wait },
  );
}
