import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { Client } from "../src/client.js";
import { ConfigError } from "../src/core/errors.js";
import { defineProfile } from "../src/core/profile.js";
import { ConfigFile } from "../src/node/index.js";
import { parseYaml } from "../src/node/yaml.js";
import type { ClientOptions } from "../src/options.js";

const FOLDER = mkdtempSync(join(tmpdir(), "forge-config-"));
const FILE = join(FOLDER, "forge.yaml");
const ACME = defineProfile({ name: "acme", baseUrl: "https://api.acme.test", envApiKey: ["ACME_KEY"] });
const ENV = { TEAM_KEY: "canary-7781" };

after(() => {
  rmSync(FOLDER, { recursive: true });
});

function config(text: string): ConfigFile {
  writeFileSync(FILE, text);
  return new ConfigFile(FILE, ENV);
}

function client(text: string, options: ClientOptions = {}): Client {
  return new Client(ACME, { env: {}, config: config(text), ...options });
}

const WHOLE = `
# a team's file
default_model: acme/one
providers:
  other: {timeout: 1}
  acme:
    api_key: env:TEAM_KEY
    base_url: "https://eu.acme.test/v1"
    timeout: 30
    headers: {x-team: blue}
    retry: {max_attempts: 5, max_wait: 30}
    rate_limit:
      requests_per_minute: 60
    trusted_origins:
      - https://files.acme.test
`;

test("R-001: a file gives what no argument and no variable gives, and every place is told", () => {
  const made = client(WHOLE, { timeout: 5, env: { LLM_FORGE_MAX_ATTEMPTS: "2" } });
  const sources = made.sources();
  assert.equal(made.baseURL, "https://eu.acme.test/v1");
  assert.equal(sources["timeout"], "client argument");
  assert.equal(sources["maxAttempts"], "environment LLM_FORGE_MAX_ATTEMPTS");
  assert.equal(sources["maxBackoff"], `${FILE}:11`);
  assert.equal(sources["limits"], `${FILE}:12`);
  assert.equal(sources["headers"], `${FILE}:10`);
  assert.equal(sources["apiKey"], `${FILE}:7, environment TEAM_KEY`);
  assert.ok(!JSON.stringify([sources, made]).includes(ENV.TEAM_KEY));
});

test("R-001: a key from an argument or a variable leaves the file's unread", () => {
  const unset = "providers: {acme: {api_key: env:NOT_SET}}";
  assert.equal(client(unset, { apiKey: "k" }).sources()["apiKey"], "client argument");
  assert.equal(client(unset, { env: { ACME_KEY: "k" } }).sources()["apiKey"], "environment ACME_KEY");
  assert.throws(() => client(unset), /forge.yaml:1: providers.acme.api_key: .*NOT_SET is not set/);
});

test("R-007: a command is asked for the key when it is first needed", () => {
  const made = client("providers: {acme: {api_key: 'cmd:no-such-command now'}}");
  assert.equal(made.sources()["apiKey"], `${FILE}:1, command no-such-command`);
});

const REFUSED: readonly (readonly [text: string, said: RegExp])[] = [
  ["provider: {}", /:1: provider: Unknown key "provider"; did you mean providers/],
  ["providers:\n  acme:\n    timeouts: 3", /:3: providers.acme.timeouts: .*did you mean timeout/],
  ["providers:\n  acme:\n    timeout: soon", /:3: providers.acme.timeout: timeout must be/],
  ["providers:\n  acme:\n    retry: {tries: 3}", /:3: providers.acme.retry.tries: Unknown key/],
  ["providers:\n  acme:\n    rate_limit: {requests_per_minute: 0.5}", /a whole number from 1/],
  [
    "providers:\n  acme:\n    headers: {authorization: Bearer x}",
    /headers.authorization: a credential does not/,
  ],
  ["providers:\n  acme:\n    api_key: sk-canary-9", /:3: providers.acme.api_key: must be a reference/],
  ["providers:\n  acme:\n    api_key: [sk-canary-9]", /expected a reference .*, found a list/],
  ["providers:\n  acme: 5", /:2: providers.acme: expected a mapping, found a number/],
];

for (const [text, said] of REFUSED) {
  test(`R-013: refused where it stands: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => client(text),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, said);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      },
    );
  });
}

test("R-013: a file that is not there, or too large, is a ConfigError", () => {
  assert.throws(() => new ConfigFile(join(FOLDER, "none.yaml")), ConfigError);
  assert.throws(() => config(`# ${"x".repeat(1024 * 1024)}`), /more than 1 MiB/);
});

const READ: readonly (readonly [text: string, value: unknown])[] = [
  ["", null],
  ["a: 1\nb: [x, 'it''s', \"q\\n\", {c: 1e3}]", { a: 1, b: ["x", "it's", "q\n", { c: 1000 }] }],
  ["a:\n- 1\n- b: 2\n  c: 3\n-\n  - deep", { a: [1, { b: 2, c: 3 }, ["deep"]] }],
  ["a: yes # not true\nb: ~\nc: 010\nd: http://x/#y", { a: "yes", b: null, c: "010", d: "http://x/#y" }],
  ['{"json": [true, null, -1.5]}', { json: [true, null, -1.5] }],
  ["__proto__: {x: 1}", JSON.parse('{"__proto__": {"x": 1}}')],
];

for (const [text, value] of READ) {
  test(`YAML is read by the core schema: ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseYaml(text, "f").plain(), value);
  });
}

for (const text of [
  "a: &x 1",
  "a: *x",
  "a: !!js x",
  "a: |\n  b",
  "a: 1\na: 2",
  "\ta: 1",
  "a: [1",
  "a: 1\n  b: 2",
  "a: 'x",
]) {
  test(`R-013: refused as configuration: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseYaml(text, "f"), /^ConfigError: f:\d/);
  });
}

test("R-013: nesting has a limit", () => {
  assert.throws(() => parseYaml(`a: ${"[".repeat(60)}`, "f"), /more than 50 levels/);
});
