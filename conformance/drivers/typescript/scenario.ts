/**
 * Runs a scenario's steps against one client.
 *
 * Whoever is awake holds a token of the clock. A step hands its token to its call and takes it back, so that the clock
 * never jumps between two steps.
 */

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";

import { ApiKey } from "../../../src/llm_forge/targets/typescript/runtime/src/auth/api-key.js";
import { Basic } from "../../../src/llm_forge/targets/typescript/runtime/src/auth/basic.js";
import { Bearer } from "../../../src/llm_forge/targets/typescript/runtime/src/auth/bearer.js";
import { OAuth2 } from "../../../src/llm_forge/targets/typescript/runtime/src/auth/oauth2.js";
import type { Client } from "../../../src/llm_forge/targets/typescript/runtime/src/client.js";
import { ForgeError } from "../../../src/llm_forge/targets/typescript/runtime/src/core/errors.js";
import { defineOperation } from "../../../src/llm_forge/targets/typescript/runtime/src/core/profile.js";
import { deadline } from "../../../src/llm_forge/targets/typescript/runtime/src/deadline-signal.js";
import type { Download } from "../../../src/llm_forge/targets/typescript/runtime/src/download.js";
import type { ForgeEvent } from "../../../src/llm_forge/targets/typescript/runtime/src/events.js";
import { ConfigFile, fileFromPath, keyFile, saveDownload, streamToFile } from "../../../src/llm_forge/targets/typescript/runtime/src/node/index.js";
import type { ClientOptions, RequestOptions } from "../../../src/llm_forge/targets/typescript/runtime/src/options.js";
import type { Stream } from "../../../src/llm_forge/targets/typescript/runtime/src/stream.js";
import { Upload } from "../../../src/llm_forge/targets/typescript/runtime/src/uploads.js";
import { camel, camelName } from "./casing.js";
import type { ClockOptions } from "./clock.js";
import { VirtualClock } from "./clock.js";
import { CallerError, Cancelled, CURRENT, errorFact, outcomeOf, Record, shownOf } from "./outcomes.js";
import type { Told } from "./recorders.js";
import { recorder } from "./recorders.js";
import type { Calls, Descriptor } from "./tables.js";

type Values = { [name: string]: unknown };

interface Consume {
  readonly close_after?: number | null;
  readonly abandon_after?: number | null;
  readonly raise_after?: number | null;
  readonly sleep_each?: number;
  readonly again?: boolean;
  readonly to_file?: boolean;
  readonly before?: string | null;
}

interface CallStep {
  readonly do: "call";
  readonly operation: string;
  readonly args?: Values;
  readonly options?: Values;
  readonly stream?: Consume | null;
  readonly read?: { readonly to: "bytes" | "folder" | "items" | "lines"; readonly pages?: number | null } | null;
  readonly within?: number | null;
  readonly times?: number;
  readonly together?: boolean;
  readonly background?: boolean;
  readonly during?: { readonly at: number; readonly do: "cancel" | "mutate" } | null;
}

type Step =
  | CallStep
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "wall"; readonly seconds: number }
  | { readonly do: "switch"; readonly operation: string; readonly to: "disable" | "force-open" | "reset" }
  | { readonly do: "close" };

export interface Message {
  readonly call: number;
  readonly provider: string;
  readonly base_url?: string | null;
  readonly steps: readonly Step[];
  readonly options?: Values;
  readonly env?: { [name: string]: string };
  readonly keys?: string[];
  readonly files?: { [name: string]: string };
  readonly home?: { [name: string]: string };
  readonly middleware?: readonly Told[];
  readonly descriptor?: Descriptor | null;
  readonly clock?: ClockOptions;
  readonly random?: number;
}

/** Real milliseconds that an abandoned stream has to be collected and closed. */
const FAREWELL = 30;
const NEVER = new AbortController().signal;
const LINES = defineOperation({
  name: "lines",
  method: "GET",
  path: "",
  answer: "lines",
  accept: "application/jsonl",
});

/** One scenario. */
export class ScenarioRun {
  readonly #clock: VirtualClock;
  readonly #shown: string[] = [];
  readonly #calls: Promise<object>[] = [];
  readonly #records = new Map<string, Record>();
  #client: Client | null = null;

  constructor(
    private readonly message: Message,
    private readonly calls: Calls,
  ) {
    this.#clock = new VirtualClock(message.clock ?? {}, (seconds) => CURRENT.getStore()?.sleeps.push(seconds));
  }

  /** The scenario's answer. */
  async run(): Promise<object> {
    const folder = await mkdtemp(join(tmpdir(), "forge-"));
    try {
      for (const [name, text] of Object.entries({ ...this.message.files, ...this.message.home })) {
        await writeFile(join(folder, name), text);
      }
      return await this.#answer(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  async #answer(folder: string): Promise<object> {
    const { call } = this.message;
    const home = this.#setHome(folder);
    try {
      this.#client = this.#built(folder);
    } catch (error) {
      this.#shown.push(shownOf(error));
      home();
      return { call, error: errorFact(error), shown: this.#shown.join("\n") };
    }
    const outcomes = await this.#steps();
    home();
    const client = this.#own;
    this.#shown.push(`${inspect(client, { showHidden: true, depth: 6 })} ${JSON.stringify(client)} ${String(client)}`);
    return {
      call,
      outcomes,
      circuits: client.circuitStates(),
      limits: this.#limits(),
      shown: this.#shown.join("\n"),
    };
  }

  get #own(): Client {
    if (this.#client === null) {
      throw new Error("there is no client");
    }
    return this.#client;
  }

  /** The user's home folder for as long as the scenario runs; the result puts it back. */
  #setHome(folder: string): () => void {
    if (Object.keys(this.message.home ?? {}).length === 0) {
      return () => undefined;
    }
    const before = process.env["HOME"];
    process.env["HOME"] = folder;
    return () => {
      process.env["HOME"] = before;
    };
  }

  /** Tell a call's record; a stream that the engine collects ends outside of its call. */
  #note(event: ForgeEvent): void {
    const { callId } = event.context;
    const record = CURRENT.getStore() ?? this.#records.get(callId);
    if (record !== undefined) {
      this.#records.set(callId, record);
      record.note(event);
    }
  }

  #limits(): object {
    const status = Object.entries(this.#own.rateLimitStatus());
    return Object.fromEntries(
      status.map(([name, found]) => [
        name,
        found.map(({ resetsIn, ...facts }) => ({ ...facts, resets_in: resetsIn })),
      ]),
    );
  }

  #built(folder: string): Client {
    const { message } = this;
    const { ca_bundle: ca, config, ...rest } = this.#withFiles(message.options ?? {}, folder);
    const options = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [optionName(name), optionValue(name, value)]),
    );
    const keys = message.keys?.values();
    const chance = message.random ?? 1;
    const made = {
      ...options,
      ...(message.base_url ? { baseURL: message.base_url } : {}),
      ...(keys && message.keys?.length ? { apiKey: () => keys.next().value ?? "" } : {}),
      ...(typeof config === "string" ? { config: new ConfigFile(config, { ...message.env }) } : {}),
      env: { ...message.env },
      clock: this.#clock,
      random: () => chance,
      onEvent: (event) => {
        this.#note(event);
      },
      middleware: (message.middleware ?? []).map(recorder),
    } as ClientOptions;
    const authorities = typeof ca === "string" ? ca : null;
    return this.calls.client(message.provider, made, message.descriptor ?? {}, authorities);
  }

  /** Options in which `{file: name}` has become what that file means: a key, or the path of authorities. */
  #withFiles(options: Values, folder: string): Values {
    return Object.fromEntries(
      Object.entries(options).map(([name, value]) => {
        const file = (value as { file?: string } | null)?.file;
        if (file === undefined) {
          return [name, value];
        }
        const path = join(folder, file);
        return [name, name === "api_key" ? keyFile(path) : path];
      }),
    );
  }

  async #steps(): Promise<readonly object[]> {
    this.#clock.begin();
    for (const step of this.message.steps) {
      switch (step.do) {
        case "wait":
          await this.#clock.sleep(step.seconds, NEVER);
          break;
        case "wall":
          this.#clock.jumpWall(step.seconds);
          break;
        case "switch":
          this.#switch(step.operation, step.to);
          break;
        case "close":
          await this.#own.close();
          break;
        case "call":
          await this.#callStep(step);
          break;
      }
    }
    this.#clock.end();
    const outcomes = await Promise.all(this.#calls);
    this.#clock.begin();
    await this.#own.close();
    this.#clock.end();
    return outcomes;
  }

  #switch(operation: string, to: "disable" | "force-open" | "reset"): void {
    const circuit = this.#own.circuit(this.calls.operation(this.message.provider, operation).group);
    if (to === "force-open") {
      circuit.forceOpen();
    } else if (to === "disable") {
      circuit.disable();
    } else {
      circuit.reset();
    }
  }

  async #callStep(step: CallStep): Promise<void> {
    const times = step.times ?? 1;
    if (step.background === true) {
      for (let turn = 0; turn < times; turn += 1) {
        this.#clock.begin();
        this.#begin(step, () => {
          this.#clock.end();
        });
      }
      return;
    }
    if (step.together !== true) {
      for (let turn = 0; turn < times; turn += 1) {
        await this.#begin(step, () => undefined);
      }
      return;
    }
    for (let turn = 1; turn < times; turn += 1) {
      this.#clock.begin();
    }
    let left = times;
    const oneLess = (): void => {
      // A call of a group is over; the last one's token goes back to the step.
      left -= 1;
      if (left > 0) {
        this.#clock.end();
      }
    };
    await Promise.all(Array.from({ length: times }, () => this.#begin(step, oneLess)));
  }

  #begin(step: CallStep, over: () => void): Promise<object> {
    const record = new Record(() => this.#clock.now());
    const call = CURRENT.run(record, () => this.#outcome(step, record, over));
    this.#calls.push(call);
    return call;
  }

  async #outcome(step: CallStep, record: Record, over: () => void): Promise<object> {
    const started = this.#clock.now();
    let result: unknown;
    let failure: unknown;
    try {
      result = await this.#played(step, record);
    } catch (error) {
      failure = error;
      record.shown.push(shownOf(error));
    }
    const told = outcomeOf(record, { started, ended: this.#clock.now() }, result, failure);
    this.#shown.push(...record.shown);
    over();
    return told;
  }

  async #played(step: CallStep, record: Record): Promise<unknown> {
    const args = said(step.args ?? {}) as Values;
    const options = said(step.options ?? {}) as Values;
    const { during } = step;
    const cancel = new AbortController();
    const signal = step.within ? deadline(step.within, this.#clock) : during?.do === "cancel" ? cancel.signal : undefined;
    const given = { ...(camelOptions(options) as RequestOptions), ...(signal && { signal }) };
    const work = (): Promise<unknown> => this.#made(step, args, given, record);
    if (!during) {
      return work();
    }
    const act = (): void => {
      if (during.do === "cancel") {
        cancel.abort(new Cancelled());
      } else {
        mutate(args);
        mutate(options);
      }
    };
    const takeBack = this.#clock.watch(during.at, act, during.do === "cancel");
    try {
      return await work();
    } finally {
      takeBack();
    }
  }

  async #made(step: CallStep, args: Values, options: RequestOptions, record: Record): Promise<unknown> {
    const client = this.#own;
    if (step.read?.to === "lines") {
      return this.#lines(args["url"] as string, options, record);
    }
    if (step.operation === "download_url") {
      return this.#read(client.downloadUrl(args["url"] as string, options), step, record);
    }
    const { provider, descriptor } = this.message;
    const operation = this.calls.operation(provider, step.operation, descriptor?.replay);
    const parts = this.calls.parts(provider, step.operation, args);
    if (step.read?.to === "items") {
      const items: unknown[] = [];
      for await (const page of client.paged(operation, parts, options).pages(step.read.pages ?? undefined)) {
        items.push(...page.items);
      }
      return items;
    }
    if (step.read) {
      return this.#read(client.download(operation, parts, options), step, record);
    }
    if (!step.stream) {
      return client.call(operation, parts, options);
    }
    if (typeof step.stream.abandon_after === "number") {
      await takeSome(client.stream(operation, parts, options), step.stream.abandon_after, record);
      await collected();
      return undefined;
    }
    return this.#consume(client.stream(operation, parts, options), step.stream, record);
  }

  async #lines(url: string, options: RequestOptions, record: Record): Promise<unknown> {
    const found: unknown[] = [];
    for await (const line of this.#own.lines(LINES, { url }, options)) {
      record.events += 1;
      found.push(line);
    }
    return found;
  }

  async #read(download: Download, step: CallStep, record: Record): Promise<unknown> {
    if (step.read?.to === "bytes") {
      return Buffer.from(await download.read()).toString("utf8");
    }
    return inFolder(record, async (target) => {
      const path = await saveDownload(download, target);
      return path.split("/").at(-1);
    });
  }

  async #consume(stream: Stream<unknown, unknown>, how: Consume, record: Record): Promise<unknown> {
    if (how.to_file === true) {
      return inFolder(record, async (target) => {
        const path = join(target, "story.txt");
        if (typeof how.before === "string") {
          await writeFile(path, how.before);
        }
        return streamToFile(stream, path);
      });
    }
    try {
      for await (const _ of stream) {
        record.events += 1;
        if (record.events === how.raise_after) {
          throw new CallerError("the caller's own");
        }
        if (record.events === how.close_after) {
          await stream.close();
          return undefined;
        }
        if (how.sleep_each) {
          await this.#clock.sleep(how.sleep_each, NEVER);
        }
      }
    } finally {
      record.completion = stream.completion;
    }
    record.synthesised = stream.synthesised;
    if (how.again === true) {
      try {
        stream[Symbol.asyncIterator]();
      } catch (error) {
        record.second = error instanceof ForgeError ? errorFact(error) : null;
      }
    }
    return stream.result();
  }
}

/** Take so many events of a stream, and drop it without closing it. */
async function takeSome(stream: Stream<unknown, unknown>, count: number, record: Record): Promise<void> {
  const reading = stream[Symbol.asyncIterator]();
  while (record.events < count) {
    await reading.next();
    record.events += 1;
  }
}

/** Let the engine collect what nobody holds, and its finalisers do their work. */
async function collected(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, FAREWELL / 3));
    (globalThis as { gc?: () => void }).gc?.();
  }
}

/** Do something with a folder `target`; what is then in it and around it is noted. */
async function inFolder(record: Record, work: (target: string) => Promise<unknown>): Promise<unknown> {
  const around = await mkdtemp(join(tmpdir(), "forge-"));
  const target = join(around, "target");
  await mkdir(target);
  try {
    return await work(target);
  } finally {
    for (const entry of await readdir(around, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) {
        const path = join(entry.parentPath, entry.name);
        record.files[path.slice(around.length + 1)] = await readFile(path, "utf8");
      }
    }
    await rm(around, { recursive: true });
  }
}

function optionName(name: string): string {
  return name === "base_url" ? "baseURL" : camelName(name);
}

const AS_THEY_ARE = new Set(["headers", "extra_headers", "extra_query", "extra_body", "call_metadata"]);

/** A client's option, with those that are objects of a class made from their JSON. */
function optionValue(name: string, value: unknown): unknown {
  if (name === "auth" && typeof value === "object" && value !== null) {
    return authOf(value as Values);
  }
  return AS_THEY_ARE.has(name) ? value : camel(value);
}

function camelOptions(options: Values): object {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [optionName(name), AS_THEY_ARE.has(name) ? value : camel(value)]),
  );
}

function authOf(told: Values): ClientOptions["auth"] {
  const { kind, ...facts } = camel(told) as { [name: string]: string };
  switch (kind) {
    case "api-key":
      return new ApiKey(facts["key"] ?? "", facts["placement"] as "header", facts["name"]);
    case "bearer":
      return new Bearer(facts["token"] ?? "");
    case "basic":
      return new Basic(facts["user"] ?? "", facts["password"] ?? "");
    default:
      return new OAuth2(facts as unknown as ConstructorParameters<typeof OAuth2>[0]);
  }
}

const BEYOND_JSON: { readonly [word: string]: unknown } = {
  nan: NaN,
  infinity: Infinity,
  "-infinity": -Infinity,
  "half-surrogate": "half \ud83d of a pair",
};

/** What a caller passes in, with the values that JSON has no word for. */
function said(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(said);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if ("beyond_json" in value) {
    return BEYOND_JSON[value.beyond_json as string];
  }
  if ("upload" in value) {
    return upload(value as unknown as UploadTold);
  }
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, said(entry)]));
}

interface UploadTold {
  readonly upload: string;
  readonly as?: "bytes" | "path" | "file" | "iterator";
  readonly name?: string | null;
  readonly position?: number;
}

/** A file as the scenario tells it; an open file with a position is the rest of a Blob. */
function upload(told: UploadTold): unknown {
  const bytes = Buffer.from(told.upload, "utf8");
  const facts = told.name ? { fileName: told.name } : {};
  switch (told.as ?? "bytes") {
    case "iterator":
      return new Upload([bytes.subarray(0, 2), bytes.subarray(2)].values(), facts);
    case "file":
      return new Upload(new Blob([bytes]).slice(told.position ?? 0), facts);
    case "path":
      return fileFromPath(temporaryFile(bytes), facts);
    default:
      return new Upload(new Uint8Array(bytes), facts);
  }
}

const UPLOADS = mkdtempSync(join(tmpdir(), "forge-"));
process.on("exit", () => {
  rmSync(UPLOADS, { recursive: true });
});

function temporaryFile(bytes: Uint8Array): string {
  const path = join(UPLOADS, randomUUID());
  writeFileSync(path, bytes);
  return path;
}

/** Change what a caller passed in, everywhere it can be changed. */
function mutate(value: unknown): void {
  if (Array.isArray(value)) {
    value.forEach(mutate);
    value.push({ role: "user", content: "mutated" });
  } else if (typeof value === "object" && value !== null) {
    for (const [name, entry] of Object.entries(value)) {
      if (typeof entry === "string") {
        (value as Values)[name] = "mutated";
      }
      mutate(entry);
    }
  }
}
