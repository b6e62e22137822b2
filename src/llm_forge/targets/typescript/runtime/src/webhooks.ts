/** Webhooks as a web application receives them. */

import { InvalidRequestError } from "./core/errors.js";
import { Headers } from "./core/headers.js";
import { decode, JsonError } from "./core/json.js";
import { Secret } from "./core/secrets.js";
import { textOf } from "./core/text.js";
import type { WebhookScheme } from "./core/webhooks.js";
import { checkSignature, REPLAY_WINDOW, STANDARD_WEBHOOKS } from "./core/webhooks.js";

type Given = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

export interface WebhookOptions {
  readonly scheme?: Partial<WebhookScheme>;
  /** Seconds that a message may be old. */
  readonly window?: number;
  /** Seconds since the epoch, for tests. */
  readonly now?: number;
}

/**
 * The JSON of a webhook that is genuine and fresh.
 *
 * `body` are the bytes as they arrived, `headers` those of the request. Several secrets are tried in turn, for while
 * one is being replaced. AuthError for a message that is not genuine or too old, InvalidRequestError for one that is
 * no JSON, ConfigError for a secret that cannot be one.
 */
export async function verifyWebhook(
  body: Uint8Array,
  headers: Given,
  secret: string | Secret | readonly (string | Secret)[],
  options: WebhookOptions = {},
): Promise<unknown> {
  if (!(body instanceof Uint8Array)) {
    throw new InvalidRequestError("The webhook's body must be the bytes that arrived, not text made of them");
  }
  const given = typeof secret === "string" || secret instanceof Secret ? [secret] : secret;
  const secrets = given.map((one) =>
    typeof one === "string" ? Secret.clean(one, "the webhook secret") : one,
  );
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  await checkSignature({ ...STANDARD_WEBHOOKS, ...options.scheme }, secrets, {
    headers: new Headers(pairs as Iterable<readonly [string, string]>),
    body,
    now: options.now ?? Date.now() / 1000,
    window: options.window ?? REPLAY_WINDOW,
  });
  try {
    return decode(textOf(body));
  } catch (error) {
    throw error instanceof JsonError
      ? new InvalidRequestError(`The webhook is not JSON: ${error.message}`)
      : error;
  }
}
