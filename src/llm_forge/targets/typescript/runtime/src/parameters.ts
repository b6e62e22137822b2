/**
 * Parameters as text, in the styles that OpenAPI has for lists and objects (OpenAPI 3.1, 4.8.12.3).
 *
 * Rules of this file:
 * - A value that is undefined or null is left out, also inside an object.
 * - Without a style a list in a query is a pair for each entry, elsewhere its entries are joined by commas; an object
 *   in a query is `name[key]` pairs, elsewhere keys and values joined by commas.
 * - A text is taken for JSON that is ready where the style is `json`.
 * - In a path the parts of a value are percent-encoded, what stands between them is not (RFC 6570 section 3.2);
 *   `label` puts a dot in front and `matrix` a semicolon and the name, with a star for each part anew.
 */

import { percentEncoded } from "./base-url.js";
import type { Pair } from "./core/headers.js";
import { encode, isObject } from "./core/json.js";
import type { ParameterStyle } from "./core/profile.js";

type Values = Readonly<Record<string, unknown>>;
type Styles = Readonly<Record<string, ParameterStyle>>;

const BETWEEN: Partial<Record<ParameterStyle, string>> = { space: " ", pipe: "|" };

function isAbsent(value: unknown): boolean {
  return value === null || value === undefined;
}

/** The parameters of a path as they stand in it; one that is absent is empty, which no path takes. */
export function pathSegments(values: Values, styles: Styles): Record<string, string> {
  const segments = Object.entries(values).map(([name, value]) => {
    return [name, isAbsent(value) ? "" : segment(name, value, styles[`path.${name}`])] as const;
  });
  return Object.fromEntries(segments);
}

function segment(name: string, value: unknown, style: ParameterStyle | undefined): string {
  const parts = partsOf(name, value, style);
  if (parts.length === 0) {
    return "";
  }
  const led = (part: string): string => matrix(name, part);
  switch (style) {
    case "matrix":
      return led(parts.join(","));
    case "matrix*":
      return parts.map(isObject(value) ? (part) => `;${part}` : led).join("");
    case "label":
      return `.${parts.join(",")}`;
    case "label*":
      return `.${parts.join(".")}`;
    default:
      return parts.join(",");
  }
}

/** `;name=value`, and no equals sign where the value is empty. */
function matrix(name: string, encoded: string): string {
  const lead = `;${percentEncoded(name, name)}`;
  return encoded === "" ? lead : `${lead}=${encoded}`;
}

/** Percent-encoded: the entries of a list, keys and values of an object, or a value alone. */
function partsOf(name: string, value: unknown, style: ParameterStyle | undefined): readonly string[] {
  const quoted = (one: unknown): string => percentEncoded(textOf(one), name);
  if (style === "json") {
    return [percentEncoded(textOf(value, style), name)];
  }
  if (Array.isArray(value)) {
    return value.map(quoted);
  }
  if (isObject(value)) {
    const inner = style === "pairs" || style?.endsWith("*") === true ? "=" : ",";
    return fieldsOf(value).map(([key, one]) => quoted(key) + inner + quoted(one));
  }
  return [quoted(value)];
}

/** The parameters of headers or of cookies; `styles` are by `place.name`. */
export function texts(place: string, values: Values, styles: Styles): readonly Pair[] {
  const present = Object.entries(values).filter(([, value]) => !isAbsent(value));
  return present.map(([name, value]) => [name, textOf(value, styles[`${place}.${name}`])]);
}

/** The names and values of a query. */
export function pairs(values: Values, styles: Styles): readonly Pair[] {
  const present = Object.entries(values).filter(([, value]) => !isAbsent(value));
  return present.flatMap(([name, value]) => pairsOf(name, value, styles[`query.${name}`]));
}

function pairsOf(name: string, value: unknown, style: ParameterStyle | undefined): readonly Pair[] {
  const opened = style === undefined || style === "fields";
  if (opened && isObject(value)) {
    return fieldsOf(value).map(([key, one]) => [style === "fields" ? key : `${name}[${key}]`, textOf(one)]);
  }
  return opened && Array.isArray(value)
    ? value.map((one: unknown) => [name, textOf(one)])
    : [[name, textOf(value, style)]];
}

function fieldsOf(value: Values): readonly (readonly [string, unknown])[] {
  return Object.entries(value).filter(([, one]) => !isAbsent(one));
}

/** One parameter as a single text. */
function textOf(value: unknown, style?: ParameterStyle): string {
  if (typeof value === "string") {
    return value;
  }
  if (style === "json") {
    return encode(value);
  }
  if (Array.isArray(value)) {
    return value.map((one) => textOf(one)).join(BETWEEN[style ?? "comma"] ?? ",");
  }
  if (isObject(value)) {
    const inner = style === "pairs" ? "=" : ",";
    return fieldsOf(value)
      .map(([key, one]) => key + inner + textOf(one))
      .join(",");
  }
  return String(value);
}
