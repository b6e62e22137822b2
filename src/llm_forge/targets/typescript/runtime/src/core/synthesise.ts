/** A whole unary answer as the events of a stream, for servers that ignore the stream parameter. */

import type { JsonObject } from "./json.js";
import { isObject } from "./json.js";
import type { Family } from "./profile.js";

export type Events = readonly (readonly [name: string, data: unknown])[];

/**
 * The events that accumulate to `result`, the sentinel as null; null if it is no such result.
 *
 * Typed events that add up to nothing cannot be guessed: there the whole answer is the only event.
 */
export function synthesise(family: Family, result: JsonObject): Events | null {
  switch (family) {
    case "chat-completion":
      return chat(result);
    case "block-event":
      return blocks(result);
    case "response":
      return response(result);
    case "conversation":
      return conversation(result);
    case "events":
      return [
        ["message", result],
        ["message", null],
      ];
  }
}

function objectsIn(value: unknown): readonly JsonObject[] | null {
  return Array.isArray(value) && value.every(isObject) ? value : null;
}

function without(value: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([field]) => field !== name));
}

function chat(result: JsonObject): Events | null {
  const choices = objectsIn(result["choices"]);
  if (choices === null) {
    return null;
  }
  const kind = choices.some((choice) => "message" in choice) ? { object: "chat.completion.chunk" } : {};
  return [
    ["message", { ...result, choices: choices.map(chatChoice), ...kind }],
    ["message", null],
  ];
}

function chatChoice(choice: JsonObject): JsonObject {
  let delta = choice["message"];
  if (isObject(delta) && Array.isArray(delta["tool_calls"])) {
    const calls = delta["tool_calls"].map((call: unknown, index) =>
      isObject(call) ? { index, ...call } : call,
    );
    delta = { ...delta, tool_calls: calls };
  }
  return { ...without(choice, "message"), delta: delta ?? null };
}

function blocks(result: JsonObject): Events | null {
  const { content } = result;
  if (result["type"] !== "message" || !Array.isArray(content)) {
    return null;
  }
  const opened = { ...result, content: [], stop_reason: null, stop_sequence: null };
  const delta = Object.fromEntries(
    ["stop_reason", "stop_sequence"].filter((name) => name in result).map((name) => [name, result[name]]),
  );
  return [
    ["message_start", { type: "message_start", message: opened }],
    ...content.flatMap((block: unknown, index) => [
      ["content_block_start", { type: "content_block_start", index, content_block: block }] as const,
      ["content_block_stop", { type: "content_block_stop", index }] as const,
    ]),
    ["message_delta", { type: "message_delta", delta, usage: result["usage"] ?? {} }],
    ["message_stop", { type: "message_stop" }],
  ];
}

function response(result: JsonObject): Events | null {
  const { output, status } = result;
  if (result["object"] !== "response" || !Array.isArray(output)) {
    return null;
  }
  const ending = status === "incomplete" || status === "failed" ? status : "completed";
  return [
    typed("response.created", { response: { ...result, status: "in_progress", output: [] } }),
    ...output.flatMap((item: unknown, at) => [
      typed("response.output_item.added", { output_index: at, item }),
      typed("response.output_item.done", { output_index: at, item }),
    ]),
    typed(`response.${ending}`, { response: result }),
  ];
}

function conversation(result: JsonObject): Events | null {
  const outputs = objectsIn(result["outputs"]);
  if (outputs === null) {
    return null;
  }
  return [
    typed("conversation.response.started", without(result, "outputs")),
    ...outputs.flatMap((entry, at) =>
      entryDeltas(at, entry).map((delta) => typed(`${String(entry["type"])}.delta`, delta)),
    ),
    typed("conversation.response.done", {}),
  ];
}

function entryDeltas(index: number, entry: JsonObject): readonly JsonObject[] {
  const whole: JsonObject = { ...entry, output_index: index };
  const chunks = entry["content"];
  if (!Array.isArray(chunks) || chunks.length === 0) {
    return [whole];
  }
  const place = { ...("id" in whole ? { id: whole["id"] } : {}), output_index: index };
  const [first, ...rest] = chunks.map((content: unknown, at) => ({ ...place, content_index: at, content }));
  return [{ ...whole, ...first }, ...rest];
}

function typed(type: string, fields: JsonObject): readonly [string, unknown] {
  return [type, { ...fields, type }];
}
