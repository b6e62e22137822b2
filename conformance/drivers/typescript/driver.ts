/**
 * The TypeScript driver: `driver.js --transport node|fetch`.
 *
 * Reads the conformance protocol on standard input and answers on standard output, out of order where scenarios
 * overlap. See conformance/README.md.
 */

import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { decode, show } from "../../../src/llm_forge/targets/typescript/runtime/src/core/json.js";
import { answer, FUNCTIONS } from "./core-functions.js";
import { warmUp } from "./first-call.js";
import type { Message } from "./scenario.js";
import { ScenarioRun } from "./scenario.js";
import { Calls } from "./tables.js";

const PROTOCOL = 1;
const FEATURES = [
  "unary",
  "streams",
  "concurrency",
  "cancel",
  "flowing-clock",
  "environment",
  "local-limits",
  "breaker-options",
  "key-source",
  "mutation",
  "paths",
  "auth",
  "files",
  "middleware",
  "events",
  "half-surrogates",
  "wall-clock",
  "descriptor",
  "circuits",
  "limit-status",
  "hedging",
  "stream-files",
  "uploads",
  "downloads",
  "pages",
  "enclosing-deadlines",
  "closing",
  "home",
  "tls",
  "pool",
];
const LACKS_OF_FETCH: { readonly [feature: string]: string } = {
  tls: "fetch has no option for certificate authorities",
};

/** Every feature with true, or the reason why not. */
function supports(transport: string): object {
  const told = Object.fromEntries(FEATURES.map((name) => [name, true as boolean | string]));
  const core = Object.fromEntries(Object.keys(FUNCTIONS).map((name) => [`core.${name}`, true]));
  return { ...told, ...core, ...(transport === "fetch" ? LACKS_OF_FETCH : {}) };
}

function say(told: object): void {
  process.stdout.write(`${show(told)}\n`);
}

async function serve(transport: string): Promise<void> {
  const calls = new Calls(transport);
  await warmUp(calls);
  const running = new Set<Promise<void>>();
  for await (const line of createInterface({ input: process.stdin })) {
    const message = decode(line) as { [name: string]: unknown };
    if ("stop" in message) {
      break;
    }
    if ("start" in message) {
      say({ protocol: PROTOCOL, language: "typescript", supports: supports(transport) });
      continue;
    }
    const work = answered(message, calls).then(say);
    running.add(work);
    void work.finally(() => running.delete(work));
  }
  await Promise.all(running);
}

async function answered(message: { [name: string]: unknown }, calls: Calls): Promise<object> {
  if ("core" in message) {
    return { core: message["core"], ...(await answer(message["fn"] as string, message["input"])) };
  }
  return new ScenarioRun(message as unknown as Message, calls).run();
}

const { values } = parseArgs({ options: { transport: { type: "string", default: "node" } } });
await serve(values.transport);
process.exit(0);
