/**
 * Anthropic's API from TypeScript, against the simulator: streams an answer, lives through a 429 and a dropped
 * connection, and shows what a stream that is cut short looks like. No key, no network.
 *
 *     llm-forge generate anthropic --lang typescript --out llm-forge-anthropic
 *     npm install ./llm-forge-anthropic
 *     eval "$(llm-forge simulate)"; node anthropic.ts
 */

import { Anthropic, StreamInterruptedError } from "llm-forge-anthropic";
import type { ForgeEvent, models } from "llm-forge-anthropic";

const QUESTION = "Why do reliable clients matter?";
const REQUEST: models.MessagesCreateParams = {
  model: "claude-sonnet-4-5",
  max_tokens: 200,
  messages: [{ role: "user", content: QUESTION }],
};

/** Tell the simulator what shall go wrong next. */
async function inject(fault: Record<string, unknown>): Promise<void> {
  const control = new URL("/_forge/faults", client.baseURL);
  await fetch(control, { method: "POST", body: JSON.stringify([{ provider: "anthropic", times: 1, ...fault }]) });
}

/** Print what the client does about trouble. */
function tell(event: ForgeEvent): void {
  if (event.name === "retry") {
    const { status, cause, wait } = event.facts;
    console.log(`   ${String(status ?? cause)}: waiting ${Number(wait).toFixed(2)} s, then trying again`);
  }
}

function textOf(message: models.Message): string {
  return message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

const client = new Anthropic({ onEvent: tell });

console.log("── an answer, as it arrives");
const stream = client.messages.stream(REQUEST);
for await (const event of stream) {
  if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
    process.stdout.write(event.delta.text);
  }
}
const message = await stream.result();
console.log(`\n   ${stream.completion ?? "?"} end, ${message.usage.output_tokens} tokens`);

console.log("── 429 with Retry-After: 1");
await inject({ status: 429, retry_after: 1 });
console.log(`   answered: ${textOf(await client.messages.create(REQUEST)).slice(0, 60)}...`);

console.log("── the connection is dropped");
await inject({ drop: "reset" });
console.log(`   answered: ${textOf(await client.messages.create(REQUEST)).slice(0, 60)}...`);

console.log("── a stream is cut in the middle, as if it were whole");
await inject({ cut: { events: 8, end: "complete" } });
try {
  await client.messages.stream(REQUEST).result();
} catch (error) {
  if (!(error instanceof StreamInterruptedError)) {
    throw error;
  }
  const partial = error.partial as models.Message;
  console.log(`   ${error.kind}: ${error.message}`);
  console.log(`   partial text: ${JSON.stringify(textOf(partial))}, request ${error.requestId ?? "?"}`);
}
await client.close();
