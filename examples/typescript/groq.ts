/**
 * A tour of Groq's client in TypeScript, against the simulator: chat in three ways, audio, models, and what the
 * client knows of the provider's health, limits and circuits. No key, no network.
 *
 *     llm-forge generate groq --lang typescript --out llm-forge-groq
 *     npm install ./llm-forge-groq
 *     eval "$(llm-forge simulate)"; node groq.ts
 */

import { Groq, Upload } from "llm-forge-groq";
import type { models } from "llm-forge-groq";

// GROQ_API_KEY and GROQ_BASE_URL come from the environment; all else has defaults.
const patient = new Groq({ timeout: 120, maxAttempts: 5, breaker: { openSeconds: 10 } });
// A copy shares connections, limits and circuits, and has options of its own.
const client = patient.withOptions({ timeout: 30, headers: { "x-team": "docs" } });
console.log("options:", client.sources().apiKey, "and", client.sources().timeout);

const REQUEST: models.ChatCompletionsCreateParams = {
  model: "llama-3.3-70b-versatile",
  messages: [{ role: "user", content: "Say hello." }],
};

// One call, whole; `withResponse` also tells how the answer came.
const { data, response } = await client.chat.completions.create(REQUEST).withResponse();
console.log("unary:", data.choices[0]?.message.content, `(${response.status}, ${response.attempts.length} attempt)`);

// The same, piece by piece.
process.stdout.write("stream: ");
for await (const chunk of client.chat.completions.stream(REQUEST)) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? "");
}

// Only the whole message of a stream, with options of the call.
const whole = await client.chat.completions.stream(REQUEST, { idleTimeout: 10 }).result();
console.log("\ncollect:", whole.choices[0]?.finish_reason, whole.usage?.completion_tokens);

// Audio: files are Blobs, bytes, streams, or uploads with a name.
const file = new Upload(new TextEncoder().encode("RIFF....WAVEfmt "), { fileName: "hello.wav" });
const transcription = await client.audio.transcriptions.create({ file, model: "whisper-large-v3" });
console.log("transcription:", transcription.text);
const translation = await client.audio.translations.create({ file, model: "whisper-large-v3" });
console.log("translation:", translation.text);

const list = await client.models.list();
console.log("models:", list.data.length);

const health = await client.healthCheck();
console.log("health:", health.ok, health.error);
console.log("limits:", Object.keys(client.rateLimitStatus()).length > 0);
console.log("circuits:", client.circuitStates());
await patient.close();
