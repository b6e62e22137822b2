import assert from "node:assert/strict";
import { test } from "node:test";

import { SseDecoder } from "../src/core/sse.js";

test("R-125: the same bytes give the same events in any two pieces", () => {
  const bytes = new TextEncoder().encode(
    "\ufeffevent: é\r\ndata: a\rdata: 🙂\r\n\r\n: note\nid: 7\ndata\n\ndata: b\r\r",
  );
  const whole = new SseDecoder().feed(bytes);
  assert.equal(whole.length, 3);
  for (let at = 0; at <= bytes.length; at += 1) {
    const decoder = new SseDecoder();
    assert.deepEqual([...decoder.feed(bytes.subarray(0, at)), ...decoder.feed(bytes.subarray(at))], whole);
  }
});

test("SE-16: time is linear in bytes, also in small chunks", () => {
  const spent = (kib: number): number => {
    const chunk = new TextEncoder().encode("x".repeat(16));
    const decoder = new SseDecoder();
    const began = process.cpuUsage().user;
    decoder.feed(new TextEncoder().encode("data: "));
    for (let piece = 0; piece < kib * 64; piece += 1) {
      decoder.feed(chunk);
    }
    return process.cpuUsage().user - began;
  };
  spent(512);
  const small = Math.max(spent(512), 1000);
  assert.ok(
    spent(4096) < small * 8 * 4,
    "eight times the bytes cost no more than about eight times the time",
  );
});
