/**
 * What a configuration file may say about a provider, and the options that it means.
 *
 *     providers:
 *       anthropic:
 *         api_key: env:TEAM_KEY                  # a reference, never the key itself
 *         timeout: 30                            # options by their names, with underscores
 *         retry: {max_attempts: 5, backoff_factor: 2, max_wait: 30, respect_retry_after: true}
 *         rate_limit: {requests_per_minute: 60, tokens_per_minute: 90000}
 *
 * Credentials are references: `env:NAME`, `file:PATH` (relative to the file), or `cmd:COMMAND`, which is run without a
 * shell when the key is first needed. The keys models, aliases, default_model, kind and optimizations belong to tools
 * that share the file.
 */

import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

import { Credential } from "../auth/credential.js";
import type { ConfigSource, Found } from "../config-source.js";
import { AuthError, ConfigError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";
import { namesASecret } from "../core/redact.js";
import { Secret } from "../core/secrets.js";
import { processEnvironment } from "../environment.js";
import { clientSettings, FILE_NAMES } from "../options.js";
import { keyFile } from "./files.js";
import { parseYaml, Place } from "./yaml.js";

const MOST_BYTES = 1024 * 1024;
const COMMAND_MILLISECONDS = 30_000;
const FORMS = "env:NAME, file:PATH or cmd:COMMAND";
const ROOT_KEYS = ["providers", "models", "aliases", "default_model"];
const KEYS_OF_OTHERS = ["kind", "models", "optimizations"];
const GROUPS = ["retry", "rate_limit"];
const RETRY: Readonly<Record<string, readonly string[]>> = {
  max_attempts: ["maxAttempts"],
  backoff_factor: ["backoffFactor"],
  max_wait: ["maxBackoff", "maxServerWait"],
  respect_retry_after: ["respectRetryAfter"],
};
const RATE_LIMIT: Readonly<Record<string, "requests" | "tokens">> = {
  requests_per_minute: "requests",
  tokens_per_minute: "tokens",
};
const KNOWN = [...GROUPS, ...KEYS_OF_OTHERS, ...FILE_NAMES.map(snakeCase)];

/** A configuration file, read and checked: give it to clients as `config`. */
export class ConfigFile implements ConfigSource {
  readonly #providers: ReadonlyMap<string, Place>;
  readonly #env: Readonly<Record<string, string | undefined>>;

  /**
   * Read a file; `~/` is the home folder. References to variables look into `env`, the process's by default.
   *
   * ConfigError with file and line for what it may not say.
   */
  constructor(path: string, env?: Readonly<Record<string, string | undefined>>) {
    this.#env = env ?? processEnvironment();
    const file = path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
    const root = parseYaml(textOf(file), file);
    checkKeys(root, ROOT_KEYS);
    const providers = root.entries().find(([name]) => name === "providers")?.[1];
    this.#providers = new Map(providers?.entries() ?? []);
    for (const provider of this.#providers.values()) {
      checkKeys(provider, KNOWN);
    }
  }

  options(provider: string, without: readonly string[]): ReadonlyMap<string, Found> {
    const found = new Map<string, Found>();
    for (const [key, place] of this.#providers.get(provider)?.entries() ?? []) {
      for (const [name, read] of this.#optionsOf(key, place)) {
        if (!without.includes(name)) {
          found.set(name, { value: read(), source: String(place) });
        }
      }
    }
    return found;
  }

  /** The options that a key means, each with what reads it: those of a higher layer are never read. */
  #optionsOf(key: string, place: Place): readonly (readonly [string, () => unknown])[] {
    if (KEYS_OF_OTHERS.includes(key)) {
      return [];
    }
    if (key === "rate_limit") {
      return [["limits", () => limitsAt(place)]];
    }
    if (key !== "retry") {
      const name = camelCase(key);
      return [[name, () => this.#value(name, place)]];
    }
    checkKeys(place, Object.keys(RETRY));
    return place.entries().flatMap(([one, value]) => {
      return (RETRY[one] ?? []).map((name) => [name, () => checked(name, value.plain(), value)] as const);
    });
  }

  #value(name: string, place: Place): unknown {
    switch (name) {
      case "apiKey":
        return this.#credential(place);
      case "baseURL":
        return typeof place.value === "string" && place.value.startsWith("env:")
          ? this.#variable(place.value.slice(4), place)
          : place.plain();
      case "headers":
        for (const [header, value] of place.entries()) {
          if (namesASecret(header)) {
            throw value.error("a credential does not belong here; use api_key with a reference");
          }
        }
        return checked(name, place.plain(), place);
      default:
        return checked(name, camelFields(place.plain()), place);
    }
  }

  /** The credential that a reference means; ConfigError for anything else, without showing it. */
  #credential(place: Place): Credential {
    if (typeof place.value !== "string") {
      throw place.error(`expected a reference (${FORMS}), found ${place.kind}`);
    }
    const [form = "", ...more] = place.value.split(":");
    const rest = more.join(":");
    if (form === "env" && rest !== "") {
      const secret = Secret.clean(this.#variable(rest, place), `${String(place)}: the variable ${rest}`);
      return Credential.from(secret, "apiKey", `${String(place)}, environment ${rest}`);
    }
    if (form === "file" && rest !== "") {
      const path = isAbsolute(rest) ? rest : join(dirname(place.file), rest);
      return Credential.from(keyFile(path), "apiKey", `${String(place)}, file ${rest}`);
    }
    if (form === "cmd" && rest.trim() !== "") {
      return commandCredential(rest.trim().split(/\s+/), String(place));
    }
    throw place.error(`must be a reference (${FORMS}), not the credential itself`);
  }

  #variable(name: string, place: Place): string {
    const text = this.#env[name]?.trim() ?? "";
    if (text === "") {
      throw place.error(`the environment variable ${name} is not set`);
    }
    return text;
  }
}

function textOf(file: string): string {
  try {
    if (statSync(file).size > MOST_BYTES) {
      throw new ConfigError(`${file}: a configuration of more than 1 MiB is refused`);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof ConfigError) {
      throw error;
    }
    throw new ConfigError(`${file}: the configuration cannot be read`);
  }
}

function checkKeys(place: Place, known: readonly string[]): void {
  for (const [name, value] of place.entries()) {
    if (!known.includes(name)) {
      const near = nearest(name, known);
      const hint = near === null ? `known ones: ${known.join(", ")}` : `did you mean ${near}?`;
      throw value.error(`Unknown key "${name}"; ${hint}`);
    }
  }
}

/** A value as the client's own option takes it. */
function checked(name: string, value: unknown, place: Place): unknown {
  try {
    clientSettings({ [name]: value });
  } catch (error) {
    throw error instanceof ConfigError ? place.error(error.message) : error;
  }
  return value;
}

function limitsAt(group: Place): unknown {
  checkKeys(group, Object.keys(RATE_LIMIT));
  return group.entries().map(([name, place]) => {
    const amount = place.value;
    if (typeof amount !== "number" || !Number.isInteger(amount) || amount < 1) {
      throw place.error("must be a whole number from 1");
    }
    const unit = RATE_LIMIT[name];
    // A minute's tokens at once: a request may need more than ten seconds' worth of them.
    return { unit, amount, period: 60, burst: unit === "tokens" ? amount : null };
  });
}

/** Asks a command for the key once, when it is first needed. */
function commandCredential(words: readonly string[], where: string): Credential {
  const [command = "", ...rest] = words;
  const source = `${where}, command ${command}`;
  let asked: Promise<string> | null = null;
  const ask = (): Promise<string> => {
    asked ??= output(command, rest, source).catch((error: unknown) => {
      asked = null;
      throw error;
    });
    return asked;
  };
  return Credential.from(ask, "apiKey", source);
}

function output(command: string, rest: readonly string[], source: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, rest, { timeout: COMMAND_MILLISECONDS, encoding: "utf8" }, (error, text) => {
      if (error === null) {
        resolve(text);
      } else {
        reject(
          new AuthError(`The credential's command failed (${source}): ${String(error.code ?? "killed")}`),
        );
      }
    });
  });
}

function snakeCase(name: string): string {
  return name === "baseURL" ? "base_url" : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name === "base_url"
    ? "baseURL"
    : name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The fields of an object, and of what it holds, by their names in this language. */
function camelFields(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(camelFields);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [camelCase(name), camelFields(one)]));
}
