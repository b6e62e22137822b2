/** Middleware that notes where a call has come to, and does what a scenario says. */

import { UnavailableError } from "../../../src/llm_forge/targets/typescript/runtime/src/core/errors.js";
import type { CallContext } from "../../../src/llm_forge/targets/typescript/runtime/src/core/call-context.js";
import { show } from "../../../src/llm_forge/targets/typescript/runtime/src/core/json.js";
import type { Decoded } from "../../../src/llm_forge/targets/typescript/runtime/src/core/stream.js";
import { textOf } from "../../../src/llm_forge/targets/typescript/runtime/src/core/text.js";
import type { Middleware, Proceed, Request } from "../../../src/llm_forge/targets/typescript/runtime/src/middleware.js";
import { Response } from "../../../src/llm_forge/targets/typescript/runtime/src/middleware.js";
import { inspect } from "node:util";

import { CallerError, CURRENT } from "./outcomes.js";

type Deed = "pass" | "raise" | "unavailable" | "answer" | "origin";

export interface Told {
  readonly name: string;
  readonly call?: Deed;
  readonly attempt?: Deed;
}

/** The middleware that a scenario tells. */
export function recorder(told: Told): Middleware {
  return {
    call: async (context, request, proceed) => {
      const response = await around(told, "call", context, request, proceed);
      return response.isStream ? response.withEvents((events) => counted(told, events)) : response;
    },
    attempt: (context, request, proceed) => around(told, "attempt", context, request, proceed),
  };
}

function note(text: string): void {
  CURRENT.getStore()?.story.push(text);
}

async function around(
  told: Told,
  level: "call" | "attempt",
  context: CallContext,
  request: Request,
  proceed: Proceed,
): Promise<Response> {
  note(`${told.name} ${level} ${context.attempt}`);
  const body = request.body instanceof Uint8Array ? textOf(request.body) : "";
  CURRENT.getStore()?.shown.push(`${inspect(request)} ${request.url} ${show(request.headers.pairs())} ${body}`);
  try {
    switch (told[level] ?? "pass") {
      case "raise":
        throw new CallerError("the caller's own");
      case "unavailable":
        if (context.attempt <= 1) {
          throw new UnavailableError("made up", { status: 503 });
        }
        return await proceed(request);
      case "answer":
        return new Response({ id: "from-middleware" });
      case "origin":
        return await proceed(request.withUrl("https://elsewhere.test/"));
      case "pass":
        return await proceed(request);
    }
  } finally {
    note(`${told.name} ${level} ${context.attempt} end`);
  }
}

async function* counted(told: Told, events: AsyncIterable<Decoded>): AsyncIterable<Decoded> {
  let count = 0;
  for await (const event of events) {
    count += 1;
    yield event;
  }
  note(`${told.name} read ${count}`);
}
