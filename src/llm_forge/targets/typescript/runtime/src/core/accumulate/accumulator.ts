/** What every stream family's accumulator offers. */

export type Completion = "explicit" | "inferred";

/** Puts the events of one stream together; `terminal` is true once the terminal event was added. */
export interface Accumulator {
  readonly terminal: boolean;
  /** Whether this data is not JSON but legal, such as `[DONE]`. */
  isSentinel(data: string): boolean;
  /** Whether this raw event is complete and ends the stream. */
  isTerminal(name: string, data: string): boolean;
  /**
   * Add one event: decoded JSON, or null for the sentinel; ignored after the terminal event.
   *
   * StreamProtocolError for events in an order that the family does not allow.
   */
  add(name: string, data: unknown): void;
  /**
   * The verdict if the body ended cleanly now; null: interrupted.
   *
   * Asked at the terminal event too: a sentinel after half a tool call is null.
   */
  ending(): Completion | null;
  /** The accumulated message in its unary form, or the list of the events; a fresh copy. */
  result(): unknown;
  /** The message so far; what is unfinished carries `"complete": false`. */
  partial(): unknown;
  /** The tokens used, as the stream has told them so far; null or undefined for nothing. */
  usage(): unknown;
  /** The text that this event adds, "" if none; of the first choice. */
  textOf(name: string, data: unknown): string;
  /** Whether this event carries content: no role-only and no empty delta. */
  isContent(data: unknown): boolean;
  /** The tool input so far at this index, as far as its bytes show it; undefined for nothing. */
  toolInput(index: number): unknown;
}
