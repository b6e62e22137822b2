/** Where the library itself says something, which is seldom: to whoever sets it, else to nobody. */

export type LogLevel = "debug" | "info" | "warn";
export type Logger = Partial<Record<LogLevel, (line: string) => void>>;

/** Writes what happens in calls to a logger such as `console`. */
let library: Logger = {};

/** Let the library tell this logger what no call is to fail for, such as a stream whose completion was inferred. */
export function setLogger(logger: Logger): void {
  library = logger;
}

/** Say something to whoever listens. */
export function warn(line: string): void {
  library.warn?.(line);
}
