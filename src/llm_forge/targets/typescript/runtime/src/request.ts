/** What an operation's arguments become, by wire name; a value that is undefined is left out. */
export interface RequestParts {
  readonly path?: Readonly<Record<string, unknown>> | undefined;
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly cookies?: Readonly<Record<string, unknown>> | undefined;
  readonly body?: unknown;
  /** Absolute; stands for base URL, path and query. */
  readonly url?: string | undefined;
}
