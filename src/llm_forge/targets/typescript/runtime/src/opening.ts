/**
 * Opening a stream: a call, its attempts, and what kind of answer it is that came.
 *
 * Some servers answer a stream call with one whole result, and some label a real event stream wrongly, or not at
 * all: where the label does not say it, the first bytes do.
 */

import { invalidResponse, mediaType, NO_CONTENT, readResult } from "./answer.js";
import { acquire, isGood, readBody, readChunk, refuse, send } from "./attempt.js";
import { run } from "./call.js";
import type { Call } from "./context.js";
import { outcomeName } from "./context.js";
import { ConnectionLostError, ProtocolError } from "./core/errors.js";
import { isObject } from "./core/json.js";
import type { StreamRule } from "./core/profile.js";
import type { Events } from "./core/synthesise.js";
import { synthesise } from "./core/synthesise.js";
import { textOf } from "./core/text.js";
import { Lease } from "./lease.js";
import { through } from "./middleware.js";
import { Pump } from "./pump.js";
import type { Exchange, HttpRequest } from "./transport.js";
import { joined } from "./uploads.js";

const EVENT_STREAM: readonly (string | null)[] = ["text/event-stream"];
const JSON_LINES: readonly (string | null)[] = [
  "application/x-ndjson",
  "application/ndjson",
  "application/jsonl",
  "application/stream+json",
];
const UNLABELLED: readonly (string | null)[] = [null, "text/plain", "application/octet-stream"];
const EVENT_STREAM_START = /^(?:data:|event:|:|id:|retry:|\ufeff)/;
const WHOLE_START = /^[{[<]/;
/** The longest start of an event stream. */
const ENOUGH_CHARACTERS = 6;

/** A stream call from its start to its open stream; the call ends with the stream. */
export async function openCall(call: Call): Promise<Pump> {
  const opened: Pump[] = [];
  let pump: Pump | null = null;
  call.begin();
  try {
    const answer = await through(call, call.shared.steps.call, call.prepared.request, async (request) => {
      const found = await run(call.asking(request), openStream);
      opened.push(found);
      return found;
    });
    pump = answer instanceof Pump ? answer : new Pump(call, new Lease(call), ruleOf(call)).takeWhole(answer);
  } catch (error) {
    call.finish(outcomeName(error, call.signal));
    throw error;
  } finally {
    await Promise.all(opened.filter((one) => one !== pump).map((one) => one.end(null)));
  }
  pump.handOver();
  return pump;
}

function ruleOf(call: Call): StreamRule {
  const rule = call.operation.stream;
  if (rule === null) {
    throw new TypeError(`${call.operation.name} does not stream`);
  }
  return rule;
}

/** One attempt to open a stream: a pump that has an event ready or is at its end. */
async function openStream(call: Call): Promise<Pump> {
  const rule = ruleOf(call);
  const lease = await acquire(call);
  const pump = new Pump(call, lease, rule);
  try {
    const answer = await through(call, call.shared.steps.attempt, call.prepared.request, (request) =>
      begin(pump, lease, request),
    );
    if (answer !== pump) {
      await lease.close();
      pump.takeWhole(answer);
    }
  } catch (error) {
    lease.end(error);
    await lease.close();
    throw error;
  }
  return pump;
}

/** Send the request and read up to the first application event or the end. */
async function begin(pump: Pump, lease: Lease, request: HttpRequest): Promise<Pump> {
  const { call } = pump;
  const ends = pump.began + call.settings.firstEventTimeout;
  const exchange = await send(call, lease, request, ends);
  if (!isGood(exchange)) {
    throw await refuse(call, exchange, ends);
  }
  if (NO_CONTENT.has(exchange.status)) {
    throw invalidResponse(call, exchange, `The ${exchange.status} answer is empty`, new Uint8Array());
  }
  pump.attach(exchange);
  const labels = pump.rule.ndjson ? JSON_LINES : EVENT_STREAM;
  if (labels.includes(mediaType(exchange)) || !(await isWhole(pump, exchange, ends))) {
    await pump.begin();
  }
  return pump;
}

/** Whether the answer is no event stream; then it was taken as the whole result. */
async function isWhole(pump: Pump, exchange: Exchange, ends: number): Promise<boolean> {
  const first = await firstBytes(pump, exchange, ends);
  if (looksStreamed(pump.rule, mediaType(exchange), textOf(first).trimStart())) {
    pump.feed(first);
    return false;
  }
  pump.takeEvents(whole(pump, exchange, await readBody(pump.call, exchange, ends, first)));
  return true;
}

function looksStreamed(rule: StreamRule, kind: string | null, head: string): boolean {
  if (rule.ndjson) {
    // A line and a whole answer look the same: only the label tells.
    return UNLABELLED.includes(kind) && !head.startsWith("<");
  }
  return kind === null ? !WHOLE_START.test(head) : EVENT_STREAM_START.test(head);
}

async function firstBytes(pump: Pump, exchange: Exchange, ends: number): Promise<Uint8Array> {
  let first = new Uint8Array();
  try {
    while (textOf(first).trimStart().length < ENOUGH_CHARACTERS) {
      const chunk = await readChunk(pump.call, exchange, ends, "body");
      if (chunk === null) {
        break;
      }
      first = Uint8Array.from(joined([first, chunk]));
    }
  } catch (error) {
    const lost = error instanceof ConnectionLostError || error instanceof ProtocolError;
    throw lost ? pump.withPartial(pump.broken().because(error)) : error;
  }
  return first;
}

function whole(pump: Pump, exchange: Exchange, body: Uint8Array): Events {
  const result = readResult(pump.call, exchange, body);
  const events = isObject(result) ? synthesise(pump.rule.family, result) : null;
  if (events === null) {
    const message = "The answer to a stream request is neither an event stream nor a result";
    throw invalidResponse(pump.call, exchange, message, body);
  }
  return events;
}
