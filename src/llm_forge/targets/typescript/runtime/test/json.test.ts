import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidRequestError } from "../src/core/errors.js";
import { decode, encode, JsonError } from "../src/core/json.js";

test("R-201: integers that a double cannot hold come and go unchanged", () => {
  const text = '{"id":9223372036854775807,"small":1,"real":1.5,"list":[-9007199254740993]}';
  const value = decode(text) as { id: unknown; small: unknown };
  assert.equal(value.id, 9223372036854775807n);
  assert.equal(value.small, 1);
  assert.equal(encode(value), text);
});

test("R-201: what is no JSON, or beyond a double, is refused with one kind of error", () => {
  for (const text of [
    "",
    "NaN",
    "[1,]",
    '{"a":1e999}',
    "01",
    '"\u0001"',
    "[1e400]",
    '{"a":1234567890123456,}',
  ]) {
    assert.throws(() => decode(text), JsonError, text);
  }
});

test("R-195: depth and digits have limits, and brackets inside strings do not count", () => {
  assert.throws(() => decode("[".repeat(100_000) + "]".repeat(100_000)), JsonError);
  assert.throws(() => decode(`[${"1".repeat(1001)}]`), JsonError);
  assert.deepEqual(decode(JSON.stringify(["[".repeat(1000)])), ["[".repeat(1000)]);
  assert.deepEqual(decode(`${"[".repeat(200)}${"]".repeat(200)}`) instanceof Array, true);
});

test("R-202: what JSON cannot carry is refused with its path", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  for (const [value, path] of [
    [{ a: [{ b: NaN }] }, "a.0.b"],
    [{ a: "\ud83d" }, "a"],
    [{ a: [() => 1] }, "a.0"],
    [circular, "circular"],
  ] as const) {
    assert.throws(
      () => encode(value),
      (error) => error instanceof InvalidRequestError && error.message.includes(path),
    );
  }
});

test("a field called __proto__ is a field like any other", () => {
  const value = decode('{"__proto__":{"a":1}}') as object;
  assert.deepEqual(Object.keys(value), ["__proto__"]);
  assert.equal(encode(value), '{"__proto__":{"a":1}}');
});
