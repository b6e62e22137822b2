/**
 * OAuth 2: tokens from a token endpoint, shared by all calls of a client (R-023 to R-030, RFC 6749).
 *
 * Rules of this file:
 * - core/tokens.ts decides who asks; here one asks, and the others wait.
 * - A token request runs beside the calls that wait for it, so that none of them can take it down, and
 *   through the one retry loop, with the client's own transport and time-outs.
 * - Every error of it is an AuthError, which the calls that waited do not retry.
 */

import { Signal } from "../clock.js";
import type { Call } from "../context.js";
import { orDeadline } from "../context.js";
import { AuthError } from "../core/errors.js";
import type { Secret } from "../core/secrets.js";
import type { Flight, GrantedToken, Token } from "../core/tokens.js";
import { TokenSource } from "../core/tokens.js";
import type { Settings } from "../options.js";
import type { HttpRequest } from "../transport.js";
import { withBearer } from "./bearer.js";
import { AuthPolicy } from "./policy.js";
import type { Grant } from "./token-request.js";
import { TokenEndpoint } from "./token-request.js";

/** Sends `Authorization: Bearer` with a token that it gets, shares and renews. */
export class OAuth2Policy extends AuthPolicy {
  override readonly source: string;
  readonly #tokens = new TokenSource();
  readonly #landed = new WeakMap<Flight, Signal>();
  #endpoint: TokenEndpoint | null = null;
  #unsaved: Secret | null = null;

  constructor(
    private readonly grant: Grant,
    private readonly settings: Settings,
  ) {
    super();
    this.source = `OAuth2 ${grant.kind}`;
  }

  /**
   * The request with a token that is good; waits for one if need be.
   *
   * AuthError, or DeadlineExceededError in phase `auth`.
   */
  override async authorize(request: HttpRequest, call: Call, ends: number): Promise<HttpRequest> {
    call.token = await this.#current(call, ends);
    call.secrets.push(call.token.access);
    return withBearer(request, call.token.access);
  }

  /** Give up the token that a server refused; another attempt would have another. */
  override refused(call: Call): boolean {
    if (call.token === null) {
      return false;
    }
    this.#tokens.refuse(call.token);
    return true;
  }

  /** The client's secret, the refresh tokens and the current token, as far as they are known. */
  override secrets(): readonly Secret[] {
    const { clientSecret, refreshToken } = this.grant;
    const found = [
      this.#tokens.refresh,
      this.#tokens.token?.access ?? null,
      clientSecret?.secret ?? null,
      refreshToken?.secret ?? null,
    ];
    return found.filter((secret) => secret !== null);
  }

  override close(): void {
    this.#endpoint?.close();
  }

  async #current(call: Call, ends: number): Promise<Token> {
    const asked = this.#tokens.ask(call.io.now());
    if ("token" in asked) {
      return asked.token;
    }
    const { flight } = asked;
    if (asked.begins) {
      this.#begin(flight, call);
    }
    await this.#wait(flight, call, ends);
    if (flight.token !== null) {
      return flight.token;
    }
    const error = flight.error ?? new AuthError("The token endpoint's answer was lost");
    // The same error for one of several callers, each of which adds its own facts.
    throw new AuthError(error.message, error.facts(), error.cause);
  }

  async #wait(flight: Flight, call: Call, ends: number): Promise<void> {
    const now = call.io.now();
    const landed = this.#landed.get(flight) ?? new Signal();
    await call.io.clock.wait(landed, call.deadline.timer(ends - now, now), call.signal);
    if (!flight.over) {
      const late = new AuthError("The token endpoint did not answer before the attempt's time ran out");
      throw orDeadline(call, late, "auth");
    }
  }

  #begin(flight: Flight, call: Call): void {
    const landed = new Signal();
    this.#landed.set(flight, landed);
    const { clock } = call.io;
    clock.begin();
    void this.#fetch(flight, call).finally(() => {
      landed.set();
      clock.end();
    });
  }

  /** Never rejects: what went wrong is the flight's error. */
  async #fetch(flight: Flight, call: Call): Promise<void> {
    const began = call.io.now();
    let outcome = "ok";
    try {
      this.#endpoint ??= new TokenEndpoint(this.grant, this.settings, call.io);
      const [granted, askedAt] = await this.#endpoint.ask(this.#tokens.refresh);
      this.#keep(granted);
      this.#tokens.succeed(flight, granted, askedAt);
    } catch (error) {
      const failure = error instanceof AuthError ? error : new AuthError("No token", {}, error);
      outcome = failure.kind;
      this.#tokens.fail(flight, failure);
    }
    call.emit("token-refresh", { grant: this.grant.kind, outcome, duration: call.io.now() - began });
  }

  /**
   * Hand a new refresh token to its owner before it is used.
   *
   * One that its owner could not keep is not lost: it is the valid one, and is handed over again.
   */
  #keep(granted: GrantedToken): void {
    const fresh = granted.refresh ?? this.#unsaved;
    if (fresh === null || this.grant.onRefreshToken === null) {
      return;
    }
    try {
      this.grant.onRefreshToken(fresh.reveal());
      this.#unsaved = null;
    } catch (error) {
      this.#unsaved = fresh;
      this.#tokens.refresh = fresh;
      throw new AuthError(
        `onRefreshToken failed: ${error instanceof Error ? error.name : typeof error}`,
        {},
        error,
      );
    }
  }
}
