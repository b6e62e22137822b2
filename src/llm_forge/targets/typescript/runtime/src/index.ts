/** What users of generated clients, and the generated code itself, take from the runtime. */

export { ApiKey } from "./auth/api-key.js";
export type { Placement } from "./auth/api-key.js";
export { Basic } from "./auth/basic.js";
export { Bearer } from "./auth/bearer.js";
export type { KeySource } from "./auth/credential.js";
export { AuthRequest } from "./auth/custom.js";
export type { AuthProvider } from "./auth/custom.js";
export { OAuth2 } from "./auth/oauth2.js";
export type { OAuth2Facts } from "./auth/oauth2.js";
export { Circuit } from "./circuit.js";
export { ApiPromise, Client, Resource } from "./client.js";
export type { ResponseFacts, WithResponse } from "./client.js";
export { Signal, SystemClock } from "./clock.js";
export type { Clock } from "./clock.js";
export type { ConfigSource, Found } from "./config-source.js";
export type { BreakerSettings, CircuitState } from "./core/breaker.js";
export type { CallContext, Plain } from "./core/call-context.js";
export * from "./core/errors.js";
export type { Gaps } from "./core/gaps.js";
export { Headers } from "./core/headers.js";
export type { JsonObject } from "./core/json.js";
export type { FamilyState, LimitFacts } from "./core/limiter/model.js";
export { defineOperation, defineProfile } from "./core/profile.js";
export type {
  AuthScheme,
  BodyRule,
  ErrorRules,
  LimitHeaders,
  Operation,
  OperationFacts,
  PageFacts,
  PageRule,
  ParameterStyle,
  Probe,
  Profile,
  ProfileFacts,
  Shape,
  StreamRule,
} from "./core/profile.js";
export { Secret } from "./core/secrets.js";
export type { Completion, Decoded } from "./core/stream.js";
export { VERSION } from "./core/version.js";
export type { WebhookScheme } from "./core/webhooks.js";
export { deadline } from "./deadline-signal.js";
export { Download, Lines } from "./download.js";
export type { ContentKind, EventName, ForgeEvent, Hook, Reader } from "./events.js";
export { FetchTransport } from "./fetch-transport.js";
export type { Health } from "./health.js";
export { setLogger } from "./log.js";
export type { Logger, LogLevel } from "./log.js";
export { logging } from "./logs.js";
export { Request, Response } from "./middleware.js";
export type { Middleware, Proceed, Step, Wrap } from "./middleware.js";
export type { CallDefaults, ClientOptions, CopyOptions, RequestOptions } from "./options.js";
export { Page, Paging } from "./pages.js";
export { RateLimiter } from "./rate-limiter.js";
export type { RateLimiterOptions } from "./rate-limiter.js";
export type { RequestParts } from "./request.js";
export { Stream } from "./stream.js";
export type { Callbacks, Progress, Reading } from "./stream.js";
export { ReadTimeout, StaleConnection } from "./transport.js";
export type { Body, BodySource, Exchange, HttpRequest, PoolLimits, Timers, Transport } from "./transport.js";
export { Upload } from "./uploads.js";
export type { Content, FileInput } from "./uploads.js";
export { verifyWebhook } from "./webhooks.js";
export type { WebhookOptions } from "./webhooks.js";
