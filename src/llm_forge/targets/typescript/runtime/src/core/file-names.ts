/**
 * Names of files that a server chose, made harmless.
 *
 * A name from the network is text an attacker may have written: only its last part counts, without control and
 * path characters, without dots in front, not longer than file systems allow.
 */

import { bytesOf, textOf } from "./text.js";

/** File systems allow 255; room is left for the suffix of an unfinished file. */
const LONGEST_BYTES = 200;
const FALLBACK = "download";
const FORBIDDEN = /[<>:"|?*\p{C}]/gu;
const AROUND = /^[ .]+|[ .]+$/g;
// Windows opens devices by these names, with any extension.
const DEVICES = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$/is;
const PARAMETER = /;\s*([\w!#$&+.^`|~-]+)(\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)/gs;

/** The base name to store a file under; `download` where nothing usable is left. */
export function safeFileName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  const kept = last.replace(FORBIDDEN, "").replace(AROUND, "");
  const safe = shortened(DEVICES.test(kept) ? `_${kept}` : kept);
  return safe === "" ? FALLBACK : safe;
}

/**
 * The file name of a Content-Disposition header as it was sent (RFC 6266); null without one.
 *
 * `filename*` comes before `filename`; it is percent-encoded in the character set that it names.
 */
export function dispositionName(header: string): string | null {
  let plain = "";
  for (const [, name = "", star, raw = ""] of header.matchAll(PARAMETER)) {
    if (name.toLowerCase() !== "filename") {
      continue;
    }
    const value = unquoted(raw.trim());
    if (star === "") {
      plain = plain === "" ? value : plain;
      continue;
    }
    const extended = extendedValue(value);
    if (extended !== null) {
      return extended;
    }
  }
  return plain === "" ? null : plain;
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/gs, "$1") : value;
}

/** The text of `UTF-8'en'a%20name` (RFC 8187), null if it is malformed. */
function extendedValue(value: string): string | null {
  const [charset = "", ...rest] = value.split("'");
  if (rest.length === 0 || !["utf-8", "iso-8859-1"].includes(charset.toLowerCase())) {
    return null;
  }
  const bytes = unescaped(rest.slice(1).join("'"));
  const text = charset.toLowerCase() === "utf-8" ? textOf(bytes) : String.fromCharCode(...bytes);
  return text === "" ? null : text;
}

function unescaped(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const piece of text.match(/%[0-9a-fA-F]{2}|[^]/gu) ?? []) {
    if (/^%[0-9a-fA-F]{2}$/.test(piece)) {
      bytes.push(Number.parseInt(piece.slice(1), 16));
    } else {
      bytes.push(...bytesOf(piece));
    }
  }
  return Uint8Array.from(bytes);
}

/** The name within the limit, its extension kept. */
function shortened(name: string): string {
  if (bytesOf(name).length <= LONGEST_BYTES) {
    return name;
  }
  const dot = name.lastIndexOf(".");
  const given = dot < 0 ? "" : name.slice(dot + 1);
  const extension = bytesOf(given).length > LONGEST_BYTES / 4 ? "" : given;
  const stem = extension === "" ? name : name.slice(0, dot);
  const room = LONGEST_BYTES - bytesOf(`.${extension}`).length;
  const cut = textOf(bytesOf(stem).slice(0, room))
    .replace(/\ufffd+$/u, "")
    .replace(/[ .]+$/, "");
  return extension === "" ? cut : `${cut}.${extension}`;
}
