/**
 * The class that generated clients extend.
 *
 * A client is immutable; `withOptions` makes a cheap copy that shares everything else. Close it when it is
 * no longer needed, or hold it with `await using`.
 */

import { Credential } from "./auth/credential.js";
import { resolveAuth } from "./auth/resolve.js";
import { checkedLink, readBaseUrl } from "./base-url.js";
import type { Circuit } from "./circuit.js";
import { SystemClock } from "./clock.js";
import type { ConfigSource, Found } from "./config-source.js";
import { Call } from "./context.js";
import type { CircuitState } from "./core/breaker.js";
import { Deadline } from "./core/deadline.js";
import type { Attempt } from "./core/errors.js";
import { ClientClosedError, ConfigError, ForgeError } from "./core/errors.js";
import { Headers } from "./core/headers.js";
import { isObject } from "./core/json.js";
import type { FamilyState } from "./core/limiter/model.js";
import type { Operation, Profile } from "./core/profile.js";
import { deadlineIn } from "./deadline-signal.js";
import { Download, Lines, LINK } from "./download.js";
import { baseUrlFrom, blankOf, keyFrom, optionsFrom, processEnvironment } from "./environment.js";
import type { Hook } from "./events.js";
import { Hooks } from "./events.js";
import { FetchTransport } from "./fetch-transport.js";
import type { Health } from "./health.js";
import { probeOf } from "./health.js";
import { Io } from "./io.js";
import { stepsOf } from "./middleware.js";
import type { ClientOptions, CopyOptions, RequestOptions, Settings } from "./options.js";
import {
  callSettings,
  callTimeout,
  clientSettings,
  copySettings,
  newLimiter,
  OPTION_NAMES,
  present,
} from "./options.js";
import { firstPage, Paging } from "./pages.js";
import type { RateLimiter } from "./rate-limiter.js";
import type { RequestParts } from "./request.js";
import { prepare } from "./request.js";
import { Shared } from "./shared.js";
import { Stream } from "./stream.js";
import { runUnary } from "./unary.js";

const CLOSE_SECONDS = 5;
const HEALTH_SECONDS = 10;

/** How an answer came. */
export interface ResponseFacts {
  readonly status: number;
  readonly headers: Headers;
  readonly requestId: string | null;
  readonly attempts: readonly Attempt[];
}

/** A result with how it came. */
export interface WithResponse<R> {
  readonly data: R;
  readonly response: ResponseFacts;
}

/** The answer to a unary call: a promise of the result, which also tells how it came. */
export class ApiPromise<R> extends Promise<R> {
  #answer: Promise<WithResponse<R>> | null = null;

  /** What `then` makes is a promise like any other. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** The promise of an answer's result. */
  static of<T>(answer: Promise<WithResponse<T>>): ApiPromise<T> {
    const made = new ApiPromise<T>((resolve, reject) => {
      answer.then((found) => {
        resolve(found.data);
      }, reject);
    });
    made.#answer = answer;
    return made;
  }

  /** The result with the status, the headers and the attempts of its answer. */
  withResponse(): Promise<WithResponse<R>> {
    return this.#answer ?? this.then((data) => ({ data, response: NO_RESPONSE }));
  }
}

const NO_RESPONSE: ResponseFacts = { status: 0, headers: new Headers(), requestId: null, attempts: [] };

/** A client: made from options, able to make calls and to tell how it stands. */
export class Client implements AsyncDisposable {
  readonly #shared: Shared;
  readonly #settings: Settings;
  readonly #sources: ReadonlyMap<string, string>;
  readonly #name: string;
  readonly #profile: Profile;
  readonly #isCopy: boolean;
  readonly #options: ClientOptions;
  #closed = false;

  /** ConfigError names the option, or the variable, of a value that cannot be. */
  constructor(profile: Profile, options: ClientOptions = {}, name = "Client") {
    this.#profile = profile;
    this.#name = name;
    this.#options = options;
    const origin = COPIED.get(options);
    this.#isCopy = origin !== undefined;
    if (origin !== undefined) {
      this.#shared = origin.shared;
      this.#settings = origin.settings;
      this.#sources = origin.sources;
      return;
    }
    const found = findOptions(profile, present(options));
    this.#settings = clientSettings(Object.fromEntries(Array.from(found, ([key, one]) => [key, one.value])));
    this.#sources = new Map(Array.from(found, ([key, one]) => [key, one.source]));
    this.#shared = this.#made(found);
  }

  #made(found: ReadonlyMap<string, Found>): Shared {
    const options = Object.fromEntries(Array.from(found, ([key, one]) => [key, one.value])) as ClientOptions;
    const env = options.env ?? processEnvironment();
    const key = keyOf(found, env, this.#profile, this.#settings);
    const who = { client: this.#name, blank: blankOf(env, this.#profile.envApiKey) };
    const auth = resolveAuth(this.#profile, this.#settings, key, who);
    const transport = options.transport ?? new FetchTransport(options.fetch, this.#settings.pool);
    const steps = stepsOf(options.middleware ?? []);
    return new Shared({
      profile: this.#profile,
      baseUrl: this.#baseUrl(found),
      auth,
      settings: this.#settings,
      io: new Io(options.clock ?? new SystemClock(), options.random ?? Math.random, transport),
      hooks: new Hooks([...hooksOf(options), ...steps.hooks], steps.readers),
      limiter: options.rateLimiter ?? newLimiter(this.#settings),
      steps,
    });
  }

  #baseUrl(found: ReadonlyMap<string, Found>): string {
    const given = found.get("baseURL");
    if (given === undefined && this.#profile.baseUrl === "") {
      throw new ConfigError(`${this.#name} needs baseURL, the server's address, such as https://host/v1`);
    }
    const source = given?.source ?? "the description";
    return readBaseUrl(
      typeof given?.value === "string" ? given.value : this.#profile.baseUrl,
      source === ARGUMENT ? "baseURL" : `baseURL (${source})`,
      this.#settings.allowInsecureHttp,
      this.#profile.baseUrlSuffixes,
    );
  }

  /** Where requests go. */
  get baseURL(): string {
    return this.#shared.baseUrl;
  }

  /** The limits of its calls, to share with another client of the same credential. */
  get rateLimiter(): RateLimiter {
    return this.#shared.limiter;
  }

  /** How many required fields answers lacked at their top level; `strict` refuses those. */
  get missingFields(): number {
    return this.#shared.missingFields;
  }

  /** How often a hook threw; its call never noticed. */
  get hookFailures(): number {
    return this.#shared.hooks.failures;
  }

  /**
   * Where the value of every option came from, without revealing any.
   *
   * With the options of a call: where that call would have them from.
   */
  sources(options: RequestOptions = {}): Record<string, string> {
    const given = present(options);
    callSettings(this.#settings, given);
    const found = OPTION_NAMES.map((name) => [name, this.#sources.get(name) ?? "default"]);
    return {
      ...(Object.fromEntries(found) as Record<string, string>),
      baseURL: this.#sources.get("baseURL") ?? "description",
      apiKey: this.#shared.auth.source,
      ...Object.fromEntries(Object.keys(given).map((name) => [name, "call option"])),
    };
  }

  /** What is known of the limits, by model or, where limits were declared for one, by family. */
  rateLimitStatus(): Record<string, FamilyState[]> {
    return this.#shared.limiter.status(this.#shared.io.now());
  }

  /**
   * The circuit of an operation group, to look at and to switch by hand.
   *
   * `model` matters where `breaker.perModel` is set. Copies of a client share its circuits.
   */
  circuit(group: string, model: string | null = null): Circuit {
    return this.#shared.circuit(group, model);
  }

  /** The states of the circuits that calls have used so far, by name. */
  circuitStates(): Record<string, CircuitState> {
    return Object.fromEntries(
      Array.from(this.#shared.circuits(), ([name, circuit]) => [name, circuit.state]),
    );
  }

  /** Make one unary call; any error of the contract may be its rejection. */
  call<R>(operation: Operation<R>, parts: RequestParts = {}, options: RequestOptions = {}): ApiPromise<R> {
    return ApiPromise.of(this.#answered<R>(this.#prepared(operation, parts, options, WHOLE)));
  }

  async #answered<R>(start: () => Call): Promise<WithResponse<R>> {
    const call = start();
    const data = (await runUnary(call)) as R;
    const { responseStatus, responseHeaders, requestId, attempts } = call;
    const headers = responseHeaders ?? new Headers();
    return { data, response: { status: responseStatus ?? 0, headers, requestId, attempts: [...attempts] } };
  }

  /** A stream that opens when it is first used. */
  stream<R, E>(
    operation: Operation<R, E>,
    parts: RequestParts = {},
    options: RequestOptions = {},
  ): Stream<E, R> {
    return new Stream<E, R>(this.#prepared(operation, parts, options, EVENTS));
  }

  /** A stream that adds up to the list of its events, of an operation that also answers whole. */
  streamEvents<E>(
    operation: Operation<unknown, E>,
    parts: RequestParts = {},
    options: RequestOptions = {},
  ): Stream<E, E[]> {
    return new Stream<E, E[]>(this.#prepared(operation, parts, options, EVENTS));
  }

  /** A list: its first page when awaited, its items when iterated over. */
  paged<T, P>(operation: Operation<P>, parts: RequestParts = {}, options: RequestOptions = {}): Paging<T, P> {
    const turn = {
      operation,
      baseUrl: this.baseURL,
      options,
      parts,
      fetch: (next: { readonly parts: RequestParts; readonly options: RequestOptions }) =>
        this.call(operation, next.parts, next.options),
      seen: new Set<string>(),
    };
    return new Paging<T, P>(() => firstPage<T, P>(turn));
  }

  /** A file that opens when it is first used. */
  download(operation: Operation, parts: RequestParts = {}, options: RequestOptions = {}): Download {
    return new Download(this.#prepared(operation, parts, options, PIECES));
  }

  /**
   * The file at an absolute URL that an answer named, such as one with results.
   *
   * Credentials go along only to the origin of the base URL and to `trustedOrigins`.
   */
  downloadUrl(url: string, options: RequestOptions = {}): Download {
    return this.download(LINK, { url: checkedLink(url, this.#settings.allowInsecureHttp) }, options);
  }

  /** Lines of JSON that open when they are first used. */
  lines<R>(operation: Operation<R>, parts: RequestParts = {}, options: RequestOptions = {}): Lines<R> {
    return new Lines<R>(this.#prepared(operation, parts, options, PIECES));
  }

  /**
   * What one cheap call shows, within `timeout` seconds and without a retry.
   *
   * Never rejects for what the provider or the network does: that is in the result.
   */
  async healthCheck(options: { timeout?: number; signal?: AbortSignal } = {}): Promise<Health> {
    const began = this.#shared.io.now();
    const probe = probeOf(this.#profile);
    let failure: ForgeError | null = null;
    try {
      await this.call(probe, {}, { timeout: HEALTH_SECONDS, ...options, maxAttempts: 1 });
    } catch (error) {
      // The caller's own mistakes say nothing of the provider.
      if (
        !(error instanceof ForgeError) ||
        error instanceof ClientClosedError ||
        error instanceof ConfigError
      ) {
        throw error;
      }
      failure = error;
    }
    return {
      ok: failure === null,
      latency: this.#shared.io.now() - began,
      error: failure?.kind ?? null,
      status: failure?.status ?? null,
      message: failure?.message ?? null,
      circuits: this.circuitStates(),
      limits: this.rateLimitStatus(),
    };
  }

  /** A copy with other options that shares everything else; closing it leaves this one open. */
  withOptions(options: CopyOptions): this {
    const given = present(options);
    const settings = copySettings(this.#settings, given);
    const sources = new Map([
      ...this.#sources,
      ...Object.keys(given).map((name) => [name, "withOptions"] as const),
    ]);
    const marked: ClientOptions = { ...this.#options };
    COPIED.set(marked, { shared: this.#shared, settings, sources });
    const made = this.constructor as new (...given: unknown[]) => this;
    // Generated clients take their options alone; this class takes its profile first.
    return this.constructor === Client ? new made(this.#profile, marked, this.#name) : new made(marked);
  }

  /** Let running calls finish for five seconds, then end them; safe to repeat. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#isCopy || this.#shared.closed) {
      return;
    }
    this.#shared.closed = true;
    await this.#shared.drain(CLOSE_SECONDS);
    this.#shared.auth.close();
    await this.#shared.io.transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What Node's and Deno's consoles show. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  toString(): string {
    return `${this.#name}(baseURL=${this.#shared.baseUrl}, apiKey=[redacted])`;
  }

  toJSON(): Record<string, string> {
    return { client: this.#name, baseURL: this.#shared.baseUrl };
  }

  /** What makes the call when its time begins; the request is frozen now, and what is wrong with it told then. */
  #prepared(
    operation: Operation,
    parts: RequestParts,
    options: RequestOptions,
    arrival: Arrival,
  ): () => Call {
    try {
      return this.#frozen(operation, parts, present(options), arrival);
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  #frozen(
    operation: Operation,
    parts: RequestParts,
    options: Record<string, unknown>,
    { streaming, events }: Arrival,
  ): () => Call {
    const shared = this.#shared;
    if (this.#closed || shared.closed) {
      throw new ClientClosedError("This client is closed; create a new one", {
        provider: this.#profile.name,
      });
    }
    const fields = isObject(parts.body) ? Object.keys(parts.body) : [];
    const [settings, extras] = callSettings(this.#settings, options, fields);
    const { profile, baseUrl } = shared;
    const prepared = prepare({ operation, profile, baseUrl, settings, extras, streaming: events }, parts);
    const within = options["signal"] instanceof AbortSignal ? options["signal"] : null;
    return () => {
      const started = shared.io.now();
      const own = Deadline.after(callTimeout(settings, streaming), started);
      const deadline = own.tighten(deadlineIn(within, started));
      return new Call({
        shared,
        operation,
        prepared,
        settings,
        extras,
        deadline,
        started,
        streaming,
        within,
      });
    };
  }
}

const ARGUMENT = "client argument";

/** How an answer comes: whole or over time (`streaming`), and then as bytes or as the `events` of a stream. */
interface Arrival {
  readonly streaming: boolean;
  readonly events: boolean;
}

const WHOLE: Arrival = { streaming: false, events: false };
const PIECES: Arrival = { streaming: true, events: false };
const EVENTS: Arrival = { streaming: true, events: true };

/** What a copy takes over, by the options that it is made with. */
interface Copied {
  readonly shared: Shared;
  readonly settings: Settings;
  readonly sources: ReadonlyMap<string, string>;
}

const COPIED = new WeakMap<ClientOptions, Copied>();

/** Every option that is given anywhere: arguments, then the environment. */
function findOptions(profile: Profile, given: Record<string, unknown>): ReadonlyMap<string, Found> {
  if ("apiKey" in given && "auth" in given) {
    throw new ConfigError("apiKey and auth exclude each other: give the one that the server wants");
  }
  clientSettings(given);
  const env = (given["env"] ?? processEnvironment()) as Readonly<Record<string, string | undefined>>;
  const found = new Map<string, Found>(optionsFrom(env, Object.keys(given)));
  const baseUrl = baseUrlFrom(env, profile);
  if (baseUrl !== null) {
    found.set("baseURL", baseUrl);
  }
  for (const [name, value] of Object.entries(given)) {
    found.set(name, { value, source: ARGUMENT });
  }
  return new Map([...optionsInFile(profile, given, found, env), ...found]);
}

/** The options of the configuration, the lowest layer: a key there counts where nothing else says who calls. */
function optionsInFile(
  profile: Profile,
  given: Record<string, unknown>,
  found: ReadonlyMap<string, Found>,
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, Found> {
  const config = given["config"] as ConfigSource | undefined;
  const hasKey = "auth" in given || keyFrom(env, profile) !== null;
  return config?.options(profile.name, [...found.keys(), ...(hasKey ? ["apiKey"] : [])]) ?? new Map();
}

function keyOf(
  found: ReadonlyMap<string, Found>,
  env: Readonly<Record<string, string | undefined>>,
  profile: Profile,
  settings: Settings,
): Credential | null {
  const given = found.get("apiKey");
  if (given !== undefined) {
    return Credential.from(given.value, "apiKey", given.source);
  }
  return settings.auth === undefined ? keyFrom(env, profile) : null;
}

function hooksOf(options: ClientOptions): readonly Hook[] {
  const given = options.onEvent ?? [];
  return typeof given === "function" ? [given] : given;
}

/** A group of operations of a client; generated resources extend it. */
export class Resource {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  protected get client(): Client {
    return this.#client;
  }
}
