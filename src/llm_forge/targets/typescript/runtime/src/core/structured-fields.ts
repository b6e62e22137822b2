/** The little of Structured Fields (RFC 9651) that rate-limit headers use: a list of items with parameters. */

const MOST_ITEMS = 16;
const LONGEST_FIELD = 2048;

const VALUE = String.raw`(?:"(?:[^"\\]|\\.)*"|[^",;\s=]+)`;
const ITEM = new RegExp(
  String.raw`\s*(${VALUE})((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:=${VALUE})?)*)\s*(?:,|$)`,
  "y",
);
const PARAMETER = new RegExp(String.raw`;\s*([a-z*][a-z0-9_.*-]*)(?:=(${VALUE}))?`, "g");

export interface Item {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The items of all fields of one name, as text, each with its parameters; [] if anything is malformed. */
export function parseItems(fields: readonly string[]): readonly Item[] {
  const text = fields.join(",");
  if (text.length > LONGEST_FIELD) {
    return [];
  }
  const items: Item[] = [];
  for (let place = 0; place < text.length; place = ITEM.lastIndex) {
    ITEM.lastIndex = place;
    const found = ITEM.exec(text);
    if (found === null || items.length === MOST_ITEMS) {
      return [];
    }
    items.push({ name: bare(found[1] ?? ""), parameters: parametersOf(found[2] ?? "") });
  }
  return items;
}

function parametersOf(text: string): ReadonlyMap<string, string> {
  const found = Array.from(
    text.matchAll(PARAMETER),
    ([, name, value]) => [name ?? "", bare(value ?? "1")] as const,
  );
  return new Map(found);
}

function bare(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/gs, "$1") : value;
}
