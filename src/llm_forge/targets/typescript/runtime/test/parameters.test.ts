import assert from "node:assert/strict";
import { test } from "node:test";

import { fillPath } from "../src/base-url.js";
import type { ParameterStyle } from "../src/core/profile.js";
import { pathSegments } from "../src/parameters.js";

const OBJECT = { a: 1, b: true, c: null, d: undefined };

function styled(style: ParameterStyle | undefined): Record<string, ParameterStyle> {
  return style === undefined ? {} : { "path.p": style };
}

const WRITTEN: readonly (readonly [unknown, ParameterStyle | undefined, string])[] = [
  ["a/b;c,d", undefined, "a%2Fb%3Bc%2Cd"],
  [["a", "b,c"], undefined, "a,b%2Cc"],
  [OBJECT, undefined, "a,1,b,true"],
  [OBJECT, "pairs", "a=1,b=true"],
  [{ a: 1 }, "json", "%7B%22a%22%3A1%7D"],
  ["a.b", "label", ".a.b"],
  [["a", "b"], "label", ".a,b"],
  [["a", "b"], "label*", ".a.b"],
  [OBJECT, "label*", ".a=1.b=true"],
  ["x;y=z", "matrix", ";p=x%3By%3Dz"],
  ["", "matrix", ";p"],
  [["a", "b"], "matrix", ";p=a,b"],
  [["a", "", "b"], "matrix*", ";p=a;p;p=b"],
  [OBJECT, "matrix*", ";a=1;b=true"],
  [[], "matrix", ""],
];

for (const [value, style, expected] of WRITTEN) {
  test(`a path carries ${JSON.stringify(value)} ${style ?? "as usual"} as ${expected}`, () => {
    assert.deepEqual(pathSegments({ p: value }, styled(style)), { p: expected });
  });
}

const REFUSED: readonly (readonly [unknown, ParameterStyle])[] = [
  ["", "label"],
  [".", "label"],
  [[], "matrix*"],
  ["..", "comma"],
];

for (const [value, style] of REFUSED) {
  test(`${JSON.stringify(value)} as ${style} cannot change the route`, () => {
    assert.throws(() => fillPath("/a/{p}", pathSegments({ p: value }, styled(style))), /must not be empty/);
  });
}
