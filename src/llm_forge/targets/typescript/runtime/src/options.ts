/**
 * What a user may set, per client and per call, and where each value came from.
 *
 * Rules of this file:
 * - Order: call option, client argument, environment variable, descriptor default.
 * - An option that is `undefined` counts as not given; null is a value only where it means "no limit".
 * - An unknown name is a ConfigError that proposes the nearest valid one.
 * - Durations are seconds, at least 1 ms, finite.
 */

import type { ApiKey } from "./auth/api-key.js";
import type { Basic } from "./auth/basic.js";
import type { Bearer } from "./auth/bearer.js";
import type { KeySource } from "./auth/credential.js";
import type { AuthProvider } from "./auth/custom.js";
import type { OAuth2 } from "./auth/oauth2.js";
import { checkedUrl } from "./base-url.js";
import type { Clock } from "./clock.js";
import type { ConfigSource } from "./config-source.js";
import type { BreakerSettings } from "./core/breaker.js";
import { breakerSettings } from "./core/breaker.js";
import type { Plain } from "./core/call-context.js";
import { checkSeconds } from "./core/durations.js";
import { ConfigError } from "./core/errors.js";
import type { Limit, LimitFacts } from "./core/limiter/model.js";
import { defineLimit } from "./core/limiter/model.js";
import type { LimiterMode, Oversize } from "./core/limiter/limiter.js";
import { nearest } from "./core/nearest.js";
import { MOST_ATTEMPTS } from "./core/retry.js";
import type { Hook } from "./events.js";
import type { Middleware } from "./middleware.js";
import { RateLimiter } from "./rate-limiter.js";
import type { PoolLimits, Transport } from "./transport.js";
import { POOL, poolLimits } from "./transport.js";

/** What calls have by default: settable per client, per copy and per call. */
export interface CallDefaults {
  /** Seconds for the whole call; null for no limit. Unary calls have 600, streams none. */
  timeout?: number | null | undefined;
  /** Attempts in all, from 1 (no retries) to 20; 3 by default. */
  maxAttempts?: number | undefined;
  /** Seconds for one exchange. */
  attemptTimeout?: number | undefined;
  /** Seconds to a stream's first event. */
  firstEventTimeout?: number | undefined;
  /** Seconds that a stream may be without bytes. */
  idleTimeout?: number | undefined;
  /** Seconds that a stream may be without events. */
  stallTimeout?: number | undefined;
  /** The longest wait in seconds that a server may ask for. */
  maxServerWait?: number | undefined;
  /** The longest wait in seconds for a local limit. */
  maxLimitWait?: number | undefined;
  /** The longest wait in seconds before a retry that no server asked for. */
  maxBackoff?: number | undefined;
  /** By how much waits grow from retry to retry. */
  backoffFactor?: number | undefined;
  /** Whether waits that servers ask for are heeded. */
  respectRetryAfter?: boolean | undefined;
  /** Send a second attempt of a safe unary call that takes longer than so many seconds; null for never. */
  hedgeAfter?: number | null | undefined;
  /** Refuse an answer that lacks a required field. */
  strict?: boolean | undefined;
  /** Refuse a stream that lacks its terminal event. */
  strictCompletion?: boolean | undefined;
  /** Plain values of your own that middleware, hooks and errors see and no server does. */
  callMetadata?: Readonly<Record<string, Plain>> | undefined;
}

/** Options of one call. Durations are seconds. */
export interface RequestOptions extends CallDefaults {
  /** Cancels the call, which then rejects with the signal's reason. See also `deadline()`. */
  signal?: AbortSignal | undefined;
  /** A W3C trace context that the request carries on. */
  traceParent?: string | undefined;
  /** The idempotency key to send where the provider honours one. */
  idempotencyKey?: string | undefined;
  /** Added to the request as they are. */
  extraHeaders?: Readonly<Record<string, string>> | undefined;
  extraQuery?: Readonly<Record<string, unknown>> | undefined;
  extraBody?: Readonly<Record<string, unknown>> | undefined;
}

/** What `withOptions` may change: defaults of later calls, nothing that is shared. */
export interface CopyOptions extends CallDefaults {
  connectTimeout?: number | undefined;
  poolTimeout?: number | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
}

/** Options of a client. Durations are seconds. */
export interface ClientOptions extends CopyOptions {
  /** The key: text, a Secret, or a function that is asked at each attempt. */
  apiKey?: KeySource | undefined;
  /** Where requests go. */
  baseURL?: string | undefined;
  /** What speaks HTTP; the platform's `fetch` by default. */
  transport?: Transport | undefined;
  /** A `fetch` to use instead of the platform's. */
  fetch?: typeof fetch | undefined;
  allowInsecureHttp?: boolean | undefined;
  /** "none" sends no credential; an object sends another than the provider's own key. */
  auth?: "none" | ApiKey | Basic | Bearer | OAuth2 | AuthProvider | undefined;
  /** Origins beside the base URL's that credentials may go to. */
  trustedOrigins?: readonly string[] | undefined;
  /** Headers whose values are credentials too. */
  secretHeaders?: readonly string[] | undefined;
  pool?: Partial<PoolLimits> | undefined;
  /** Local limits; none by default. */
  limits?: readonly LimitFacts[] | undefined;
  limiterMode?: LimiterMode | undefined;
  concurrency?: number | undefined;
  oversize?: Oversize | undefined;
  adaptiveConcurrency?: boolean | undefined;
  adaptiveThrottle?: number | undefined;
  /** Limits shared with other clients of the same credential. */
  rateLimiter?: RateLimiter | undefined;
  breaker?: Partial<BreakerSettings> | undefined;
  onEvent?: Hook | readonly Hook[] | undefined;
  /** Stands around calls and attempts, outside in. */
  middleware?: readonly Middleware[] | undefined;
  /** What gives the options that neither arguments nor the environment give, such as a `ConfigFile`. */
  config?: ConfigSource | undefined;
  clock?: Clock | undefined;
  /** Uniform numbers in [0, 1). */
  random?: (() => number) | undefined;
  /** The environment to read; that of the process by default, none in browsers. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What one call adds to its request as it is. */
export interface Extras {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly idempotencyKey: string | null;
  readonly traceParent: string | null;
}

export const NO_EXTRAS: Extras = {
  headers: {},
  query: {},
  body: {},
  idempotencyKey: null,
  traceParent: null,
};

/**
 * Resolved options of a client; frozen. Defaults are those of.
 *
 * `timeout` undefined is 600 s for unary calls and none for streams.
 */
export interface Settings {
  readonly timeout: number | null | undefined;
  readonly maxAttempts: number;
  readonly attemptTimeout: number;
  readonly firstEventTimeout: number;
  readonly idleTimeout: number;
  readonly stallTimeout: number;
  readonly maxServerWait: number;
  readonly maxLimitWait: number;
  readonly maxBackoff: number;
  readonly backoffFactor: number;
  readonly respectRetryAfter: boolean;
  readonly hedgeAfter: number | null;
  readonly connectTimeout: number;
  readonly poolTimeout: number;
  readonly strict: boolean;
  readonly strictCompletion: boolean;
  readonly callMetadata: Readonly<Record<string, Plain>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly allowInsecureHttp: boolean;
  readonly auth: ClientOptions["auth"];
  readonly trustedOrigins: readonly string[];
  readonly secretHeaders: readonly string[];
  readonly pool: PoolLimits;
  readonly limits: readonly Limit[];
  readonly limiterMode: LimiterMode;
  readonly concurrency: number | null;
  readonly oversize: Oversize;
  readonly adaptiveConcurrency: boolean;
  readonly adaptiveThrottle: number | null;
  readonly breaker: BreakerSettings;
}

const DEFAULTS: Settings = {
  timeout: undefined,
  maxAttempts: 3,
  attemptTimeout: 600,
  firstEventTimeout: 600,
  idleTimeout: 60,
  stallTimeout: 300,
  maxServerWait: 60,
  maxLimitWait: 60,
  maxBackoff: 20,
  backoffFactor: 2,
  respectRetryAfter: true,
  hedgeAfter: null,
  connectTimeout: 5,
  poolTimeout: 10,
  strict: false,
  strictCompletion: false,
  callMetadata: {},
  headers: {},
  allowInsecureHttp: false,
  auth: undefined,
  trustedOrigins: [],
  secretHeaders: [],
  pool: POOL,
  limits: [],
  limiterMode: "bucket",
  concurrency: null,
  oversize: "refuse",
  adaptiveConcurrency: false,
  adaptiveThrottle: null,
  breaker: breakerSettings(),
};

/** The deadline of a call in seconds, null for none. */
export function callTimeout(settings: Settings, streaming: boolean): number | null {
  if (settings.timeout === undefined) {
    return streaming ? null : 600;
  }
  return settings.timeout;
}

/** A limiter with these limits, for a client that shares none. */
export function newLimiter(settings: Settings): RateLimiter {
  return new RateLimiter(settings.limits, {
    mode: settings.limiterMode,
    concurrency: settings.concurrency,
    oversize: settings.oversize,
    adaptiveConcurrency: settings.adaptiveConcurrency,
    adaptiveThrottle: settings.adaptiveThrottle,
  });
}

/** The options that are seconds and have always a limit. */
export const DURATIONS = [
  "attemptTimeout",
  "firstEventTimeout",
  "idleTimeout",
  "stallTimeout",
  "maxServerWait",
  "maxLimitWait",
  "maxBackoff",
  "connectTimeout",
  "poolTimeout",
] as const;
/** The options that are seconds, or null for no limit or never. */
export const OPTIONAL_DURATIONS = ["timeout", "hedgeAfter"] as const;

const CALL_DEFAULT_NAMES = [
  "timeout",
  "maxAttempts",
  "attemptTimeout",
  "firstEventTimeout",
  "idleTimeout",
  "stallTimeout",
  "maxServerWait",
  "maxLimitWait",
  "maxBackoff",
  "backoffFactor",
  "respectRetryAfter",
  "hedgeAfter",
  "strict",
  "strictCompletion",
  "callMetadata",
];
const EXTRA_NAMES = ["signal", "traceParent", "idempotencyKey", "extraHeaders", "extraQuery", "extraBody"];
const COPY_NAMES = [...CALL_DEFAULT_NAMES, "connectTimeout", "poolTimeout", "headers"];
const LIMITER_NAMES = [
  "limits",
  "limiterMode",
  "concurrency",
  "oversize",
  "adaptiveConcurrency",
  "adaptiveThrottle",
];
const SETTING_NAMES = [
  ...COPY_NAMES,
  ...LIMITER_NAMES,
  "allowInsecureHttp",
  "auth",
  "trustedOrigins",
  "secretHeaders",
  "pool",
  "breaker",
];
/** The options that a configuration file may give: those that are data. */
export const FILE_NAMES: readonly string[] = [
  ...SETTING_NAMES.filter((name) => name !== "auth"),
  "apiKey",
  "baseURL",
];
/** Every option of a client. */
export const OPTION_NAMES: readonly string[] = [
  ...SETTING_NAMES,
  "apiKey",
  "baseURL",
  "transport",
  "fetch",
  "rateLimiter",
  "onEvent",
  "middleware",
  "config",
  "clock",
  "random",
  "env",
].sort();

type Given = Readonly<Record<string, unknown>>;

/** The options that were really given. */
export function present(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Settings of a new client; ConfigError names what is wrong. */
export function clientSettings(options: Given): Settings {
  rejectUnknown(options, OPTION_NAMES, "client option");
  checkShapes(options);
  const own = LIMITER_NAMES.find((name) => name in options);
  if (own !== undefined && "rateLimiter" in options) {
    throw new ConfigError(`"${own}" belongs to the RateLimiter here; give it there instead`);
  }
  return settled(DEFAULTS, only(options, SETTING_NAMES));
}

/** Settings of a copy; what copies share cannot be changed for one of them. */
export function copySettings(start: Settings, options: Given): Settings {
  for (const name of Object.keys(options)) {
    if (OPTION_NAMES.includes(name) && !COPY_NAMES.includes(name)) {
      throw new ConfigError(`"${name}" is shared by a client and its copies; make a new client to change it`);
    }
  }
  rejectUnknown(options, COPY_NAMES, "option");
  checkShapes(options);
  return settled(start, options);
}

/** The settings of one call, and what it adds to the request; `parameters` helps the suggestion. */
export function callSettings(
  start: Settings,
  options: Given,
  parameters: readonly string[] = [],
): readonly [Settings, Extras] {
  const names = Object.keys(options);
  if (names.length === 0) {
    return [start, NO_EXTRAS];
  }
  const known = [...CALL_DEFAULT_NAMES, ...EXTRA_NAMES];
  const misplaced = names.find((name) => OPTION_NAMES.includes(name) && !known.includes(name));
  if (misplaced !== undefined) {
    throw new ConfigError(`"${misplaced}" is an option of the client, not of a call`);
  }
  rejectUnknown(options, known, "option", parameters);
  checkShapes(options);
  return [settled(start, only(options, CALL_DEFAULT_NAMES)), extrasOf(options)];
}

function extrasOf(given: Given): Extras {
  const options = given as RequestOptions;
  return {
    headers: { ...options.extraHeaders },
    query: { ...options.extraQuery },
    body: { ...options.extraBody },
    idempotencyKey: options.idempotencyKey ?? null,
    traceParent: options.traceParent ?? null,
  };
}

function only(options: Given, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

/** The settings with these options, as copies that their giver cannot change later. */
function settled(start: Settings, options: Given): Settings {
  if (Object.keys(options).length === 0) {
    return start;
  }
  checkNumbers(options);
  const made: Record<string, unknown> = { ...start, ...options };
  for (const name of ["callMetadata", "headers"]) {
    made[name] = Object.freeze({ ...(made[name] as object) });
  }
  made["limits"] = (made["limits"] as readonly LimitFacts[]).map(defineLimit);
  made["pool"] = poolLimits(made["pool"] as Partial<PoolLimits>);
  made["breaker"] = breakerSettings(made["breaker"] as Partial<BreakerSettings>);
  const settings = Object.freeze(made) as unknown as Settings;
  for (const url of "trustedOrigins" in options ? settings.trustedOrigins : []) {
    checkedUrl(url, "an entry of trustedOrigins", settings.allowInsecureHttp);
  }
  return settings;
}

function checkNumbers(options: Given): void {
  for (const name of DURATIONS) {
    if (name in options) {
      checkSeconds(name, options[name]);
    }
  }
  for (const name of OPTIONAL_DURATIONS) {
    if (name in options) {
      checkSeconds(name, options[name], true);
    }
  }
  const attempts = options["maxAttempts"] ?? 1;
  if (!isWhole(attempts, 1) || attempts > MOST_ATTEMPTS) {
    throw new ConfigError(
      `maxAttempts must be a whole number from 1 to ${MOST_ATTEMPTS}, not ${String(options["maxAttempts"])}`,
    );
  }
}

function isWhole(value: unknown, least: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least;
}

type Shape = readonly [fits: (value: unknown) => boolean, expected: string];

const isBoolean: Shape = [(value) => typeof value === "boolean", "true or false"];
const isObject: Shape = [
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "an object",
];
const isFunction: Shape = [(value) => typeof value === "function", "a function"];
const areTexts: Shape = [
  (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  "a list of texts",
];

function oneOf(...words: readonly string[]): Shape {
  return [
    (value) => typeof value === "string" && words.includes(value),
    words.map((word) => `"${word}"`).join(" or "),
  ];
}

const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

const SHAPES: Readonly<Record<string, Shape>> = {
  backoffFactor: [
    (value) => typeof value === "number" && value >= 1 && value < Infinity,
    "a finite number from 1",
  ],
  respectRetryAfter: isBoolean,
  strict: isBoolean,
  strictCompletion: isBoolean,
  allowInsecureHttp: isBoolean,
  adaptiveConcurrency: isBoolean,
  headers: isObject,
  extraHeaders: isObject,
  extraQuery: isObject,
  extraBody: isObject,
  pool: isObject,
  breaker: isObject,
  callMetadata: [arePlain, "an object of texts, numbers, true, false or null"],
  trustedOrigins: areTexts,
  secretHeaders: areTexts,
  limits: [Array.isArray, "a list of limits"],
  limiterMode: oneOf("bucket", "sliding"),
  oversize: oneOf("refuse", "admit-when-full"),
  concurrency: [(value) => isWhole(value, 1), "a whole number from 1"],
  adaptiveThrottle: [(value) => typeof value === "number", "a number, such as 2"],
  rateLimiter: [(value) => value instanceof RateLimiter, "a RateLimiter"],
  traceParent: [
    (value) => typeof value === "string" && TRACE_PARENT.test(value),
    "a W3C traceparent: version, trace id, span id and flags",
  ],
  idempotencyKey: [(value) => typeof value === "string" && value !== "", "text"],
  signal: [(value) => value instanceof AbortSignal, "an AbortSignal"],
  baseURL: [(value) => typeof value === "string", "a URL"],
  transport: [(value) => isObject[0](value) && "open" in (value as object), "an object with open and close"],
  fetch: isFunction,
  onEvent: [
    (value) => (Array.isArray(value) ? value : [value]).every(isFunction[0]),
    "a function or a list of them",
  ],
  middleware: [Array.isArray, "a list"],
  config: [
    (value) => isObject[0](value) && "options" in (value as object),
    "a ConfigFile, or an object with options",
  ],
  clock: [(value) => isObject[0](value) && "sleep" in (value as object), "a Clock"],
  random: isFunction,
  env: isObject,
};

function arePlain(value: unknown): boolean {
  return (
    isObject[0](value) &&
    Object.values(value as object).every((one) => one === null || typeof one !== "object")
  );
}

function checkShapes(options: Given): void {
  for (const [name, value] of Object.entries(options)) {
    const shape = SHAPES[name];
    if (shape !== undefined && !shape[0](value)) {
      const shown = typeof value === "number" || value === null ? String(value) : typeof value;
      throw new ConfigError(`${name} must be ${shape[1]}, not ${shown}`);
    }
  }
}

// What other libraries call our options.
const ELSEWHERE: Readonly<Record<string, string>> = {
  maxRetries: "maxAttempts (it counts the first attempt too)",
  retries: "maxAttempts (it counts the first attempt too)",
  requestTimeout: "timeout (in seconds)",
  httpClient: "transport",
  apiBase: "baseURL",
  serverURL: "baseURL",
  endpoint: "baseURL",
  token: "apiKey",
  defaultHeaders: "headers",
};

function rejectUnknown(
  options: Given,
  known: readonly string[],
  what: string,
  also: readonly string[] = [],
): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new ConfigError(unknownName(name, [...known, ...also], what));
    }
  }
}

function unknownName(name: string, candidates: readonly string[], what: string): string {
  if (name === "stream") {
    return 'Unknown option "stream": create() returns a whole answer; call stream(...) for a stream.';
  }
  const near = nearest(name, [...candidates, ...Object.keys(ELSEWHERE)]);
  const hint =
    near === null ? `known ones: ${candidates.join(", ")}` : `did you mean ${ELSEWHERE[near] ?? near}?`;
  const tail = what === "option" ? " Body fields that this version does not know go into extraBody." : "";
  return `Unknown ${what} "${name}"; ${hint}${tail}`;
}
