/**
 * Who may send, who waits and for how long.
 *
 * How to run it (it sleeps nowhere; its owner does):
 *
 * - `reserve` answers granted, refused or wait. After wait, sleep until its instant and `claim`; the answer may
 *   be another, later wait with the same ticket, which keeps its place.
 * - First in, first out: only the head of the queue can be granted. Whatever may free the head early
 *   (`settle`, `cancel`, `learn`, a claim that was granted or refused) is followed by waking the waiter of
 *   `head()`, who claims.
 * - A waiter that gives up calls `cancel`; a reservation is settled exactly once.
 *
 * All instants are absolute monotonic seconds.
 */

import { ConfigError } from "../errors.js";
import type { Observed } from "../rate-headers.js";
import { AdaptiveConcurrency, AdaptiveThrottle } from "./adaptive.js";
import { Families } from "./families.js";
import type { LimiterMode, MeterMarks } from "./meters.js";
import { Meters } from "./meters.js";
import type {
  Cost,
  Decision,
  FamilyState,
  Granted,
  Health,
  Limit,
  Reservation,
  Result,
  Ticket,
} from "./model.js";
import { minus, NOTHING, plus } from "./model.js";
import { Release } from "./release.js";

export type { LimiterMode } from "./meters.js";
export type Oversize = "refuse" | "admit-when-full";

/** Connections of a client by default: the most that adaptive concurrency allows. */
const POOL_SIZE = 100;
/** Seconds of float noise in a comparison of waits. */
const NOISE = 1e-6;
// A waiter behind the head is woken by the head's grant; its own timer is only a second line.
const BEHIND_HEAD = 0.01;
/** The id of reservations that charged nothing. */
const UNCOUNTED = 0;

/**
 * `maxWait` is in seconds; `concurrency` counts reservations until they are settled. With `oversize`
 * "admit-when-full" a request larger than a limit goes out when that limit is untouched, and leaves a debt
 * . `adaptive` lets the concurrency follow the server's health between 1 and `concurrency`;
 * `throttle` is the K of R-121, null for off.
 */
export interface LimiterOptions {
  readonly mode?: LimiterMode;
  readonly maxWait?: number;
  readonly concurrency?: number | null;
  readonly oversize?: Oversize;
  readonly adaptive?: boolean;
  readonly throttle?: number | null;
}

/** What a waiter accepts: `left` is the seconds to its deadline, `maxWait` its own longest wait. */
export interface Patience {
  readonly left?: number | null;
  readonly maxWait?: number | null;
}

interface Open {
  readonly metered: MeterMarks;
  readonly reported: readonly (() => void)[];
}

/** One queue before any set of limits, the server's reports, a pause and a concurrency limit. */
export class Limiter {
  readonly #meters: Meters;
  readonly #families = new Families();
  readonly #maxWait: number;
  readonly #concurrency: number | null;
  readonly #adaptive: AdaptiveConcurrency | null;
  readonly #throttle: AdaptiveThrottle | null;
  readonly #admitsOversize: boolean;
  readonly #queue = new Map<Ticket, Cost>();
  readonly #open = new Map<number, Open>();
  #queued: Cost = NOTHING;
  #pausedUntil = -Infinity;
  #release = new Release();
  #lastId = UNCOUNTED;

  /** ConfigError for a concurrency below 1. */
  constructor(limits: readonly Limit[] = [], options: LimiterOptions = {}) {
    const concurrency = options.concurrency ?? null;
    if (concurrency !== null && concurrency < 1) {
      throw new ConfigError(`concurrency must be at least 1, or null for no limit, not ${concurrency}`);
    }
    const most = options.adaptive === true ? (concurrency ?? POOL_SIZE) : concurrency;
    const throttle = options.throttle ?? null;
    this.#meters = new Meters(limits, options.mode ?? "bucket");
    this.#maxWait = options.maxWait ?? 60;
    this.#concurrency = most;
    this.#adaptive = options.adaptive === true && most !== null ? new AdaptiveConcurrency(most) : null;
    this.#throttle = throttle === null ? null : new AdaptiveThrottle(throttle);
    this.#admitsOversize = options.oversize === "admit-when-full";
  }

  /**
   * Leave to send, a place in the queue, or a refusal.
   *
   * All limits are charged together or none is. `chance` in [0, 1] is for adaptive throttling.
   */
  reserve(cost: Cost, now: number, patience: Patience = {}, chance = 1): Decision {
    if (this.#throttle?.rejects(now, chance) === true) {
      return { kind: "refused", wait: 0, why: "throttled" };
    }
    if (this.#queue.size === 0 && this.#isUnlimited(now)) {
      return { kind: "granted", reservation: { id: UNCOUNTED, cost } };
    }
    if (!this.#admitsOversize && this.#meters.isTooLarge(cost)) {
      return { kind: "refused", wait: 0, why: "too-large" };
    }
    if (this.#queue.size === 0 && this.#headReadyAt(cost, now) <= now) {
      return this.#grant(cost, now);
    }
    return this.#enqueue(cost, now, this.#longest(patience));
  }

  /**
   * The decision on a waiter whose time has come; null for a ticket that is not waiting.
   *
   * Only the head is granted; only the head is refused, if from now on it would wait longer than it accepts,
   * as after a new pause.
   */
  claim(ticket: Ticket, now: number, patience: Patience = {}): Decision | null {
    const cost = this.#queue.get(ticket);
    if (cost === undefined) {
      return null;
    }
    const ready = this.#headReadyAt(cost, now);
    if (ticket !== this.head()) {
      return { kind: "wait", ticket, until: Math.max(ready, now + BEHIND_HEAD) };
    }
    if (ready <= now) {
      this.#leave(ticket, cost);
      this.#release.granted(this.#meters.step(cost), this.#queue.size, now);
      return this.#grant(cost, now);
    }
    if (isTooLong(ready - now, this.#longest(patience))) {
      this.cancel(ticket);
      return { kind: "refused", wait: ready - now, why: "wait" };
    }
    this.#noteHold(cost, now);
    return { kind: "wait", ticket, until: ready };
  }

  /** A waiter gives up and leaves no hole; tickets that do not wait are ignored. */
  cancel(ticket: Ticket): void {
    const cost = this.#queue.get(ticket);
    if (cost === undefined) {
      return;
    }
    this.#leave(ticket, cost);
    if (this.#queue.size === 0) {
      this.#release = new Release(); // nobody is left of those who were held
    }
  }

  /**
   * End a reservation with what it really used; a second time changes nothing.
   *
   * `unsent` gives everything back, `throttled` all but the request; `done` and `cancelled` charge the tokens
   * `used` instead of the estimate, which stands where `used` is null. `health` feeds the adaptive limits; left
   * out, `done` is good and `throttled` is overload.
   */
  settle(reservation: Reservation, now: number, used: Cost | null, result: Result, health?: Health): void {
    const marks = this.#open.get(reservation.id);
    if (marks === undefined) {
      return;
    }
    this.#open.delete(reservation.id);
    this.#meters.settle(marks.metered, reservation.cost, used, result, now);
    for (const release of marks.reported) {
      release();
    }
    this.#adapt(health ?? healthOf(result), now);
  }

  /** The only waiter that can be granted next; null if nobody waits. */
  head(): Ticket | null {
    return this.#queue.keys().next().value ?? null;
  }

  /** Hold all new sends until then; the latest of several pauses counts. */
  pause(until: number, now: number): void {
    if (now < until && until < Infinity) {
      this.#pausedUntil = Math.max(this.#pausedUntil, until);
    }
  }

  /** Take over what a response reports. */
  learn(observed: readonly Observed[], now: number): void {
    this.#families.learn(observed, now);
  }

  /** Every limit as it stands: the declared ones, then the server's. */
  snapshot(now: number): FamilyState[] {
    return [...this.#meters.states(now), ...this.#families.states(now)];
  }

  #isUnlimited(now: number): boolean {
    const nothing = this.#meters.size === 0 && this.#families.size === 0 && this.#concurrency === null;
    return nothing && now >= this.#pausedUntil && this.#throttle === null;
  }

  #adapt(health: Health, now: number): void {
    if (health === "good") {
      this.#adaptive?.succeed();
      this.#throttle?.accept(now);
    } else if (health === "overload") {
      this.#adaptive?.overload(now);
    }
  }

  /** Whether so many calls are in flight, with those ahead, that another's end must come first. */
  #isCrowded(ahead = 0): boolean {
    const most = this.#adaptive === null ? this.#concurrency : this.#adaptive.limit;
    return most !== null && this.#open.size + ahead >= most;
  }

  /** When a head of this cost could go, `now` if it can; infinite if another call must end first. */
  #headReadyAt(cost: Cost, now: number): number {
    if (this.#isCrowded()) {
      return Infinity;
    }
    const held = Math.max(this.#heldUntil(cost, now), this.#release.notBefore);
    return Math.max(held, this.#meters.readyAt(cost, now));
  }

  /** The end of the pause and of the server's windows that hold this cost. */
  #heldUntil(cost: Cost, now: number, ahead: Cost = NOTHING): number {
    return Math.max(this.#pausedUntil, this.#families.readyAt(cost, now, ahead), now);
  }

  #noteHold(cost: Cost, now: number): void {
    if (this.#heldUntil(cost, now) > now) {
      this.#release.arm();
    }
  }

  #enqueue(cost: Cost, now: number, longest: number): Decision {
    const ready = this.#projection(cost, now);
    if (isTooLong(ready - now, longest)) {
      return { kind: "refused", wait: ready - now, why: "wait" };
    }
    this.#noteHold(cost, now);
    const ticket = this.#nextId();
    const ahead = this.#queue.size;
    this.#queue.set(ticket, cost);
    this.#queued = plus(this.#queued, cost);
    if (this.#isCrowded(ahead)) {
      return { kind: "wait", ticket, until: Infinity };
    }
    return { kind: "wait", ticket, until: ahead > 0 ? Math.max(ready, now + BEHIND_HEAD) : ready };
  }

  /** When a new waiter may expect to go behind all others, the ends of other calls left aside. */
  #projection(cost: Cost, now: number): number {
    const ready = Math.max(
      this.#heldUntil(cost, now, this.#queued),
      this.#meters.readyAt(cost, now, this.#queued),
    );
    const released = Math.max(this.#heldUntil(cost, now), this.#release.notBefore);
    if (released <= now) {
      return ready;
    }
    return Math.max(ready, released + this.#release.delay(this.#queue.size, this.#meters.step(cost)));
  }

  /** The longest wait that a call accepts: its own or the limiter's, and never beyond its deadline. */
  #longest(patience: Patience): number {
    const accepted = (patience.maxWait ?? this.#maxWait) + NOISE;
    return Math.min(patience.left ?? Infinity, accepted);
  }

  #leave(ticket: Ticket, cost: Cost): void {
    this.#queue.delete(ticket);
    this.#queued = this.#queue.size > 0 ? minus(this.#queued, cost) : NOTHING;
  }

  #grant(cost: Cost, now: number): Granted {
    const reservation = { id: this.#nextId(), cost };
    this.#open.set(reservation.id, {
      metered: this.#meters.charge(cost, now),
      reported: this.#families.charge(cost),
    });
    return { kind: "granted", reservation };
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}

function isTooLong(wait: number, longest: number): boolean {
  // The end of another call cannot be foreseen; the deadline bounds that wait.
  return longest < wait && wait < Infinity;
}

function healthOf(result: Result): Health {
  if (result === "done") {
    return "good";
  }
  return result === "throttled" ? "overload" : "unknown";
}
