/**
 * What a client knows of a provider and of one operation: facts, no behaviour.
 *
 * Generated clients are mostly calls of `defineProfile` and `defineOperation`. All names are wire names,
 * durations are seconds.
 */

export type ResetForm = "duration" | "seconds" | "epoch" | "rfc3339";
export type ResetMeaning = "window" | "refill";
export type LimitUnit = "requests" | "tokens" | "input" | "output" | "other";
export type Replay = "safe" | "keyed" | "once";
export type Family = "chat-completion" | "block-event" | "response" | "conversation" | "events";
export type AnswerKind = "object" | "json" | "lines" | "binary" | "empty";
export type BodyKind = "object" | "json" | "multipart" | "form" | "binary";
export type ParameterStyle =
  "comma" | "space" | "pipe" | "fields" | "pairs" | "json" | "label" | "label*" | "matrix" | "matrix*";
export type PageStyle = "after-id" | "before-id" | "cursor" | "page" | "link";

/** The `typeField` of events that only their name tells apart. */
export const EVENT_NAME = "event-name";

/** The response headers, in lower case, of one rate-limit family; `reset` may be absent. */
export interface LimitHeaders {
  readonly family: string;
  readonly unit: LimitUnit;
  readonly limit: string;
  readonly remaining: string;
  readonly reset?: string;
  /** How the reset is written, "duration" unless said. */
  readonly resetForm?: ResetForm;
  /** What happens at the reset, "window" unless said. */
  readonly resetMeaning?: ResetMeaning;
  readonly cost?: string;
  readonly period?: number;
}

/** How a provider's errors are read. */
export interface ErrorRules {
  readonly statusOfType: Readonly<Record<string, number>>;
  readonly terminalCodes: readonly string[];
  readonly retryableStatuses: readonly number[];
  readonly notProcessed: readonly number[];
}

/**
 * Where a credential goes. `name` is the header, query or cookie name.
 *
 * `tokenUrl`, `scopes` and `clientAuth` are for `oauth2`: where tokens come from, what they are
 * asked for, and whether the client proves itself with HTTP Basic or in the body. An `optional` one is sent
 * only where there is one.
 */
export interface AuthScheme {
  readonly kind: "api-key" | "bearer" | "basic" | "oauth2" | "none";
  readonly placement: "header" | "query" | "cookie";
  readonly name: string;
  readonly tokenUrl: string | null;
  readonly scopes: readonly string[];
  readonly clientAuth: "basic" | "body";
  readonly optional: boolean;
}

/** A cheap GET without arguments that shows whether the API works; `name` is its operation's. */
export interface Probe {
  readonly name: string;
  readonly path: string;
  readonly group?: string;
}

/**
 * One provider as its description gives it.
 *
 * `baseUrlSuffixes` are path ends that users' base URLs may carry although the operations' paths bring them
 * already; they are dropped when a base URL is read.
 */
export interface Profile {
  readonly name: string;
  readonly baseUrl: string;
  readonly envApiKey: readonly string[];
  readonly envBaseUrl: readonly string[];
  readonly auth: AuthScheme;
  readonly headers: Readonly<Record<string, string>>;
  readonly requestIdHeaders: readonly string[];
  readonly errors: ErrorRules;
  readonly rateLimits: readonly LimitHeaders[];
  readonly baseUrlSuffixes: readonly string[];
  readonly secretHeaders: readonly string[];
  readonly idempotencyHeader: string | null;
  readonly attemptHeader: string | null;
  readonly previousAttemptsHeader: string | null;
  readonly health: Probe | null;
}

/** A profile as it is written down: what is left out has the contract's default. */
export type ProfileFacts = Pick<Profile, "name" | "baseUrl"> &
  Partial<Omit<Profile, "name" | "baseUrl" | "auth" | "errors">> & {
    readonly auth?: Partial<AuthScheme>;
    readonly errors?: Partial<ErrorRules>;
  };

const BEARER: AuthScheme = {
  kind: "bearer",
  placement: "header",
  name: "authorization",
  tokenUrl: null,
  scopes: [],
  clientAuth: "basic",
  optional: false,
};

const ERROR_RULES: ErrorRules = {
  statusOfType: {},
  terminalCodes: ["insufficient_quota", "billing_hard_limit_reached", "billing_error"],
  retryableStatuses: [],
  notProcessed: [429],
};

/** The profile that these facts describe. */
export function defineProfile(facts: ProfileFacts): Profile {
  return {
    envApiKey: [],
    envBaseUrl: [],
    headers: {},
    requestIdHeaders: ["request-id", "x-request-id"],
    rateLimits: [],
    baseUrlSuffixes: [],
    secretHeaders: [],
    idempotencyHeader: null,
    attemptHeader: null,
    previousAttemptsHeader: null,
    health: null,
    ...facts,
    auth: { ...BEARER, ...facts.auth },
    errors: { ...ERROR_RULES, ...facts.errors },
  };
}

/**
 * How an operation streams.
 *
 * `parameter` is set to `value` in the body, unless it is null. `ndjson`: a line is an event. Of the
 * family `events`, `terminal` are the values of `typeField` that end a stream; "event-name" is the name of a
 * server-sent event instead of a field of its JSON.
 */
export interface StreamRule {
  readonly family: Family;
  readonly parameter: string | null;
  readonly value: unknown;
  readonly ndjson: boolean;
  readonly terminal: readonly string[];
  readonly typeField: string;
}

/**
 * How an operation's body is written: a JSON object, other JSON, a form, or bytes.
 *
 * Of a form, `files` are the fields that hold files, `deep` those whose objects are written as `name[key]`,
 * and `mediaTypes` the types that single fields are sent with.
 */
export interface BodyRule {
  readonly kind: BodyKind;
  readonly mediaType: string;
  readonly files: readonly string[];
  readonly deep: readonly string[];
  readonly mediaTypes: Readonly<Record<string, string>>;
}

/**
 * How the next page of a list is asked for.
 *
 * `items`, `id`, `more`, `next` and `total` are dotted paths into the answer (`id` into an item). `otherwise` is the
 * rule for answers with nothing at `next`.
 */
export interface PageRule {
  readonly style: PageStyle;
  readonly items: string;
  readonly param: string;
  readonly id: string;
  readonly before: string;
  readonly next: string;
  readonly more: string;
  readonly start: number;
  readonly sizeParam: string;
  readonly total: string;
  readonly inBody: boolean;
  readonly otherwise: PageRule | null;
}

/** A page rule as it is written down: what is left out has the contract's default. */
export type PageFacts = Pick<PageRule, "style" | "items"> &
  Partial<Omit<PageRule, "style" | "items" | "otherwise">> & { readonly otherwise?: PageFacts };

/**
 * Which fields an answer must have: `required` of the object itself, `fields` the shapes of its
 * fields, `items` the shape of the entries of a list or of a map's values. A shape that is not told is not
 * looked into.
 */
export interface Shape {
  readonly required?: readonly string[];
  readonly fields?: Readonly<Record<string, () => Shape>>;
  readonly items?: () => Shape;
}

/**
 * One operation of a provider, for results of type R and stream events of type E.
 *
 * `answer` is what the body of a 2xx answer is: a JSON object, any JSON value (null is one), lines of JSON
 * (R is then the type of one of them), bytes, or nothing, in which case the result is undefined.
 * `accept` is its media type. `styles` say how parameters that are lists or objects are written, by place and name such
 * as `query.tags`, where that is not usual: joined by `comma`, `space` or `pipe`, an object as `fields` of its own or as
 * `pairs` with equal signs, or as `json`; in a path as `label` or `matrix`, with a star where each part has its own
 * prefix.
 */
export interface Operation<R = unknown, E = unknown> {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly stream: StreamRule | null;
  readonly replay: Replay;
  readonly group: string;
  readonly hasBody: boolean;
  readonly answer: AnswerKind;
  readonly accept: string;
  readonly body: BodyRule;
  readonly pages: PageRule | null;
  readonly styles: Readonly<Record<string, ParameterStyle>>;
  readonly shape: (() => Shape) | null;
  /** For the compiler only: the types of a result and of an event. */
  readonly types?: { readonly result: R; readonly event: E };
}

/** An operation as it is written down: what is left out has the contract's default. */
export type OperationFacts = Pick<Operation, "name" | "method" | "path"> &
  Partial<Omit<Operation, "name" | "method" | "path" | "stream" | "body" | "pages" | "types">> & {
    readonly stream?: Partial<StreamRule> & Pick<StreamRule, "family">;
    readonly body?: Partial<BodyRule>;
    readonly pages?: PageFacts;
  };

const STREAM_RULE = {
  parameter: "stream",
  value: true,
  ndjson: false,
  terminal: [],
  typeField: "type",
} as const;
const JSON_BODY: BodyRule = {
  kind: "object",
  mediaType: "application/json",
  files: [],
  deep: [],
  mediaTypes: {},
};
const PAGE_RULE = {
  param: "",
  id: "id",
  before: "",
  next: "",
  more: "",
  start: 1,
  sizeParam: "",
  total: "",
  inBody: false,
} as const;

function pageRule(facts: PageFacts): PageRule {
  return {
    ...PAGE_RULE,
    ...facts,
    otherwise: facts.otherwise === undefined ? null : pageRule(facts.otherwise),
  };
}

/** The operation that these facts describe. */
export function defineOperation<R, E = never>(facts: OperationFacts): Operation<R, E> {
  return {
    replay: "safe",
    group: "default",
    hasBody: false,
    answer: "object",
    accept: "application/json",
    styles: {},
    shape: null,
    ...facts,
    stream: facts.stream === undefined ? null : { ...STREAM_RULE, ...facts.stream },
    body: { ...JSON_BODY, ...facts.body },
    pages: facts.pages === undefined ? null : pageRule(facts.pages),
  };
}

/** Whether a stream's result is the list of its events, because they add up to no other. */
export function collects(rule: StreamRule): boolean {
  return rule.family === "events";
}
