/** One call in progress: what it is, what it knows, and what it tells. */

import { originOf } from "./base-url.js";
import type { Circuit } from "./circuit.js";
import { asError } from "./clock.js";
import { answerFacts } from "./core/answer-facts.js";
import type { RetryBudget } from "./core/budget.js";
import type { CallContext } from "./core/call-context.js";
import type { Deadline } from "./core/deadline.js";
import { requestIdOf } from "./core/error-body.js";
import type { Attempt } from "./core/errors.js";
import { ClientClosedError, DeadlineExceededError, ForgeError } from "./core/errors.js";
import type { Headers } from "./core/headers.js";
import { encode, isObject } from "./core/json.js";
import type { Operation } from "./core/profile.js";
import type { Redactor } from "./core/redact.js";
import type { Retry } from "./core/retry.js";
import type { Secret } from "./core/secrets.js";
import { textOf } from "./core/text.js";
import type { Token } from "./core/tokens.js";
import { isDeadline } from "./deadline-signal.js";
import type { EventName } from "./events.js";
import type { Gate } from "./gate.js";
import type { Io } from "./io.js";
import type { Extras, Settings } from "./options.js";
import type { Prepared } from "./request.js";
import { isKeyed, prepareAgain } from "./request.js";
import type { Shared } from "./shared.js";
import type { HttpRequest } from "./transport.js";

/** What a call is made of. */
export interface CallParts {
  readonly shared: Shared;
  readonly operation: Operation;
  readonly prepared: Prepared;
  readonly settings: Settings;
  readonly extras: Extras;
  readonly deadline: Deadline;
  readonly started: number;
  readonly streaming: boolean;
  /** The caller's own signal, or that of the call which a branch belongs to. */
  readonly within: AbortSignal | null;
}

/** One call in progress: its context and the record of its attempts. */
export class Call {
  readonly id: string;
  number = 0;
  began = 0;
  plan: Retry | null = null;
  timeouts = 0;
  renewals = 0;
  lastError: ForgeError | null = null;
  responseHeaders: Headers | null = null;
  responseStatus: number | null = null;
  token: Token | null = null;
  prepared: Prepared;
  readonly attempts: Attempt[];
  readonly secrets: Secret[];
  readonly #controller = new AbortController();
  readonly #unfollow: () => void;
  #context: CallContext | null = null;

  constructor(
    readonly parts: CallParts,
    of?: Call,
  ) {
    this.id = of?.id ?? randomId();
    this.attempts = of?.attempts ?? [];
    this.secrets = of?.secrets ?? [];
    this.prepared = parts.prepared;
    this.#unfollow = this.#follow(parts.within);
  }

  get shared(): Shared {
    return this.parts.shared;
  }

  get io(): Io {
    return this.parts.shared.io;
  }

  get operation(): Operation {
    return this.parts.operation;
  }

  get settings(): Settings {
    return this.parts.settings;
  }

  get deadline(): Deadline {
    return this.parts.deadline;
  }

  get started(): number {
    return this.parts.started;
  }

  get streaming(): boolean {
    return this.parts.streaming;
  }

  /** Fires when the call is cancelled, or its client closed under it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** End the call with this reason. */
  stop(reason: unknown): void {
    this.#controller.abort(reason);
  }

  #follow(signal: AbortSignal | null): () => void {
    if (signal === null || isDeadline(signal)) {
      return () => undefined;
    }
    const stop = (): void => {
      this.stop(signal.reason);
    };
    if (signal.aborted) {
      stop();
    }
    signal.addEventListener("abort", stop, { once: true });
    return () => {
      signal.removeEventListener("abort", stop);
    };
  }

  /** Removes every credential of this call and its client from texts; made when an error needs it. */
  get redactor(): Redactor {
    return this.shared.redactor(this.secrets, this.prepared.request.headers);
  }

  /** The provider's id of the latest response. */
  get requestId(): string | null {
    const found =
      this.responseHeaders === null ? null : requestIdOf(this.responseHeaders, this.shared.profile);
    return found === null ? null : this.redactor.text(found);
  }

  /**
   * The origin of a URL that is not at this client's own origin, null for all others.
   *
   * Its circuit, limits and budget are apart: a storage host that fails says nothing of the API.
   */
  get elsewhere(): string | null {
    const { url } = this.prepared.request;
    if (url.startsWith(`${this.shared.baseUrl}/`)) {
      return null;
    }
    const origin = originOf(url);
    return origin === originOf(this.shared.baseUrl) ? null : origin;
  }

  /** The circuit that this call passes. */
  get circuit(): Circuit {
    return this.shared.circuit(this.operation.group, this.prepared.model, this.elsewhere);
  }

  /** The limiter that this call passes. */
  get gate(): Gate {
    return this.shared.limiter.gate(this.prepared.model, this.elsewhere);
  }

  /** What pays for this call's retries. */
  get budget(): RetryBudget {
    return this.shared.budgetOf(this.elsewhere);
  }

  /** Whether sending the request again cannot do a thing twice. */
  get replayable(): boolean {
    const { replay } = this.operation;
    return replay === "safe" || (replay === "keyed" && this.keyed);
  }

  /** Whether the request carries an idempotency key that the provider honours. */
  get keyed(): boolean {
    return isKeyed(this.prepared.request, this.shared.profile);
  }

  /** Start the attempt that `plan` led to, null for the first. */
  beginAttempt(plan: Retry | null): void {
    const latest = this.attempts.at(-1)?.number ?? 0;
    this.number = Math.max(latest, this.number) + 1;
    this.plan = plan;
    this.began = this.io.now();
    this.responseHeaders = null;
    this.responseStatus = null;
    this.tellAttempt();
  }

  /** Say that the attempt begins. */
  tellAttempt(): void {
    this.emit("attempt-start", { method: this.prepared.request.method });
  }

  /** A copy for one of two attempts that run at once; the list of attempts is the same. */
  branch(number: number, plan: Retry | null): Call {
    const branch = new Call({ ...this.parts, prepared: this.prepared, within: this.signal }, this);
    branch.number = number;
    branch.plan = plan;
    branch.began = this.io.now();
    branch.timeouts = this.timeouts;
    branch.lastError = this.lastError;
    return branch;
  }

  /** Take over what a branch knows of its attempt. */
  adopt(branch: Call): void {
    this.number = branch.number;
    this.plan = branch.plan;
    this.began = branch.began;
    this.token = branch.token;
    this.responseHeaders = branch.responseHeaders;
    this.responseStatus = branch.responseStatus;
  }

  /** This call, and its running attempt, as others see it; made only when somebody looks. */
  get context(): CallContext {
    if (this.#context?.attempt !== this.number) {
      this.#context = Object.freeze({
        callId: this.id,
        provider: this.shared.profile.name,
        operation: this.operation.name,
        model: this.prepared.model,
        stream: this.streaming,
        attempt: this.number,
        started: this.started,
        deadline: this.deadline.at,
        origin: originOf(this.prepared.request.url),
        traceParent: this.parts.extras.traceParent,
        metadata: this.settings.callMetadata,
      });
    }
    return this.#context;
  }

  /** This call, with the request that its middleware has made. */
  asking(request: HttpRequest): this {
    if (request !== this.prepared.request) {
      this.prepared = prepareAgain(this.prepared, request);
      this.#context = null;
    }
    return this;
  }

  /** Count this call as running and say so; ClientClosedError if the client is closed. */
  begin(): void {
    this.signal.throwIfAborted();
    this.shared.begin(this);
    const { name } = this.operation;
    const provider = this.shared.profile.name;
    this.emit("call-start", {
      provider,
      operation: name,
      model: this.prepared.model,
      stream: this.streaming,
    });
  }

  /**
   * Count this call as over: `ok`, `left` (a stream nobody read to its end), or what ended it.
   *
   * `answer` is the JSON that the caller gets, or has got so far.
   */
  finish(outcome: string, answer: unknown = null, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#unfollow();
    if (this.shared.hooks.any) {
      this.#tellContent(answer);
      this.emit("call-end", {
        outcome,
        status: this.responseStatus,
        attempts: this.attempts.length,
        ...facts,
        ...answerFacts(answer),
        elapsed: this.io.now() - this.started,
      });
    }
    this.shared.end(this);
  }

  #tellContent(answer: unknown): void {
    if (this.shared.hooks.readers.length === 0) {
      return;
    }
    const asked = this.prepared.request.body;
    const request = asked instanceof Uint8Array ? textOf(asked) : null;
    for (const [kind, body] of [
      ["request", request],
      ["response", encoded(answer)],
    ] as const) {
      if (body !== null) {
        this.shared.hooks.tellContent(this.context, kind, this.redactor.text(body));
      }
    }
  }

  /** Tell the client's hooks; costs next to nothing where there are none. */
  readonly emit = (name: EventName, facts: Readonly<Record<string, unknown>> = {}): void => {
    if (this.shared.hooks.any) {
      this.shared.hooks.tell({ name, context: this.context, facts });
    }
  };

  /** Record that the latest attempt, a stream that had begun, failed after all. */
  failLast(error: ForgeError): void {
    const last = this.attempts.pop();
    if (last !== undefined) {
      this.attempts.push({ ...last, outcome: error.kind, status: error.status });
    }
  }

  /** Add what this call knows to an error that is about to reach the user. */
  enrich<T extends ForgeError>(error: T): T {
    return error.enrich({
      provider: this.shared.profile.name,
      operation: this.operation.name,
      model: this.prepared.model,
      callId: this.id,
      context: this.context,
      attempts: [...this.attempts],
      elapsed: this.io.now() - this.started,
      requestId: error.requestId ?? this.requestId,
    });
  }
}

function encoded(answer: unknown): string | null {
  try {
    return isObject(answer) || Array.isArray(answer) ? encode(answer) : null;
  } catch {
    return null; // middleware answered with what is no JSON; the call is not to fail for it
  }
}

/** 128 random bits in hexadecimal. */
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** How a call that ended with this error is reported. */
export function outcomeName(error: unknown, signal: AbortSignal): string {
  if (error instanceof ForgeError) {
    return error.kind;
  }
  return signal.aborted ? "cancelled" : "raised";
}

/** The error of a call that a closing client did not let finish. */
export function closedUnder(call: Call): ForgeError {
  return call.enrich(new ClientClosedError("The client was closed while this call ran"));
}

/** The deadline's error if it is the deadline that fired, else the error itself. */
export function orDeadline(call: Call, error: ForgeError, phase: string): ForgeError {
  if (!call.deadline.expired(call.io.now())) {
    return error;
  }
  const late = new DeadlineExceededError(`The call's deadline passed in phase ${phase}`, { phase });
  return late.because(call.lastError ?? error);
}

/** What ended a call that was told to stop, or null if it was not: its reason, ours with the facts of the call. */
export function stopReason(call: Call): Error | null {
  if (!call.signal.aborted) {
    return null;
  }
  const reason: unknown = call.signal.reason;
  return reason instanceof ClientClosedError ? call.enrich(reason) : asError(reason);
}
