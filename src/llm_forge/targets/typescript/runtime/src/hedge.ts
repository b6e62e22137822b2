/**
 * A second attempt beside a slow first one.
 *
 * Rules:
 * - Off unless `hedgeAfter` is set; only the first attempt of a unary call of a safe operation is hedged, and only
 *   while another attempt is allowed and the retry budget can pay for it.
 * - Both are attempts like any other: each passes breaker, limiter and auth on its own.
 * - The hedge is paid like a retry: a hedge that wins gets its cost back, one that loses does not. So over time
 *   about one call in five can be hedged.
 * - A hedge that this client refused to send (limiter, breaker) never was: it costs nothing and is not listed.
 */

import { ignore } from "./abort.js";
import { note, retryPolicy } from "./call.js";
import { Signal } from "./clock.js";
import type { Call } from "./context.js";
import { failureOf } from "./core/classify.js";
import { ForgeError, LocalRejection } from "./core/errors.js";
import type { Retry } from "./core/retry.js";
import { RETRY_COST } from "./core/retry.js";

type Attempt = (call: Call) => Promise<unknown>;

/** The attempt, joined by a second one where the call's options ask for it. */
export function hedged(attempt: Attempt): Attempt {
  return (call) => {
    const after = call.settings.hedgeAfter;
    return after !== null && mayHedge(call) ? new Hedge(call, attempt, after).race() : attempt(call);
  };
}

function mayHedge(call: Call): boolean {
  const { body } = call.prepared.request;
  const isWhole = body === null || body instanceof Uint8Array; // others are read once at a time
  return call.plan === null && call.settings.maxAttempts > 1 && call.operation.replay === "safe" && isWhole;
}

/** Why a loser was given up. */
class Lost extends Error {}

/** One of the two attempts, on a copy of the call that it alone changes. */
class Branch {
  result: unknown;
  error: unknown = null;
  over = false;
  readonly done: Promise<void>;

  constructor(
    readonly call: Call,
    attempt: Attempt,
    changed: () => void,
  ) {
    call.io.clock.begin();
    this.done = this.#run(attempt).finally(() => {
      this.over = true;
      changed();
      call.io.clock.end();
    });
  }

  async #run(attempt: Attempt): Promise<void> {
    try {
      this.result = await attempt(this.call);
    } catch (error) {
      this.error = error;
    }
  }

  /** Whether the server may have work with it. */
  get wasSent(): boolean {
    return this.error instanceof ForgeError && !(this.error instanceof LocalRejection);
  }
}

/** The race of one call. */
class Hedge {
  readonly #branches: Branch[] = [];
  #changed = new Signal();

  constructor(
    private readonly call: Call,
    private readonly attempt: Attempt,
    private readonly after: number,
  ) {}

  /** The first result; afterwards the call stands as if only the winner had been, and a loser noted. */
  async race(): Promise<unknown> {
    let decisive = this.#add(this.call.number, null);
    try {
      await this.#wait(this.after);
      if (!decisive.over) {
        this.#addSecond();
      }
      decisive = await this.#winner();
    } finally {
      await this.#giveUpLosers();
      this.#settle(decisive);
    }
    if (decisive.error !== null) {
      throw decisive.error as Error;
    }
    return decisive.result;
  }

  #add(number: number, plan: Retry | null): Branch {
    const branch = new Branch(this.call.branch(number, plan), this.attempt, () => {
      this.#changed.set();
    });
    this.#branches.push(branch);
    return branch;
  }

  #addSecond(): void {
    if (!this.call.budget.spend(RETRY_COST)) {
      return;
    }
    const plan: Retry = { after: this.after, source: "hedge", cost: RETRY_COST };
    this.call.emit("retry", { cause: "slow", status: null, wait: plan.after, source: plan.source });
    this.#add(this.call.number + 1, plan).call.tellAttempt();
  }

  async #wait(seconds: number | null): Promise<void> {
    await this.call.io.clock.wait(this.#changed, seconds, this.call.signal);
  }

  /** The branch that decides: the first success, a failure that is final, or the last to fail. */
  async #winner(): Promise<Branch> {
    const running = [...this.#branches];
    for (;;) {
      this.#changed = new Signal();
      for (const branch of running.filter((one) => one.over)) {
        running.splice(running.indexOf(branch), 1);
        if (branch.error === null || running.length === 0 || this.#isFinal(branch)) {
          return branch.error === null ? branch : this.#decisive(branch);
        }
      }
      await this.#wait(null);
    }
  }

  /** The branch whose error is the call's: the one that failed last, unless only the other was sent. */
  #decisive(failed: Branch): Branch {
    const sent = this.#branches.find((one) => one.wasSent);
    return failed.error instanceof LocalRejection && sent !== undefined ? sent : failed;
  }

  /** Whether the other attempt could only fail in the same way. */
  #isFinal(failed: Branch): boolean {
    const { error } = failed;
    if (!(error instanceof ForgeError)) {
      return true;
    }
    const headers = this.#decisive(failed).call.responseHeaders;
    return (
      !retryPolicy(this.call).isRetryable(failureOf(error, headers)) && !(error instanceof LocalRejection)
    );
  }

  async #giveUpLosers(): Promise<void> {
    for (const branch of this.#branches) {
      branch.call.stop(new Lost());
    }
    await Promise.all(this.#branches.map((branch) => branch.done.catch(ignore)));
  }

  #settle(decisive: Branch): void {
    for (const branch of this.#branches) {
      if (branch !== decisive) {
        this.#noteLoser(branch);
      }
    }
    this.call.adopt(decisive.call);
  }

  #noteLoser(branch: Branch): void {
    this.call.adopt(branch.call);
    if (!(branch.error instanceof LocalRejection)) {
      note(branch.call, branch.error);
      this.call.timeouts = branch.call.timeouts;
      this.call.lastError = branch.call.lastError;
    } else if (branch.call.plan !== null) {
      this.call.budget.refund(branch.call.plan.cost);
    }
  }
}
