/** What a client and its `withOptions` copies have in common: limits, breakers, budget, pool. */

import type { AuthPolicy } from "./auth/policy.js";
import { originOf } from "./base-url.js";
import { Circuit } from "./circuit.js";
import { Signal } from "./clock.js";
import type { Call } from "./context.js";
import { RetryBudget } from "./core/budget.js";
import { contextOfNobody } from "./core/call-context.js";
import { ClientClosedError } from "./core/errors.js";
import type { Pair } from "./core/headers.js";
import type { Profile } from "./core/profile.js";
import { namesASecret, Redactor, secretsInHeader } from "./core/redact.js";
import type { Secret } from "./core/secrets.js";
import type { EventName, Hooks } from "./events.js";
import type { Io } from "./io.js";
import type { Steps } from "./middleware.js";
import type { Settings } from "./options.js";
import type { RateLimiter } from "./rate-limiter.js";
import { keepRecent } from "./rate-limiter.js";

const CIRCUITS_KEPT = 1000;

/** What a client is made of. */
export interface SharedParts {
  readonly profile: Profile;
  readonly baseUrl: string;
  readonly auth: AuthPolicy;
  readonly settings: Settings;
  readonly io: Io;
  readonly hooks: Hooks;
  readonly limiter: RateLimiter;
  readonly steps: Steps;
}

/** State of one client. */
export class Shared {
  readonly profile: Profile;
  readonly baseUrl: string;
  readonly auth: AuthPolicy;
  readonly io: Io;
  readonly hooks: Hooks;
  readonly limiter: RateLimiter;
  readonly steps: Steps;
  closed = false;
  inferredWarned = false;
  missingFields = 0;
  readonly #secretHeaders: ReadonlySet<string>;
  readonly #trustedOrigins: ReadonlySet<string>;
  readonly #settings: Settings;
  readonly #running = new Set<Call>();
  readonly #budgets = new Map<string, RetryBudget>();
  readonly #circuits = new Map<string, Circuit>();
  #idle: Signal | null = null;

  constructor(parts: SharedParts) {
    this.profile = parts.profile;
    this.baseUrl = parts.baseUrl;
    this.auth = parts.auth;
    this.io = parts.io;
    this.hooks = parts.hooks;
    this.limiter = parts.limiter;
    this.steps = parts.steps;
    this.#settings = parts.settings;
    this.#trustedOrigins = new Set([parts.baseUrl, ...parts.settings.trustedOrigins].map(originOf));
    const names = [
      ...parts.profile.secretHeaders,
      ...parts.settings.secretHeaders,
      ...parts.auth.headerNames,
    ];
    this.#secretHeaders = new Set(names.map((name) => name.toLowerCase()));
  }

  /** Whether credentials may go to this URL. */
  trusts(url: string): boolean {
    return this.#trustedOrigins.has(originOf(url));
  }

  /** Whether a request header's value is a credential, by its name or because it is listed. */
  isSecretHeader(name: string): boolean {
    return this.#secretHeaders.has(name) || namesASecret(name);
  }

  /** What removes these secrets, and those that a request's headers carry, from texts. */
  redactor(known: readonly Secret[], headers: readonly Pair[]): Redactor {
    const carried = headers
      .filter(([name]) => this.isSecretHeader(name))
      .flatMap(([, value]) => secretsInHeader(value));
    const secrets = [...known, ...this.auth.secrets(), ...carried];
    return new Redactor(secrets, [...this.#secretHeaders], this.auth.parameterNames);
  }

  /** The retry budget of this client at its own origin, or at another one. */
  budgetOf(elsewhere: string | null): RetryBudget {
    const key = elsewhere ?? "";
    const budget = this.#budgets.get(key) ?? new RetryBudget();
    this.#budgets.set(key, budget);
    return budget;
  }

  /**
   * The circuit of an operation group, or of one model of it, at an origin.
   *
   * The least recently used go beyond a thousand.
   */
  circuit(group: string, model: string | null = null, elsewhere: string | null = null): Circuit {
    const own = this.#settings.breaker.perModel && model !== null ? `${group}/${model}` : group;
    const name = elsewhere === null ? own : `${own} at ${elsewhere}`;
    const circuit =
      this.#circuits.get(name) ??
      new Circuit(name, this.#settings.breaker, this.#emit, () => this.io.now(), this.profile.name);
    keepRecent(this.#circuits, name, circuit, CIRCUITS_KEPT);
    return circuit;
  }

  /** All circuits by name: those that a call has used, or somebody asked for. */
  circuits(): ReadonlyMap<string, Circuit> {
    return new Map(this.#circuits);
  }

  /** Tell the hooks of something that no call has caused. */
  readonly #emit = (name: EventName, facts: Readonly<Record<string, unknown>> = {}): void => {
    this.hooks.tell({ name, context: contextOfNobody(this.profile.name), facts });
  };

  /** Count a call that runs; ClientClosedError once the client is closed. */
  begin(call: Call): void {
    if (this.closed) {
      throw new ClientClosedError("This client is closed; create a new one", { provider: this.profile.name });
    }
    this.#running.add(call);
  }

  /** Count a call as over. */
  end(call: Call): void {
    this.#running.delete(call);
    if (this.#running.size === 0) {
      this.#idle?.set();
    }
  }

  /** Let running calls finish for so many seconds, then end them. */
  async drain(seconds: number): Promise<void> {
    if (this.#running.size > 0) {
      this.#idle = new Signal();
      await this.io.clock.wait(this.#idle, seconds, new AbortController().signal);
    }
    for (const call of [...this.#running]) {
      call.stop(new ClientClosedError("The client was closed while this call ran"));
    }
  }
}
