/**
 * Every operation, held against the wire cases of its description.
 *
 *     llm-forge simulate --wire tests/wire.json
 *
 * prints LLM_FORGE_WIRE_URL; the tests run where that variable is set. Each case has a base URL of its own. A
 * request that is not the one that the case demands is answered 400, with what differs.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import Client, { Download, ForgeError, Lines, Stream } from "../src/index.js";
import type { Facts } from "./operations.js";
import { OPERATIONS } from "./operations.js";

type Values = Readonly<Record<string, unknown>>;

interface Outcome {
  readonly gives: "json" | "lines" | "binary" | "empty" | "stream";
  readonly value?: unknown;
  readonly events?: number;
  readonly completion?: string;
  readonly error?: string;
  readonly status?: number;
}

interface Case {
  readonly id: string;
  readonly operation: string;
  readonly streaming?: boolean;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly outcome: Outcome;
}

interface Suite {
  readonly credential?: string;
  readonly cases: readonly Case[];
}

const SUITE = JSON.parse(readFileSync("tests/wire.json", "utf8")) as Suite;
const URL = process.env["LLM_FORGE_WIRE_URL"];
const skip = URL === undefined ? "LLM_FORGE_WIRE_URL is not set; see the README" : false;

for (const one of SUITE.cases) {
  test(one.id, { skip }, async () => {
    const key = SUITE.credential === undefined ? {} : { apiKey: SUITE.credential };
    const client = new Client({ ...key, baseURL: `${URL ?? ""}/${one.id}`, allowInsecureHttp: true });
    try {
      await check(client, one);
    } finally {
      await client.close();
    }
  });
}

async function check(client: Client, one: Case): Promise<void> {
  const { error } = one.outcome;
  if (error === undefined) {
    assert.deepEqual(await answered(called(client, one)), expected(one.outcome));
    return;
  }
  await assert.rejects(
    async () => answered(called(client, one)),
    (thrown) => {
      assert.ok(thrown instanceof ForgeError, String(thrown));
      assert.equal(thrown.kind, error, thrown.message);
      if (one.outcome.events === undefined) {
        assert.equal(thrown.status, one.outcome.status);
      } else {
        assert.equal(thrown.eventsSeen, one.outcome.events);
      }
      return true;
    },
  );
}

/** The operation's method, called with the case's arguments as a user would pass them. */
function called(client: Client, one: Case): unknown {
  const facts = OPERATIONS[one.operation];
  assert.ok(facts !== undefined, one.operation);
  const way = (one.streaming === true ? facts.stream : facts.method)?.split(".") ?? [];
  const name = way.pop() ?? "";
  const holder = way.reduce<unknown>((found, part) => (found as Values)[part], client) as Values;
  return (holder[name] as (...given: unknown[]) => unknown).apply(holder, passed(facts, one.arguments ?? {}));
}

/** The arguments of the method: those of the path, a body that is no object of fields, then the parameters. */
function passed(facts: Facts, given: Values): unknown[] {
  const found: unknown[] = (facts.path ?? []).map((wire) => at(given, "path", wire));
  if (facts.body === "whole") {
    found.push(ready(given["body"]));
  }
  if (facts.params !== undefined) {
    const body = facts.body === "fields" ? (ready(given["body"]) as Values | undefined) : {};
    const others = Object.entries(facts.params).map(([key, [place, wire]]) => [key, at(given, place, wire)]);
    found.push({ ...body, ...Object.fromEntries(others.filter(([, value]) => value !== undefined)) });
  }
  return found;
}

function at(given: Values, place: string, wire: string): unknown {
  return ready((given[place] as Values | undefined)?.[wire]);
}

/** What the call gives, with how a stream came to its end. */
async function answered(answer: unknown): Promise<unknown> {
  if (answer instanceof Stream) {
    const events = await listed(answer as AsyncIterable<unknown>);
    const value: unknown = await answer.result();
    return { value, events: events.length, completion: answer.completion };
  }
  if (answer instanceof Download) {
    return Buffer.from(await answer.read());
  }
  if (answer instanceof Lines) {
    return listed(answer as AsyncIterable<unknown>);
  }
  const found = await answer;
  // A page of a list has the answer as it came.
  return typeof found === "object" && found !== null && "nextPage" in found && "data" in found
    ? found.data
    : found;
}

async function listed(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const item of items) {
    found.push(item);
  }
  return found;
}

function expected(outcome: Outcome): unknown {
  const value = ready(outcome.value);
  return outcome.gives === "stream"
    ? { value, events: outcome.events, completion: outcome.completion }
    : value;
}

/** A value of the case with its files as bytes. */
function ready(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(ready);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const [first, ...others] = Object.entries(value);
  if (first?.[0] === "$base64" && others.length === 0) {
    return Buffer.from(String(first[1]), "base64");
  }
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, ready(entry)]));
}
