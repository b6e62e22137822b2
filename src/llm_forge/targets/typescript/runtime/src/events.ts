/**
 * What happens inside calls, told to whoever wants to know.
 *
 * A hook is a function of one event, called in place: it should be quick, because the call waits for it. A hook
 * that throws never changes a call; it is counted.
 */

import type { CallContext } from "./core/call-context.js";

export type EventName =
  | "call-start"
  | "call-end"
  | "attempt-start"
  | "attempt-end"
  | "retry"
  | "limiter-wait"
  | "breaker"
  | "token-refresh"
  | "stream-first-content"
  | "stream-end"
  | "stream-interrupted"
  | "budget-exhausted";

/** One thing that happened; `facts` holds plain values, never content or secrets. */
export interface ForgeEvent {
  readonly name: EventName;
  readonly context: CallContext;
  readonly facts: Readonly<Record<string, unknown>>;
}

export type Hook = (event: ForgeEvent) => void;
export type ContentKind = "request" | "response";
export type Reader = (context: CallContext, kind: ContentKind, text: string) => void;
export type Emit = (name: EventName, facts?: Readonly<Record<string, unknown>>) => void;

/**
 * Hands events to the user's functions, in their order.
 *
 * `readers` are given bodies; there are none unless somebody asked for content.
 */
export class Hooks {
  failures = 0;

  constructor(
    private readonly functions: readonly Hook[] = [],
    readonly readers: readonly Reader[] = [],
  ) {}

  /** Whether anybody listens; nothing is made for nobody. */
  get any(): boolean {
    return this.functions.length > 0 || this.readers.length > 0;
  }

  /** Call every hook; what one throws keeps it from nobody else. */
  tell(event: ForgeEvent): void {
    for (const hook of this.functions) {
      this.#guarded(() => {
        hook(event);
      });
    }
  }

  /** Call every reader with a body. */
  tellContent(context: CallContext, kind: ContentKind, text: string): void {
    for (const reader of this.readers) {
      this.#guarded(() => {
        reader(context, kind, text);
      });
    }
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch {
      this.failures += 1;
    }
  }
}
