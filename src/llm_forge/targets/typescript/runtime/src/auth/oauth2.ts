/** OAuth 2 tokens as an option of a client; `oauth2-policy.ts` gets, shares and renews them (RFC 6749). */

import { ConfigError } from "../core/errors.js";
import type { KeySource } from "./credential.js";
import { sealed } from "./credential.js";

const FIELDS = ["grant_type", "scope", "refresh_token", "client_id", "client_secret"];

export interface OAuth2Facts {
  readonly clientId: string;
  readonly clientSecret?: KeySource | undefined;
  readonly refreshToken?: KeySource | undefined;
  readonly tokenUrl?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly clientAuth?: "basic" | "body" | undefined;
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  readonly onRefreshToken?: ((token: string) => void) | undefined;
}

/**
 * `auth: new OAuth2({ clientId, clientSecret })`: tokens by client credentials or a refresh token.
 *
 * With `refreshToken` the grant is refresh_token, else client_credentials. `tokenUrl`, `scopes` and `clientAuth`
 * ("basic" or "body") default to those of the description; no other scope is asked for. `parameters` are further
 * fields of the token request, such as `audience`. A server may replace the refresh token: `onRefreshToken` is
 * called with each new one, as text, before any call goes on with it, so that the next process can have it.
 */
export class OAuth2 {
  readonly clientId: string;
  readonly clientSecret: KeySource | null;
  readonly refreshToken: KeySource | null;
  readonly tokenUrl: string | null;
  readonly scopes: readonly string[] | null;
  readonly clientAuth: "basic" | "body" | null;
  readonly parameters: Readonly<Record<string, string>>;
  readonly onRefreshToken: ((token: string) => void) | null;

  constructor(facts: OAuth2Facts) {
    if (typeof facts.clientId !== "string" || facts.clientId === "") {
      throw new ConfigError("OAuth2.clientId must be the id that the provider gave this client");
    }
    if (facts.clientSecret === undefined && facts.refreshToken === undefined) {
      throw new ConfigError("OAuth2 needs clientSecret or refreshToken");
    }
    if (!["basic", "body"].includes(facts.clientAuth ?? "basic")) {
      throw new ConfigError('OAuth2.clientAuth must be "basic" or "body"');
    }
    const taken = FIELDS.find((name) => name in (facts.parameters ?? {}));
    if (taken !== undefined) {
      throw new ConfigError(`OAuth2.parameters must not contain ${taken}, which the grant sets`);
    }
    this.clientId = facts.clientId;
    this.clientSecret =
      facts.clientSecret === undefined ? null : sealed(facts.clientSecret, "OAuth2.clientSecret");
    this.refreshToken =
      facts.refreshToken === undefined ? null : sealed(facts.refreshToken, "OAuth2.refreshToken");
    this.tokenUrl = facts.tokenUrl ?? null;
    this.scopes = facts.scopes ?? null;
    this.clientAuth = facts.clientAuth ?? null;
    this.parameters = { ...facts.parameters };
    this.onRefreshToken = facts.onRefreshToken ?? null;
  }
}
