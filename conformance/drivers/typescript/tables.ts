/** What the driver knows of providers, and how it makes their clients' calls. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Client } from "../../../src/llm_forge/targets/typescript/runtime/src/client.js";
import type { Operation, OperationFacts, ProfileFacts, Shape } from "../../../src/llm_forge/targets/typescript/runtime/src/core/profile.js";
import { defineOperation, defineProfile } from "../../../src/llm_forge/targets/typescript/runtime/src/core/profile.js";
import { FetchTransport } from "../../../src/llm_forge/targets/typescript/runtime/src/fetch-transport.js";
import { NodeTransport } from "../../../src/llm_forge/targets/typescript/runtime/src/node/transport.js";
import type { ClientOptions } from "../../../src/llm_forge/targets/typescript/runtime/src/options.js";
import type { RequestParts } from "../../../src/llm_forge/targets/typescript/runtime/src/request.js";
import type { Transport } from "../../../src/llm_forge/targets/typescript/runtime/src/transport.js";

type Values = { [name: string]: unknown };

interface ShapeTable {
  readonly required?: string[];
  readonly fields?: { [name: string]: ShapeTable };
  readonly items?: ShapeTable;
}

type OperationTable = Omit<OperationFacts, "shape"> & {
  readonly places: { [name: string]: "path" | "query" | "header" | "cookie" };
  readonly shape: ShapeTable;
};

interface ProviderTable {
  readonly client: string;
  readonly profile: ProfileFacts;
  readonly operations: { [name: string]: OperationTable };
}

/** What a scenario takes for the provider's description instead of what that says. */
export interface Descriptor {
  readonly replay?: "safe" | "keyed" | "once" | null;
  readonly idempotency_header?: string | null;
  readonly attempt_header?: string | null;
  readonly previous_attempts_header?: string | null;
}

// The compiled driver lies in build/typescript-driver/conformance/drivers/typescript/.
const TABLES = join(dirname(fileURLToPath(import.meta.url)), "../../../tables.json");

/** The providers' tables, over one kind of transport. */
export class Calls {
  readonly #tables: { [provider: string]: ProviderTable };

  constructor(readonly transport: string) {
    this.#tables = JSON.parse(readFileSync(TABLES, "utf8")) as { [provider: string]: ProviderTable };
  }

  /** A client of a provider; `ca` is the path of a PEM file of the only authorities to trust. */
  client(provider: string, options: ClientOptions, descriptor: Descriptor = {}, ca: string | null = null): Client {
    const { client, profile } = this.#table(provider);
    const headers = Object.entries({
      idempotencyHeader: descriptor.idempotency_header,
      attemptHeader: descriptor.attempt_header,
      previousAttemptsHeader: descriptor.previous_attempts_header,
    }).filter(([, name]) => name !== undefined && name !== null);
    const facts = { ...profile, ...Object.fromEntries(headers) } as ProfileFacts;
    return new Client(defineProfile(facts), { ...options, transport: this.#transport(options, ca) }, client);
  }

  #transport(options: ClientOptions, ca: string | null): Transport {
    if (this.transport === "fetch") {
      return new FetchTransport(undefined, { connections: 100, idle: 20, idleSeconds: 30, keepaliveSeconds: 60, ...options.pool });
    }
    return new NodeTransport({ ...(options.pool && { pool: options.pool }), ...(ca !== null && { ca: readFileSync(ca, "utf8") }) });
  }

  /** An operation of a provider, of this replay class if one is given. */
  operation(provider: string, name: string, replay?: "safe" | "keyed" | "once" | null): Operation {
    const { shape, places: _, ...facts } = this.#operation(provider, name);
    return defineOperation({ ...facts, ...(replay ? { replay } : {}), shape: () => shapeOf(shape) });
  }

  /** Arguments by wire name as the parts of a request. */
  parts(provider: string, name: string, args: Values): RequestParts {
    const { places, hasBody, body } = this.#operation(provider, name);
    const of = (place: string): Values =>
      Object.fromEntries(Object.entries(args).filter(([field]) => (places[field] ?? "body") === place));
    const fields = of("body");
    return {
      path: of("path"),
      query: of("query"),
      headers: of("header"),
      cookies: of("cookie"),
      ...(hasBody === true ? { body: body?.kind === "binary" ? Object.values(fields)[0] : fields } : {}),
    };
  }

  #table(provider: string): ProviderTable {
    const table = this.#tables[provider];
    if (table === undefined) {
      throw new Error(`no table of ${provider}`);
    }
    return table;
  }

  #operation(provider: string, name: string): OperationTable {
    const operation = this.#table(provider).operations[name];
    if (operation === undefined) {
      throw new Error(`no operation ${name} of ${provider}`);
    }
    return operation;
  }
}

function shapeOf(table: ShapeTable): Shape {
  const { items } = table;
  const fields = Object.entries(table.fields ?? {}).map(([name, inner]) => [name, () => shapeOf(inner)]);
  return {
    required: table.required ?? [],
    fields: Object.fromEntries(fields) as { [name: string]: () => Shape },
    ...(items && { items: () => shapeOf(items) }),
  };
}
