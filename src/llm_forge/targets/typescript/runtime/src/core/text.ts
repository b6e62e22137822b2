/** Bytes and text: UTF-8 without a fuss about byte order marks, and Base64. */

// A mark at the start is the framing's business; in the middle it is a character like any other.
const LOSSY = new TextDecoder("utf-8", { ignoreBOM: true });
const FATAL = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const ENCODER = new TextEncoder();

/** UTF-8 as text; bytes that are no UTF-8 are U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return LOSSY.decode(bytes);
}

/** Whether bytes are UTF-8. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    FATAL.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Text as UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** Bytes in Base64. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text += String.fromCharCode(byte);
  }
  return btoa(text);
}

/** The bytes that a Base64 text means, null if it is none. */
export function fromBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
