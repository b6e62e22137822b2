/**
 * Lines in a log for those who ask for them.
 *
 *     new Anthropic({ middleware: [logging(console)] })
 *
 * Without it a client logs nothing. `info` has one line a call and one a retry, `debug` every event; none has
 * content, credentials or `callMetadata`. Bodies need `logContent: true` as well as a logger with `debug`.
 */

import { show } from "./core/json.js";
import type { ForgeEvent } from "./events.js";
import type { Logger } from "./log.js";
import type { Middleware } from "./middleware.js";

const AT_INFO: ReadonlySet<string> = new Set([
  "call-end",
  "retry",
  "breaker",
  "budget-exhausted",
  "stream-interrupted",
]);
const TOO_LONG: ReadonlySet<string> = new Set(["gaps"]);

/** Middleware that writes what happens in calls; with `logContent` also bodies, credentials redacted. */
export function logging(logger: Logger, options: { readonly logContent?: boolean } = {}): Middleware {
  return {
    onEvent(event) {
      logger[AT_INFO.has(event.name) ? "info" : "debug"]?.(lineOf(event));
    },
    ...(options.logContent === true && {
      onContent(context, kind, text) {
        logger.debug?.(`${kind} callId=${context.callId} body=${text}`);
      },
    }),
  };
}

/** An event as one line: its name, its call, and its facts as name=value. */
export function lineOf(event: ForgeEvent): string {
  const { provider, operation, model, attempt, callId } = event.context;
  const shown = { provider, operation, model, ...event.facts, attempt, callId };
  const pairs = Object.entries(shown).filter(([name, value]) => value !== null && !TOO_LONG.has(name));
  return [event.name, ...pairs.map(([name, value]) => `${name}=${shownValue(value)}`)].join(" ");
}

/** A value that cannot be taken for another fact, or another line. */
function shownValue(value: unknown): string {
  if (typeof value === "number") {
    return Number.isInteger(value) ? String(value) : value.toFixed(3);
  }
  const text = typeof value === "string" ? value : show(value);
  return /^[!-~]+$/.test(text) ? text : show(text);
}
