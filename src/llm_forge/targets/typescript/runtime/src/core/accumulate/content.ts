/**
 * The lists in a chat delta that do not simply append: typed content and executed tools.
 *
 * Typed chunks are appended in order. Mistral sends a thought as many `thinking` chunks where its unary answer
 * has one, so adjacent ones grow together; plain strings between typed chunks become text chunks. Groq repeats an
 * executed tool with what is known by then, so the later report of an index updates it.
 */

import type { JsonObject } from "../json.js";
import { put } from "../json.js";
import { Growing, isObject } from "./delta.js";

type Thought = JsonObject & { thinking: unknown[] };

/** The content with one more delta, where `old` or `value` is a list. */
export function grownContent(old: unknown, value: unknown): unknown[] {
  const chunks: unknown[] = Array.isArray(old) ? old : chunksOf(old);
  for (const entry of listed(value)) {
    if (typeof entry === "string") {
      addText(chunks, entry);
    } else {
      addChunk(chunks, entry);
    }
  }
  return chunks;
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function chunksOf(old: unknown): unknown[] {
  const text = old instanceof Growing ? old.text : "";
  return text === "" ? [] : [{ type: "text", text: new Growing(text) }];
}

function addText(chunks: unknown[], text: string): void {
  const growing = growingTextOf(chunks.at(-1));
  if (growing !== null) {
    growing.append(text);
  } else if (text !== "") {
    chunks.push({ type: "text", text: new Growing(text) });
  }
}

/** The text of a chunk that still grows, null if it is none. */
export function growingTextOf(chunk: unknown): Growing | null {
  return isObject(chunk) && chunk["text"] instanceof Growing ? chunk["text"] : null;
}

function addChunk(chunks: unknown[], entry: unknown): void {
  if (!isThought(entry)) {
    chunks.push(entry);
    return;
  }
  const last = chunks.at(-1);
  const thought: Thought = isThought(last) ? last : { type: "thinking", thinking: [] };
  if (thought !== last) {
    chunks.push(thought);
  }
  for (const [name, value] of Object.entries(entry)) {
    if (name !== "thinking") {
      put(thought, name, value);
    }
  }
  for (const part of entry.thinking) {
    addPart(thought.thinking, part);
  }
}

function isThought(entry: unknown): entry is Thought {
  return isObject(entry) && entry["type"] === "thinking" && Array.isArray(entry["thinking"]);
}

function addPart(parts: unknown[], part: unknown): void {
  if (
    !isObject(part) ||
    typeof part["text"] !== "string" ||
    !("type" in part) ||
    Object.keys(part).length !== 2
  ) {
    parts.push(part);
    return;
  }
  const last = parts.at(-1);
  const growing = growingTextOf(last);
  if (growing !== null && isObject(last) && last["type"] === part["type"]) {
    growing.append(part["text"]);
  } else {
    parts.push({ ...part, text: new Growing(part["text"]) });
  }
}

/** Executed tools with one more delta; an entry of a known `index` updates the earlier report. */
export function grownReports(old: unknown, value: readonly unknown[]): unknown[] {
  const reports: unknown[] = Array.isArray(old) ? [...(old as readonly unknown[])] : [];
  for (const entry of value) {
    const known = reports.find((report) => haveSameIndex(report, entry));
    if (known === undefined || !isObject(known) || !isObject(entry)) {
      reports.push(isObject(entry) ? { ...entry } : entry);
      continue;
    }
    for (const [name, part] of Object.entries(entry)) {
      if (part !== null) {
        put(known, name, part);
      }
    }
  }
  return reports;
}

function haveSameIndex(report: unknown, entry: unknown): boolean {
  if (!isObject(report) || !isObject(entry)) {
    return false;
  }
  const { index } = entry;
  return index !== undefined && index !== null && report["index"] === index;
}
