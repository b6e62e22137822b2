/** What gives a client the options that neither arguments nor the environment give. */

/** A value and where it was found. */
export interface Found {
  readonly value: unknown;
  readonly source: string;
}

/** A configuration, such as `ConfigFile` of the `node` part. */
export interface ConfigSource {
  /** The options for a provider; those of `without` are not looked at, since a higher layer has them. */
  options(provider: string, without: readonly string[]): ReadonlyMap<string, Found>;
}
