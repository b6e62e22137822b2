/** What is known of a call from its start: handed to middleware, hooks and errors. */

export type Plain = string | number | boolean | null;

/**
 * One call, or one attempt of it; frozen, with no content and no credential in it.
 *
 * `callId` is 128 random bits in hexadecimal, the same for all attempts. `attempt` counts from 1 and is 0
 * before the first. `started` and `deadline` are seconds of the client's monotonic clock, `deadline` null for
 * no limit. `origin` is where requests go: scheme, host and port. `traceParent` and `metadata` are what the
 * caller gave with the call (`callMetadata`).
 */
export interface CallContext {
  readonly callId: string;
  readonly provider: string;
  readonly operation: string;
  readonly model: string | null;
  readonly stream: boolean;
  readonly attempt: number;
  readonly started: number;
  readonly deadline: number | null;
  readonly origin: string;
  readonly traceParent: string | null;
  readonly metadata: Readonly<Record<string, Plain>>;
}

/** The context of something that no call has caused. */
export function contextOfNobody(provider: string): CallContext {
  return Object.freeze({
    callId: "",
    provider,
    operation: "",
    model: null,
    stream: false,
    attempt: 0,
    started: 0,
    deadline: null,
    origin: "",
    traceParent: null,
    metadata: {},
  });
}
