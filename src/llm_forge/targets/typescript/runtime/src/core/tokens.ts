/**
 * OAuth 2 tokens: how an answer is read, when a token is renewed, and who may ask for one.
 *
 * Rules of this file:
 * - At most one token request is under way; whoever needs a token meanwhile joins it.
 * - A request that failed fails those who wait for it; the next caller begins a new one.
 * - A waiter that leaves changes nothing for the others, and nothing for the request: an answer that
 *   nobody reads could hold the only valid refresh token.
 * - A token and the refresh token that came with it are taken over in one step.
 * - Only the monotonic clock counts; the time of day may jump.
 */

import { AuthError, ConfigError } from "./errors.js";
import { isObject } from "./json.js";
import { Secret } from "./secrets.js";

const DEFAULT_LIFETIME = 3600;
const RENEW_SECONDS = 60;
const RENEW_SHARE = 0.2;

/** What a token endpoint gave; `lifetime` in seconds, `refresh` null where it sent no new one. */
export interface GrantedToken {
  readonly access: Secret;
  readonly lifetime: number;
  readonly refresh: Secret | null;
}

/** An access token and the monotonic time from which it is to be renewed. */
export interface Token {
  readonly access: Secret;
  readonly renewAt: number;
}

/** One token request: under way until it has a token or an error; neither of them is lost. */
export interface Flight {
  over: boolean;
  token: Token | null;
  error: AuthError | null;
}

/** A token that is good, or a request to wait for; `begins` says that the caller is the one to send it. */
export type Asked = { readonly token: Token } | { readonly flight: Flight; readonly begins: boolean };

/** Who uses, waits for, or asks for a token. */
export class TokenSource {
  refresh: Secret | null = null;
  token: Token | null = null;
  #flight: Flight | null = null;

  /** The current token, or the request to wait for. */
  ask(now: number): Asked {
    if (this.token !== null && now <= this.token.renewAt) {
      return { token: this.token };
    }
    if (this.#flight !== null) {
      return { flight: this.#flight, begins: false };
    }
    this.#flight = { over: false, token: null, error: null };
    return { flight: this.#flight, begins: true };
  }

  /** End a request with what it brought; its lifetime counts from the time it was asked for. */
  succeed(flight: Flight, granted: GrantedToken, askedAt: number): void {
    this.refresh = granted.refresh ?? this.refresh;
    this.token = { access: granted.access, renewAt: askedAt + usable(granted.lifetime) };
    flight.token = this.token;
    this.#land(flight);
  }

  /** End a request that brought nothing. */
  fail(flight: Flight, error: AuthError): void {
    flight.error = error;
    this.#land(flight);
  }

  /** Stop using a token that a server refused; a newer one stays. */
  refuse(token: Token): void {
    if (this.token === token) {
      this.token = null;
    }
  }

  #land(flight: Flight): void {
    flight.over = true;
    if (this.#flight === flight) {
      this.#flight = null;
    }
  }
}

/** How long a token is used before it is renewed. */
function usable(lifetime: number): number {
  return lifetime - Math.min(RENEW_SECONDS, RENEW_SHARE * lifetime);
}

/** The token in a token endpoint's 2xx answer (RFC 6749 section 5.1); AuthError where there is none. */
export function readGrant(answer: unknown): GrantedToken {
  if (!isObject(answer) || typeof answer["access_token"] !== "string") {
    throw new AuthError("The token endpoint's answer has no access_token; is tokenUrl right?");
  }
  const kind = answer["token_type"];
  if (typeof kind === "string" && kind.toLowerCase() !== "bearer") {
    throw new AuthError("The token endpoint gave a token that is not of type bearer");
  }
  const refresh = answer["refresh_token"];
  return {
    access: cleaned(answer["access_token"], "access_token"),
    lifetime: lifetimeOf(answer["expires_in"]),
    refresh: typeof refresh === "string" && refresh !== "" ? cleaned(refresh, "refresh_token") : null,
  };
}

function cleaned(text: string, name: string): Secret {
  try {
    return Secret.clean(text, `the token endpoint's ${name}`);
  } catch (error) {
    throw error instanceof ConfigError ? new AuthError(error.message) : error;
  }
}

/** Seconds from `expires_in`, a number or its text; anything else counts as missing. */
function lifetimeOf(value: unknown): number {
  const isText = typeof value === "string" && value.trim() !== "";
  const seconds = typeof value === "number" || isText ? Number(value) : NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : DEFAULT_LIFETIME;
}
