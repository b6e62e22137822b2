import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import * as errors from "../src/core/errors.js";
import { Redactor } from "../src/core/redact.js";
import { Secret } from "../src/core/secrets.js";
import { translated } from "../src/fetch-transport.js";

const CLASSES = Object.values(errors).filter((one) => typeof one === "function" && "kind" in one);

test("ER-05: every class is restored from JSON with all its facts, also across processes", () => {
  assert.ok(CLASSES.length > 30);
  for (const one of CLASSES) {
    const error = new one("what happened", { status: 429, retryAfter: 7, partial: { text: "so far" } });
    error.because(new errors.ConnectError("before"));
    const restored = errors.ForgeError.fromJSON(JSON.parse(JSON.stringify(error)) as Record<string, unknown>);
    assert.equal(restored.constructor, one);
    assert.deepEqual(restored.facts(), error.facts());
    assert.ok(restored.cause instanceof errors.ConnectError);
  }
});

test("R-212: absent facts are null, and the name survives a minifier", () => {
  const error = new errors.RateLimitError("slow down");
  assert.equal(error.requestId, null);
  assert.deepEqual(error.attempts, []);
  assert.equal(error.name, "RateLimitError");
  assert.ok(error instanceof errors.ApiError && error instanceof Error);
});

test("R-218: what a console shows of an error has no content", () => {
  const facts = { body: "the answer", partial: "the text", headers: { a: "b" }, status: 500 };
  const shown = inspect(new errors.ServerError("it failed", facts));
  assert.match(shown, /it failed/);
  assert.match(shown, /status: 500/);
  assert.doesNotMatch(shown, /the answer|the text/);
});

test("R-004: no form of a secret shows it", () => {
  const secret = new Secret("sk-canary-1234567890");
  const forms = [
    String(secret),
    "".concat(secret as unknown as string),
    JSON.stringify({ secret }),
    inspect({ secret }),
    inspect(secret, true),
  ];
  for (const form of [
    ...forms,
    JSON.stringify(Object.assign({}, secret)),
    JSON.stringify(Object.entries(secret)),
  ]) {
    assert.doesNotMatch(form, /canary/);
  }
});

test("R-005: a secret's fingerprint is the start of its hash", async () => {
  assert.equal(await new Secret("abc").fingerprint(), "ba7816bf");
});

test("R-242: a secret goes wherever and however it is written", () => {
  const value = 'p/ss"wörd-12';
  const redactor = new Redactor([new Secret(value)]);
  const base64 = Buffer.from(`user:${value}`).toString("base64");
  for (const text of [value, JSON.stringify(value), encodeURIComponent(value), base64, `xx${value}yy`]) {
    assert.match(redactor.text(text), /\[redacted\]/, text);
  }
  assert.equal(redactor.text("a plain sentence"), "a plain sentence");
});

test("ER-06: errors of the platform become errors of ours, with the original as cause", () => {
  const kinds: Record<string, string> = {
    ECONNREFUSED: "ConnectError",
    ENOTFOUND: "ConnectError",
    UND_ERR_CONNECT_TIMEOUT: "ConnectError",
    DEPTH_ZERO_SELF_SIGNED_CERT: "TlsError",
    ERR_TLS_CERT_ALTNAME_INVALID: "TlsError",
    HPE_INVALID_HEADER_TOKEN: "ProtocolError",
    Z_DATA_ERROR: "ProtocolError",
    HPE_HEADER_OVERFLOW: "ResponseTooLargeError",
    ECONNRESET: "ConnectionLostError",
    WHO_KNOWS: "ConnectionLostError",
  };
  for (const [code, kind] of Object.entries(kinds)) {
    const given = new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });
    const error = translated(given, "response");
    assert.ok(error instanceof errors.ForgeError, code);
    assert.equal(error.kind, kind, code);
    assert.equal(error.cause, given);
  }
});
