import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import type { ClientOptions, Middleware } from "../src/index.js";
import {
  Client,
  ConfigError,
  DeadlineExceededError,
  deadline,
  defineOperation,
  defineProfile,
  ForgeError,
  InvalidResponseError,
  RateLimitError,
  Resource,
  StreamError,
  StreamInterruptedError,
  verifyWebhook,
} from "../src/index.js";

interface Reply {
  readonly id: string;
}

const PROFILE = defineProfile({ name: "test", baseUrl: "https://api.test/v1", envApiKey: ["TEST_KEY"] });
const CREATE = defineOperation<Reply, { text: string }>({
  name: "replies.create",
  method: "POST",
  path: "/replies/{id}",
  hasBody: true,
  stream: { family: "events", terminal: ["done"] },
});
const LIST = defineOperation<{ data: Reply[]; next: string | null }>({
  name: "replies.list",
  method: "GET",
  path: "/replies",
  pages: { style: "cursor", items: "data", param: "after", next: "next" },
});
const CANARY = "sk-canary-0123456789";

type Answer = (request: Request) => Response | Promise<Response>;

function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

function events(...pieces: readonly string[]): Response {
  const body = pieces.map((piece) => `data: ${piece}\n\n`).join("");
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** A client whose requests are answered in turn, the last answer again and again. */
function clientOf(
  answers: readonly Answer[],
  options: ClientOptions = {},
): { client: Client; asked: Request[] } {
  const asked: Request[] = [];
  const fake: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(request);
    return Promise.resolve(answer === undefined ? json({}) : answer(request));
  };
  const client = new Client(PROFILE, { apiKey: CANARY, fetch: fake, random: () => 0, ...options }, "Test");
  return { client, asked };
}

test("a call sends what it is given and resolves to the JSON that came", async () => {
  const { client, asked } = clientOf([() => json({ id: "r1", extra: 1 }, 200, { "x-request-id": "q7" })]);
  const answer = client.call(CREATE, { path: { id: "a/b" }, body: { text: "hi", left: undefined } });
  assert.deepEqual(await answer, { id: "r1", extra: 1 });
  const { response } = await answer.withResponse();
  assert.equal(response.requestId, "q7");
  assert.equal(response.attempts.length, 1);
  const [request] = asked;
  assert.ok(request !== undefined);
  assert.equal(request.url, "https://api.test/v1/replies/a%2Fb");
  assert.equal(request.headers.get("authorization"), `Bearer ${CANARY}`);
  assert.equal(await request.text(), '{"text":"hi"}');
});

test("R-061: a failed attempt is repeated, and the last error tells of each", async () => {
  const { client, asked } = clientOf([() => json({ error: { message: "busy" } }, 500)], { maxAttempts: 2 });
  await assert.rejects(
    client.call(CREATE, { path: { id: "x" } }),
    (error) => error instanceof ForgeError && error.status === 500 && error.attempts.length === 2,
  );
  assert.equal(asked.length, 2);
});

test("R-067: a server wait beyond the deadline fails at once and is told", async () => {
  const { client, asked } = clientOf([() => json({}, 429, { "retry-after": "30" })]);
  await assert.rejects(
    client.call(CREATE, { path: { id: "x" } }, { timeout: 5 }),
    (error) => error instanceof RateLimitError && error.retryAfter === 30,
  );
  assert.equal(asked.length, 1);
});

test("R-057: a cancelled call rejects with its signal's own reason", async () => {
  const { client } = clientOf([() => new Promise<Response>(() => undefined)]);
  const controller = new AbortController();
  const call = client.call(CREATE, { path: { id: "x" } }, { signal: controller.signal });
  controller.abort(new Error("mine"));
  await assert.rejects(call, /mine/);
});

test("R-056: a signal with a deadline ends a call by then, with the contract's error", async () => {
  const { client } = clientOf([() => new Promise<Response>(() => undefined)]);
  const call = client.call(CREATE, { path: { id: "x" } }, { signal: deadline(0.02), timeout: 60 });
  await assert.rejects(call, DeadlineExceededError);
});

test("R-140: a stream is iterated over once, and its result is what came", async () => {
  const { client, asked } = clientOf([() => events('{"text":"a"}', '{"type":"done"}')]);
  const stream = client.stream(CREATE, { path: { id: "x" } });
  const seen: unknown[] = [];
  for await (const event of stream) {
    seen.push(event);
  }
  assert.deepEqual(seen, [{ text: "a" }, { type: "done" }]);
  assert.equal(stream.completion, "explicit");
  assert.throws(() => stream.texts(), StreamError);
  assert.equal(await asked[0]?.text(), '{"stream":true}');
});

test("R-144: a stream that is cut throws, with what had arrived", async () => {
  const { client } = clientOf([() => events('{"text":"a"}')]);
  await assert.rejects(
    client.stream(CREATE, { path: { id: "x" } }).result(),
    (error) =>
      error instanceof StreamInterruptedError && Array.isArray(error.partial) && error.partial.length === 1,
  );
});

test("R-150: breaking out of a stream gives its connection up at once", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode('data: {"text":"a"}\n\n'));
    },
    cancel: () => {
      cancelled = true;
    },
  });
  const { client } = clientOf([
    (request) => {
      request.signal.addEventListener("abort", () => (cancelled = true));
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  ]);
  for await (const event of client.stream(CREATE, { path: { id: "x" } })) {
    assert.deepEqual(event, { text: "a" });
    break;
  }
  assert.equal(cancelled, true);
});

test("R-152: an exception of a callback ends the stream and goes on", async () => {
  const { client } = clientOf([() => events('{"text":"a"}', '{"type":"done"}')]);
  const stream = client.stream(CREATE, { path: { id: "x" } });
  const onEvent = (): never => {
    throw new Error("of the caller");
  };
  await assert.rejects(stream.forEach({ onEvent }), /of the caller/);
});

test("R-203: a list is read page by page, and its first page when awaited", async () => {
  const page =
    (ids: string[], next: string | null): Answer =>
    () =>
      json({ data: ids.map((id) => ({ id })), next });
  const { client, asked } = clientOf([page(["a", "b"], "n1"), page(["c"], null)]);
  const ids: string[] = [];
  for await (const item of client.paged<Reply, { data: Reply[]; next: string | null }>(LIST)) {
    ids.push(item.id);
  }
  assert.deepEqual(ids, ["a", "b", "c"]);
  assert.equal(asked[1]?.url, "https://api.test/v1/replies?after=n1");
  const again = clientOf([page(["a"], "n1")]);
  await assert.rejects(async () => {
    for await (const _ of again.client.paged(LIST)) {
      continue;
    }
  }, InvalidResponseError);
});

test("R-003: a missing key names the variables, and one from the environment is taken", async () => {
  assert.throws(() => new Client(PROFILE, { env: { TEST_KEY: " " } }, "Test"), /TEST_KEY is set but empty/);
  const client = new Client(PROFILE, { env: { TEST_KEY: "k-from-env" } });
  assert.equal(client.sources()["apiKey"], "environment TEST_KEY");
  await client.close();
});

test("R-010: an unknown option proposes the nearest, also what other libraries call it", () => {
  const misspelt = { apiKey: "k", maxRetries: 2 } as ClientOptions;
  assert.throws(() => new Client(PROFILE, misspelt), /did you mean maxAttempts/);
  assert.throws(() => new Client(PROFILE, { apiKey: "k", timeout: 0 }), ConfigError);
  assert.throws(() => new Client(PROFILE, { apiKey: "k", baseURL: "http://api.test" }), ConfigError);
});

test("R-004: neither a client nor an error of it shows the key", async () => {
  const { client } = clientOf([() => json({ error: { message: `bad key ${CANARY}` } }, 401)]);
  const failure: unknown = await client.call(CREATE, { path: { id: "x" } }).catch((error: unknown) => error);
  for (const form of [
    inspect(client, true, 9),
    JSON.stringify(client),
    String(client),
    inspect(failure, true, 9),
  ]) {
    assert.doesNotMatch(form, /canary/);
  }
});

test("R-012: a copy has its own defaults and shares all else; closing it leaves the other open", async () => {
  class Replies extends Resource {
    create(): Promise<Reply> {
      return this.client.call(CREATE, { path: { id: "x" } });
    }
  }
  class Test extends Client {
    readonly replies = new Replies(this);
    constructor(options: ClientOptions = {}) {
      super(PROFILE, options, "Test");
    }
  }
  const client = new Test({ apiKey: "k", fetch: () => Promise.resolve(json({}, 503)), random: () => 0 });
  const copy = client.withOptions({ maxAttempts: 1 });
  assert.ok(copy instanceof Test);
  await assert.rejects(
    copy.replies.create(),
    (error) => error instanceof ForgeError && error.attempts.length === 1,
  );
  await copy.close();
  await assert.rejects(
    client.replies.create(),
    (error) => error instanceof ForgeError && error.status === 503 && error.attempts.length === 3,
  );
});

test("R-220: middleware stands around calls and attempts, and sees no credential", async () => {
  const seen: string[] = [];
  const watch: Middleware = {
    call: async (context, request, proceed) => {
      seen.push(`call ${context.attempt}`);
      return proceed(request.withHeader("x-mine", "1"));
    },
    attempt: (context, request, proceed) => {
      seen.push(`attempt ${context.attempt} ${request.headers.has("authorization") ? "leak" : "clean"}`);
      return proceed(request);
    },
  };
  const { client, asked } = clientOf([() => json({}, 500), () => json({ id: "r" })], { middleware: [watch] });
  await client.call(CREATE, { path: { id: "x" } });
  assert.deepEqual(seen, ["call 0", "attempt 1 clean", "attempt 2 clean"]);
  assert.equal(asked[1]?.headers.get("x-mine"), "1");
});

test("R-252: a webhook is genuine, fresh and whole, or refused", async () => {
  const key = Buffer.from("a secret of the webhook");
  const body = new TextEncoder().encode('{"ok":true}');
  const hmac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signed = await crypto.subtle.sign("HMAC", hmac, new TextEncoder().encode('m1.1000.{"ok":true}'));
  const headers = {
    "webhook-id": "m1",
    "webhook-timestamp": "1000",
    "webhook-signature": `v1,${Buffer.from(signed).toString("base64")}`,
  };
  const secret = `whsec_${key.toString("base64")}`;
  assert.deepEqual(await verifyWebhook(body, headers, secret, { now: 1100 }), { ok: true });
  await assert.rejects(verifyWebhook(body, headers, secret, { now: 1400 }), /replay/);
  await assert.rejects(
    verifyWebhook(new TextEncoder().encode("{}"), headers, secret, { now: 1000 }),
    /signature/,
  );
});
