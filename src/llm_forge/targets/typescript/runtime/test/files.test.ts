import assert from "node:assert/strict";
import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Client, defineOperation, defineProfile, StreamError } from "../src/index.js";
import { streamToFile } from "../src/node/index.js";

const PROFILE = defineProfile({ name: "test", baseUrl: "https://api.test/v1" });
const CHAT = defineOperation<{ id: string }, object>({
  name: "chat.create",
  method: "POST",
  path: "/chat",
  hasBody: true,
  stream: { family: "chat-completion" },
});
const BODY = `data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\ndata: [DONE]\n\n`;

test("ST-28: a full disk is a typed error and leaves no temporary file", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "forge-full-"));
  const path = join(folder, "story.txt");
  await writeFile(path, "older");
  const handle = await open(path, "r");
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  t.mock.method(Object.getPrototypeOf(handle) as typeof handle, "writeFile", () => Promise.reject(full));
  await handle.close();
  const answer = (): Promise<Response> =>
    Promise.resolve(new Response(BODY, { headers: { "content-type": "text/event-stream" } }));
  const client = new Client(PROFILE, { apiKey: "k", fetch: answer });
  await assert.rejects(streamToFile(client.stream(CHAT, { body: {} }), path), (error: unknown) => {
    assert.ok(error instanceof StreamError);
    assert.match(error.message, /ENOSPC/);
    assert.equal(error.cause, full);
    return true;
  });
  t.mock.restoreAll();
  assert.deepEqual(await readdir(folder), ["story.txt"]);
  assert.equal(await readFile(path, "utf8"), "older");
  await client.close();
  await rm(folder, { recursive: true });
});
