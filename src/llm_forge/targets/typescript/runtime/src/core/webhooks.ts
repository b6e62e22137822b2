/**
 * Signatures of webhooks: who sent a message, and when.
 *
 * Rules of this file:
 * - The signature is over the bytes that arrived, so it is checked before anything decodes them.
 * - WebCrypto compares, in the same time wherever it fails; every secret and every signature is tried.
 * - A message outside the replay window is refused, whatever its signature says.
 * - A scheme is data. `STANDARD_WEBHOOKS` (standardwebhooks.com) is what OpenAI and many others use.
 */

import { AuthError, ConfigError } from "./errors.js";
import type { Headers } from "./headers.js";
import type { Secret } from "./secrets.js";
import { bytesOf, fromBase64 } from "./text.js";

export const REPLAY_WINDOW = 300;

/**
 * How a provider signs: HMAC-SHA256 over the `signed` parts, joined by a dot.
 *
 * The signature header holds signatures separated by spaces, each `version`, a comma and the signature; with
 * version "" it holds bare ones. A secret in Base64 may carry `keyPrefix`.
 */
export interface WebhookScheme {
  readonly signatureHeader: string;
  readonly timestampHeader: string;
  readonly idHeader: string;
  readonly signed: readonly ("id" | "timestamp" | "body")[];
  readonly version: string;
  readonly signatureEncoding: "base64" | "hex";
  readonly keyEncoding: "base64" | "text";
  readonly keyPrefix: string;
}

export const STANDARD_WEBHOOKS: WebhookScheme = {
  signatureHeader: "webhook-signature",
  timestampHeader: "webhook-timestamp",
  idHeader: "webhook-id",
  signed: ["id", "timestamp", "body"],
  version: "v1",
  signatureEncoding: "base64",
  keyEncoding: "base64",
  keyPrefix: "whsec_",
};

/** A message as it arrived, when it is now (seconds since the epoch), and how old it may be. */
export interface Delivery {
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly now: number;
  readonly window: number;
}

/** Return if one of the secrets signed this message in time; AuthError if not, ConfigError for a secret that is none. */
export async function checkSignature(
  scheme: WebhookScheme,
  secrets: readonly Secret[],
  delivery: Delivery,
): Promise<void> {
  const timestamp = required(delivery.headers, scheme.timestampHeader);
  if (!/^[0-9]{1,15}$/.test(timestamp)) {
    throw new AuthError("The webhook's timestamp is not a whole number of seconds");
  }
  if (Math.abs(delivery.now - Number(timestamp)) > delivery.window) {
    throw new AuthError(
      `The webhook's timestamp is not within ${delivery.window} s of now; it may be a replay`,
    );
  }
  const message = messageOf(scheme, delivery, timestamp);
  const given = signaturesIn(scheme, required(delivery.headers, scheme.signatureHeader));
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey("raw", keyOf(scheme, secret), HMAC, false, ["verify"]);
    for (const signature of given) {
      if (await crypto.subtle.verify("HMAC", key, signature as BufferSource, message)) {
        return;
      }
    }
  }
  throw new AuthError("The webhook's signature does not fit its content and the secret");
}

const HMAC = { name: "HMAC", hash: "SHA-256" };

function required(headers: Headers, name: string): string {
  const value = headers.get(name) ?? "";
  if (value === "") {
    throw new AuthError(`The webhook has no header ${name}`);
  }
  return value;
}

function messageOf(scheme: WebhookScheme, delivery: Delivery, timestamp: string): Uint8Array<ArrayBuffer> {
  const parts = scheme.signed.map((part) => {
    if (part === "body") {
      return delivery.body;
    }
    return bytesOf(part === "timestamp" ? timestamp : required(delivery.headers, scheme.idHeader));
  });
  const joined = parts.flatMap((part, at) => (at === 0 ? [part] : [bytesOf("."), part]));
  const whole = new Uint8Array(joined.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of joined) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The signatures of the scheme's version; those of other versions are not ours to judge. */
function signaturesIn(scheme: WebhookScheme, value: string): readonly Uint8Array[] {
  const start = scheme.version === "" ? "" : `${scheme.version},`;
  const texts = value.split(/\s+/).filter((one) => one.startsWith(start));
  return texts
    .map((one) => bytesIn(one.slice(start.length), scheme.signatureEncoding))
    .filter((one) => one !== null);
}

function bytesIn(text: string, encoding: "base64" | "hex"): Uint8Array | null {
  if (encoding === "base64") {
    return fromBase64(text);
  }
  const pairs = /^(?:[0-9a-fA-F]{2})+$/.test(text) ? (text.match(/../g) ?? []) : null;
  return pairs === null ? null : Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

function keyOf(scheme: WebhookScheme, secret: Secret): BufferSource {
  const text = secret.reveal();
  if (scheme.keyEncoding === "text") {
    return bytesOf(text) as BufferSource;
  }
  const bare = text.startsWith(scheme.keyPrefix) ? text.slice(scheme.keyPrefix.length) : text;
  const key = fromBase64(bare);
  if (key === null) {
    throw new ConfigError("The webhook secret is not Base64; copy it whole from the provider");
  }
  return key as BufferSource;
}
