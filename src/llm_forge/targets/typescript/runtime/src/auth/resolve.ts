/** The policy of a client: what `auth` says, else the provider's own scheme with its key. */

import { checkedUrl } from "../base-url.js";
import { ConfigError } from "../core/errors.js";
import type { AuthScheme, Profile } from "../core/profile.js";
import type { Settings } from "../options.js";
import { ApiKey, ApiKeyPolicy } from "./api-key.js";
import { Basic, BasicPolicy } from "./basic.js";
import { Bearer, BearerPolicy } from "./bearer.js";
import { Credential } from "./credential.js";
import { isProvider, ProviderPolicy } from "./custom.js";
import { OAuth2Policy } from "./oauth2-policy.js";
import { OAuth2 } from "./oauth2.js";
import { AuthPolicy } from "./policy.js";
import type { Grant } from "./token-request.js";

/**
 * What `auth` says, else the provider's own scheme with the key found for it.
 *
 * ConfigError if there is no key: it names the option and the variables that were looked at, of which
 * `blank` is one that is set but empty.
 */
export function resolveAuth(
  profile: Profile,
  settings: Settings,
  key: Credential | null,
  who: { readonly client: string; readonly blank: string | null },
): AuthPolicy {
  if (settings.auth !== undefined) {
    return policyOf(settings.auth, profile, settings);
  }
  if (profile.auth.kind === "none" || (key === null && profile.auth.optional)) {
    return new AuthPolicy();
  }
  if (key === null) {
    throw new ConfigError(missing(profile, who.client, who.blank));
  }
  return ownScheme(profile.auth, key);
}

/** The policy for an `auth` option; ConfigError saying what is accepted. */
function policyOf(auth: unknown, profile: Profile, settings: Settings): AuthPolicy {
  if (auth === "none") {
    return new AuthPolicy();
  }
  if (auth instanceof ApiKey) {
    return new ApiKeyPolicy(Credential.from(auth.key, "ApiKey.key"), auth.placement, auth.name);
  }
  if (auth instanceof Bearer) {
    return new BearerPolicy(Credential.from(auth.token, "Bearer.token"));
  }
  if (auth instanceof Basic) {
    return new BasicPolicy(auth);
  }
  if (auth instanceof OAuth2) {
    return new OAuth2Policy(grantOf(auth, profile.auth, settings), settings);
  }
  if (isProvider(auth)) {
    return new ProviderPolicy(auth);
  }
  throw new ConfigError(
    'auth must be "none", an ApiKey, Bearer, Basic or OAuth2, or an object with a method authorize(request), ' +
      `not ${typeof auth}; the provider's own key goes into apiKey`,
  );
}

function grantOf(auth: OAuth2, scheme: AuthScheme, settings: Settings): Grant {
  const tokenUrl = auth.tokenUrl ?? scheme.tokenUrl;
  if (tokenUrl === null) {
    throw new ConfigError("OAuth2 needs tokenUrl: the description names none");
  }
  checkedUrl(tokenUrl, "OAuth2.tokenUrl", settings.allowInsecureHttp);
  return {
    kind: auth.refreshToken === null ? "client_credentials" : "refresh_token",
    tokenUrl,
    clientId: auth.clientId,
    clientSecret:
      auth.clientSecret === null ? null : Credential.from(auth.clientSecret, "OAuth2.clientSecret"),
    refreshToken:
      auth.refreshToken === null ? null : Credential.from(auth.refreshToken, "OAuth2.refreshToken"),
    scopes: auth.scopes ?? scheme.scopes,
    clientAuth: auth.clientAuth ?? scheme.clientAuth,
    parameters: auth.parameters,
    onRefreshToken: auth.onRefreshToken,
  };
}

function ownScheme(scheme: AuthScheme, key: Credential): AuthPolicy {
  if (scheme.kind === "api-key") {
    return new ApiKeyPolicy(key, scheme.placement, scheme.name);
  }
  if (scheme.kind !== "basic") {
    return new BearerPolicy(key); // an OAuth 2 API takes a token that was got elsewhere
  }
  const [user = "", ...rest] = key.secret?.reveal().split(":") ?? [];
  if (rest.length === 0) {
    throw new ConfigError(
      "This API takes a user and a password: pass auth: new Basic(...), or the key as user:password",
    );
  }
  return new BasicPolicy(new Basic(user, rest.join(":")), key.source);
}

function missing(profile: Profile, client: string, blank: string | null): string {
  const names = profile.envApiKey.join(" or ");
  const where = names === "" ? "pass" : `set the environment variable ${names}, or pass`;
  const note = blank === null ? "" : ` (${blank} is set but empty)`;
  return `No API key for ${profile.name}${note}: ${where} new ${client}({ apiKey: ... }).`;
}
