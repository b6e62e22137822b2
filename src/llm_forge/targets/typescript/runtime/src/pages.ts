/**
 * Pages of a list: each is the answer as it came, and knows how to get the next one.
 *
 * Rules of this file:
 * - Every page is an ordinary call, with the options of the first, and is asked for when it is needed.
 * - A link is followed to the client's own origin only.
 * - A page that the server sends twice is an error, not an endless list.
 */

import { originOf } from "./base-url.js";
import { InvalidResponseError } from "./core/errors.js";
import { isObject } from "./core/json.js";
import type { NextPage } from "./core/paging.js";
import { itemsOf, markOf, nextPage } from "./core/paging.js";
import type { Operation, PageRule } from "./core/profile.js";
import type { RequestOptions } from "./options.js";
import type { RequestParts } from "./request.js";

type Values = Readonly<Record<string, unknown>>;

/** How a page was asked for, and what was asked for before it. */
export interface Turn {
  readonly operation: Operation;
  readonly baseUrl: string;
  readonly options: RequestOptions;
  readonly parts: RequestParts;
  readonly fetch: (turn: Turn) => Promise<unknown>;
  readonly seen: ReadonlySet<string>;
}

function ruleOf(turn: Turn): PageRule {
  if (turn.operation.pages === null) {
    throw new TypeError(`${turn.operation.name} has no pages`);
  }
  return turn.operation.pages;
}

/** The parameters in effect, from where the rule's own one stands. */
function given(turn: Turn): Values {
  const rule = ruleOf(turn);
  const held = rule.inBody ? turn.parts.body : turn.parts.query;
  const extra = rule.inBody ? turn.options.extraBody : turn.options.extraQuery;
  const both = { ...(isObject(held) ? held : {}), ...extra };
  return Object.fromEntries(Object.entries(both).filter(([, value]) => value !== undefined));
}

/** The turn after the page `answer`, null at the end of the list. */
function following(turn: Turn, answer: unknown): Turn | null {
  const rule = ruleOf(turn);
  const asked = given(turn);
  const step = nextPage(rule, answer, asked);
  if (step === null) {
    return null;
  }
  const began = markOf({ param: step.param, value: asked[step.param], url: "" });
  const mark = markOf(step);
  if (turn.seen.has(mark) || mark === began) {
    const { name } = turn.operation;
    throw new InvalidResponseError(`${name} sent a page again; the list would have no end`, {
      operation: name,
    });
  }
  // What the caller added stands in the parameters, or in the link, already.
  const { extraBody, extraQuery, ...rest } = turn.options;
  const options = rule.inBody ? { ...rest, extraQuery } : { ...rest, extraBody };
  return { ...turn, options, parts: partsOf(turn, step, asked), seen: new Set([...turn.seen, began, mark]) };
}

function partsOf(turn: Turn, step: NextPage, asked: Values): RequestParts {
  if (step.url !== "") {
    return { ...turn.parts, query: undefined, url: checkedUrl(turn, step.url) };
  }
  const changed = { ...asked, [step.param]: step.value };
  return ruleOf(turn).inBody ? { ...turn.parts, body: changed } : { ...turn.parts, query: changed };
}

/** The absolute form of a link; InvalidResponseError if it leads elsewhere. */
function checkedUrl(turn: Turn, url: string): string {
  const target = URL.canParse(url, `${turn.baseUrl}/`) ? new URL(url, `${turn.baseUrl}/`).href : null;
  const origin = target === null ? "an invalid URL" : originOf(target);
  if (target === null || origin !== originOf(turn.baseUrl)) {
    const { name } = turn.operation;
    throw new InvalidResponseError(`The next page of ${name} is at ${origin}, which is not followed`, {
      operation: name,
    });
  }
  return target;
}

/** A page of a list. Iterating gives the items of this page and of all that follow. */
export class Page<T, P> implements AsyncIterable<T> {
  readonly #turn: Turn;

  constructor(
    /** The answer as it came. */
    readonly data: P,
    turn: Turn,
  ) {
    this.#turn = turn;
  }

  /** The items of this page. */
  get items(): readonly T[] {
    return itemsOf(ruleOf(this.#turn), this.data) as readonly T[];
  }

  /** Whether the answer says that the list goes on. */
  hasNextPage(): boolean {
    return following(this.#turn, this.data) !== null;
  }

  /** The page after this one, null at the end of the list. */
  async nextPage(): Promise<Page<T, P> | null> {
    const turn = following(this.#turn, this.data);
    return turn === null ? null : firstPage<T, P>(turn);
  }

  /** This page and those that follow, at most `limit` in all. */
  async *pages(limit = Infinity): AsyncGenerator<Page<T, P>> {
    yield this;
    let page = limit > 1 ? await this.nextPage() : null;
    for (let count = 2; page !== null; count += 1) {
      yield page;
      page = count < limit ? await page.nextPage() : null;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const page of this.pages()) {
      yield* page.items;
    }
  }
}

/** The page of a turn. */
export async function firstPage<T, P>(turn: Turn): Promise<Page<T, P>> {
  return new Page<T, P>((await turn.fetch(turn)) as P, turn);
}

/** A list that was asked for: await it for its first page, or iterate over all items with `for await`. */
export class Paging<T, P> implements PromiseLike<Page<T, P>>, AsyncIterable<T> {
  readonly #first: () => Promise<Page<T, P>>;
  #asked: Promise<Page<T, P>> | null = null;

  constructor(first: () => Promise<Page<T, P>>) {
    this.#first = first;
  }

  then<A = Page<T, P>, B = never>(
    resolved?: ((page: Page<T, P>) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page().then(resolved, rejected);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    yield* await this.#page();
  }

  /** The pages, at most `limit`. */
  async *pages(limit = Infinity): AsyncGenerator<Page<T, P>> {
    yield* (await this.#page()).pages(limit);
  }

  #page(): Promise<Page<T, P>> {
    this.#asked ??= this.#first();
    return this.#asked;
  }
}
