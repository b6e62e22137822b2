/** A circuit breaker with its listeners; also what a user sees and switches by hand. */

import type { BreakerSettings, CircuitState, Outcome, Permit } from "./core/breaker.js";
import { Breaker } from "./core/breaker.js";
import { CircuitOpenError } from "./core/errors.js";
import type { Emit } from "./events.js";

/**
 * The circuit of one origin and operation group, or of one model of the group.
 *
 * `state` is closed, open, half-open, forced-open or disabled.
 */
export class Circuit {
  readonly #breaker: Breaker;

  constructor(
    readonly name: string,
    settings: BreakerSettings,
    private readonly emit: Emit,
    private readonly now: () => number,
    private readonly provider = "",
  ) {
    this.#breaker = new Breaker(settings);
  }

  /** The state now; an open circuit whose time is over turns half-open with the next call. */
  get state(): CircuitState {
    return this.#breaker.state;
  }

  /** Refuse every call until `reset`. */
  forceOpen(): void {
    this.#breaker.forceOpen(this.now());
    this.#tell(this.emit);
  }

  /** Let every call through and count nothing until `reset`. */
  disable(): void {
    this.#breaker.disable(this.now());
    this.#tell(this.emit);
  }

  /** Start anew, closed and without history. */
  reset(): void {
    this.#breaker.reset(this.now());
    this.#tell(this.emit);
  }

  /** Leave to send one attempt; CircuitOpenError with `retryAfter` where it is open. */
  admit(emit: Emit = this.emit): Permit {
    const answer = this.#breaker.admit(this.now());
    this.#tell(emit);
    if (!answer.admitted) {
      const who = this.provider === "" ? this.name : this.provider;
      throw new CircuitOpenError(
        `${who} failed too often; the circuit stays open for another ${answer.retryAfter.toFixed(1)} s`,
        { retryAfter: answer.retryAfter },
      );
    }
    return answer;
  }

  /** How an admitted attempt ended, once per permit; see `Breaker.record`. */
  record(
    permit: Permit,
    outcome: Outcome,
    chance: number,
    responseTime: number | null = null,
    emit: Emit = this.emit,
  ): void {
    this.#breaker.record(permit, outcome, this.now(), chance, responseTime);
    this.#tell(emit);
  }

  #tell(emit: Emit): void {
    for (const change of this.#breaker.takeTransitions()) {
      emit("breaker", { before: change.before, after: change.after, circuit: this.name });
    }
  }
}
