/**
 * Options that no argument gives: from environment variables (R-001, R-002).
 *
 * The provider's own variables give key and base URL; every option that is a number of seconds has a variable
 * `LLM_FORGE_` and its name in capitals, and so has `maxAttempts`. "none" means no limit where the option has that.
 * A variable that is empty or only white space counts as unset.
 */

import { Credential } from "./auth/credential.js";
import type { Found } from "./config-source.js";
import { ConfigError } from "./core/errors.js";
import type { Profile } from "./core/profile.js";
import { Secret } from "./core/secrets.js";
import { clientSettings, DURATIONS, OPTIONAL_DURATIONS } from "./options.js";

export type Environment = Readonly<Record<string, string | undefined>>;

const OPTIONS = [...DURATIONS, ...OPTIONAL_DURATIONS, "maxAttempts"];

/** The environment of the process; none where there is no such thing. */
export function processEnvironment(): Environment {
  const { process } = globalThis as { process?: { env?: Environment } };
  return process?.env ?? {};
}

/** The first of these variables that says something, null if none does. */
function firstSet(env: Environment, names: readonly string[]): { name: string; text: string } | null {
  for (const name of names) {
    const text = env[name]?.trim() ?? "";
    if (text !== "") {
      return { name, text };
    }
  }
  return null;
}

/** One of these variables that is set but blank, null if there is none. */
export function blankOf(env: Environment, names: readonly string[]): string | null {
  return names.find((name) => env[name]?.trim() === "") ?? null;
}

/** The key from the provider's variables; ConfigError names one whose value cannot be a key. */
export function keyFrom(env: Environment, profile: Profile): Credential | null {
  const found = firstSet(env, profile.envApiKey);
  if (found === null) {
    return null;
  }
  const secret = Secret.clean(found.text, `the environment variable ${found.name}`);
  return Credential.from(secret, "apiKey", `environment ${found.name}`);
}

/** The base URL from the provider's variables. */
export function baseUrlFrom(env: Environment, profile: Profile): Found | null {
  const found = firstSet(env, profile.envBaseUrl);
  return found === null ? null : { value: found.text, source: `environment ${found.name}` };
}

/** The variable that gives an option: `LLM_FORGE_MAX_ATTEMPTS`. */
export function variableOf(option: string): string {
  return `LLM_FORGE_${option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** The options that the environment gives; those of `without` are not looked at. */
export function optionsFrom(env: Environment, without: readonly string[]): ReadonlyMap<string, Found> {
  const found = new Map<string, Found>();
  for (const option of OPTIONS.filter((name) => !without.includes(name))) {
    const variable = variableOf(option);
    const text = env[variable]?.trim() ?? "";
    if (text !== "") {
      found.set(option, { value: checked(option, variable, text), source: `environment ${variable}` });
    }
  }
  return found;
}

function checked(option: string, variable: string, text: string): number | null {
  const isNone = text.toLowerCase() === "none" && (OPTIONAL_DURATIONS as readonly string[]).includes(option);
  const value = isNone ? null : Number(text);
  try {
    clientSettings({ [option]: value });
  } catch (error) {
    throw error instanceof ConfigError
      ? new ConfigError(`The environment variable ${variable}: ${error.message}`)
      : error;
  }
  return value;
}
