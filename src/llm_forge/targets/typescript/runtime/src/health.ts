/** Whether a provider answers, without an exception to catch. */

import type { CircuitState } from "./core/breaker.js";
import { ConfigError } from "./core/errors.js";
import type { FamilyState } from "./core/limiter/model.js";
import type { Operation, Profile } from "./core/profile.js";
import { defineOperation } from "./core/profile.js";

/**
 * What one cheap call showed, and what the client knows besides.
 *
 * `latency` is in seconds. `error` is the kind of what went wrong, such as `ConnectError`, `status` the server's
 * if it answered; both are null where `ok`. `circuits` are states by name, `limits` as `rateLimitStatus()` gives
 * them.
 */
export interface Health {
  readonly ok: boolean;
  readonly latency: number;
  readonly error: string | null;
  readonly status: number | null;
  readonly message: string | null;
  readonly circuits: Readonly<Record<string, CircuitState>>;
  readonly limits: Readonly<Record<string, readonly FamilyState[]>>;
}

/** The call that shows whether the API works; ConfigError if the description names none. */
export function probeOf(profile: Profile): Operation {
  const probe = profile.health;
  if (probe === null) {
    throw new ConfigError(
      `The description of ${profile.name} names no operation for healthCheck(): say x-forge health`,
    );
  }
  return defineOperation({
    name: probe.name,
    method: "GET",
    path: probe.path,
    group: probe.group ?? "default",
    answer: "json",
  });
}
