/** What an answer says of itself, without any of its content: ids, reasons and tokens. */

import { isObject } from "./json.js";

// Where providers put a count: the names of one fact, each a path into `usage`.
const TOKENS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  inputTokens: [["input_tokens"], ["prompt_tokens"]],
  outputTokens: [["output_tokens"], ["completion_tokens"]],
  cacheReadTokens: [
    ["cache_read_input_tokens"],
    ["prompt_tokens_details", "cached_tokens"],
    ["input_tokens_details", "cached_tokens"],
  ],
  cacheCreationTokens: [["cache_creation_input_tokens"]],
  reasoningTokens: [
    ["completion_tokens_details", "reasoning_tokens"],
    ["output_tokens_details", "reasoning_tokens"],
  ],
};
const BESIDE_INPUT = ["cache_read_input_tokens", "cache_creation_input_tokens"];

/**
 * The facts that are there: responseId, responseModel, finishReasons and the counts of tokens.
 *
 * `inputTokens` counts all input, cached or not, whether the provider counts the cached part in or not.
 */
export function answerFacts(answer: unknown): Record<string, unknown> {
  if (!isObject(answer)) {
    return {};
  }
  const facts: Record<string, unknown> = {};
  for (const [name, field] of [
    ["responseId", "id"],
    ["responseModel", "model"],
  ] as const) {
    if (typeof answer[field] === "string") {
      facts[name] = answer[field];
    }
  }
  const reasons = reasonsOf(answer);
  if (reasons.length > 0) {
    facts["finishReasons"] = reasons;
  }
  return isObject(answer["usage"]) ? { ...facts, ...tokenFacts(answer["usage"]) } : facts;
}

function tokenFacts(usage: Record<string, unknown>): Record<string, number> {
  const facts: Record<string, number> = {};
  for (const [name, paths] of Object.entries(TOKENS)) {
    const count = paths.map((path) => countAt(usage, path)).find((found) => found !== null);
    if (typeof count === "number") {
      facts[name] = count;
    }
  }
  if (facts["inputTokens"] !== undefined) {
    // Anthropic counts the cached part beside the input, the others inside it.
    facts["inputTokens"] += BESIDE_INPUT.reduce((sum, name) => sum + (countAt(usage, [name]) ?? 0), 0);
  }
  return facts;
}

function countAt(usage: Record<string, unknown>, path: readonly string[]): number | null {
  let found: unknown = usage;
  for (const name of path) {
    found = isObject(found) ? found[name] : undefined;
  }
  return typeof found === "number" ? found : null;
}

function reasonsOf(answer: Record<string, unknown>): readonly string[] {
  const choices = Array.isArray(answer["choices"]) ? (answer["choices"] as readonly unknown[]) : [];
  const given = choices.map((one) => (isObject(one) ? one["finish_reason"] : null));
  return [answer["stop_reason"], ...given].filter((one) => typeof one === "string");
}
