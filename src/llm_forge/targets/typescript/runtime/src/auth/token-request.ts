/** One request to a token endpoint: its form, its retries, its errors (R-028, R-029, RFC 6749). */

import { unary } from "../attempt.js";
import { run } from "../call.js";
import { Call } from "../context.js";
import { Deadline } from "../core/deadline.js";
import { ApiError, AuthError, ForgeError } from "../core/errors.js";
import { decode, isObject } from "../core/json.js";
import { defineOperation, defineProfile } from "../core/profile.js";
import { Secret } from "../core/secrets.js";
import { bytesOf } from "../core/text.js";
import type { GrantedToken } from "../core/tokens.js";
import { readGrant } from "../core/tokens.js";
import { Hooks } from "../events.js";
import type { Io } from "../io.js";
import { NO_STEPS } from "../middleware.js";
import type { Settings } from "../options.js";
import { callTimeout, NO_EXTRAS } from "../options.js";
import { RateLimiter } from "../rate-limiter.js";
import { ACCEPT_ENCODING, USER_AGENT } from "../request.js";
import { Shared } from "../shared.js";
import type { HttpRequest } from "../transport.js";
import { pairInBase64 } from "./basic.js";
import type { Credential } from "./credential.js";
import { AuthPolicy } from "./policy.js";

const TOKEN = /* @__PURE__ */ defineOperation<GrantedToken>({
  name: "oauth2.token",
  method: "POST",
  path: "",
  group: "oauth2",
  hasBody: true,
});
const WORD = /^[a-z_]{1,64}$/;

/** What a client asks tokens with: an `OAuth2` with every default filled in. */
export interface Grant {
  readonly kind: "client_credentials" | "refresh_token";
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: Credential | null;
  readonly refreshToken: Credential | null;
  readonly scopes: readonly string[];
  readonly clientAuth: "basic" | "body";
  readonly parameters: Readonly<Record<string, string>>;
  readonly onRefreshToken: ((token: string) => void) | null;
}

/** The secrets that one token request carries. */
interface Carried {
  readonly refresh: Secret | null;
  readonly secret: Secret | null;
  readonly basic: Secret | null;
}

/** Asks for tokens with the client's own network, time-outs and retry rules. */
export class TokenEndpoint {
  readonly #shared: Shared;
  readonly #settings: Settings;
  #running: Call | null = null;

  constructor(
    private readonly grant: Grant,
    settings: Settings,
    private readonly io: Io,
  ) {
    this.#settings = { ...settings, headers: {}, trustedOrigins: [] };
    // Breaker and budget of its own, for it is another origin; its events are one `token-refresh`.
    this.#shared = new Shared({
      profile: defineProfile({ name: new URL(grant.tokenUrl).hostname, baseUrl: grant.tokenUrl }),
      baseUrl: grant.tokenUrl,
      auth: new AuthPolicy(),
      settings: this.#settings,
      io,
      hooks: new Hooks(),
      limiter: new RateLimiter(),
      steps: NO_STEPS,
    });
  }

  /**
   * A token, and when it was asked for; `refresh` is the latest refresh token, if there was one.
   *
   * AuthError whatever went wrong.
   */
  async ask(refresh: Secret | null): Promise<readonly [GrantedToken, number]> {
    try {
      const call = await this.#call(refresh);
      this.#running = call;
      const answer = await run(call, attempt);
      return [readGrant(answer), call.began];
    } catch (error) {
      throw error instanceof AuthError ? error : authError(error);
    } finally {
      this.#running = null;
    }
  }

  /** End a request that is under way, and make no other. */
  close(): void {
    this.#shared.closed = true;
    this.#running?.stop(new AuthError("The client was closed while a token was asked for"));
  }

  async #call(latest: Secret | null): Promise<Call> {
    const { grant, io } = this;
    const { signal } = new AbortController();
    const refresh = latest ?? (await grant.refreshToken?.current(signal)) ?? null;
    const secret = (await grant.clientSecret?.current(signal)) ?? null;
    const basic = secret !== null && grant.clientAuth === "basic" ? basicForm(grant, secret) : null;
    const request = tokenRequest(grant, { refresh, secret, basic });
    const now = io.now();
    const call = new Call({
      shared: this.#shared,
      operation: TOKEN,
      prepared: { request, model: null, estimatedInput: 0, requestedOutput: 0 },
      settings: this.#settings,
      extras: NO_EXTRAS,
      deadline: Deadline.after(callTimeout(this.#settings, false), now),
      started: now,
      streaming: false,
      within: null,
    });
    call.secrets.push(...[refresh, secret, basic].filter((one) => one !== null));
    return call;
  }
}

/** The request of a grant; `basic` is the client's secret as its header carries it, if it does. */
function tokenRequest(grant: Grant, { refresh, secret, basic }: Carried): HttpRequest {
  const fields = new URLSearchParams({ grant_type: grant.kind, ...grant.parameters });
  if (refresh !== null) {
    fields.set("refresh_token", refresh.reveal());
  }
  if (grant.scopes.length > 0) {
    fields.set("scope", grant.scopes.join(" "));
  }
  if (basic === null) {
    fields.set("client_id", grant.clientId);
    if (secret !== null) {
      fields.set("client_secret", secret.reveal());
    }
  }
  const proof = basic === null ? [] : [["authorization", `Basic ${basic.reveal()}`] as const];
  return {
    method: "POST",
    url: grant.tokenUrl,
    headers: [
      ["accept", "application/json"],
      ["accept-encoding", ACCEPT_ENCODING],
      ["user-agent", USER_AGENT],
      ["content-type", "application/x-www-form-urlencoded"],
      ...proof,
    ],
    body: bytesOf(fields.toString()),
  };
}

/** Id and secret for HTTP Basic, both form-encoded before they are joined (RFC 6749 section 2.3.1). */
function basicForm(grant: Grant, secret: Secret): Secret {
  return pairInBase64(formEncoded(grant.clientId), new Secret(formEncoded(secret.reveal())));
}

function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/** An attempt that ends the call at once where the server says no: only 429 and 5xx are worth another. */
async function attempt(call: Call): Promise<unknown> {
  try {
    return await unary(call);
  } catch (error) {
    if (error instanceof ApiError && error.status !== 429 && (error.status ?? 0) < 500) {
      throw authError(error);
    }
    throw error;
  }
}

function authError(error: unknown): AuthError {
  if (!(error instanceof ForgeError)) {
    return new AuthError(`No token: ${error instanceof Error ? error.name : typeof error}`, {}, error);
  }
  const [word, sentence] = said(error);
  const told = [word, sentence].filter((part) => part !== null && part !== "").join(": ");
  // The error stays as the cause, and an answer nobody understood may hold a token.
  error.enrich({ body: null });
  const facts = { status: error.status, code: word, retryAfter: error.retryAfter };
  return new AuthError(`No token: ${told === "" ? error.message : told}`, facts, error);
}

/** The error word and its explanation in an answer of RFC 6749 section 5.2. */
function said(error: ForgeError): readonly [string | null, string] {
  const answer = error instanceof ApiError && error.body !== null ? decoded(error.body) : null;
  const word = isObject(answer) ? answer["error"] : null;
  if (!isObject(answer) || typeof word !== "string" || !WORD.test(word)) {
    return [null, ""];
  }
  const sentence = answer["error_description"];
  const isPlain = typeof sentence === "string" && !/\p{C}/u.test(sentence);
  return [word, isPlain ? sentence.slice(0, 400) : ""];
}

function decoded(text: string): unknown {
  try {
    return decode(text);
  } catch {
    return null;
  }
}
