/**
 * Base URLs: https unless loopback, no user-info, query or fragment, joined without doubled slashes.
 *
 * Source: R-008, R-009. Errors never show what stands before an `@` or behind a `?`.
 */

import { ConfigError, InvalidRequestError } from "./core/errors.js";

const UNSAFE = /[\u0000-\u0020\u007f]/;

/** The base URL in its normal form, without a slash at its end; ConfigError names `source`. */
export function readBaseUrl(
  text: string,
  source: string,
  allowInsecureHttp: boolean,
  suffixes: readonly string[],
): string {
  const parts = checkedUrl(text, source, allowInsecureHttp);
  const given = text.trim();
  if (given.includes("?") || given.includes("#")) {
    throw new ConfigError(`${source} must not contain a query or fragment; use extraQuery on calls`);
  }
  return `${parts.protocol}//${parts.host}${withoutSuffix(parts.pathname.replace(/\/+$/, ""), suffixes)}`;
}

/** The parts of a URL that credentials may go to: https or loopback, no user-info (R-008, R-009). */
export function checkedUrl(text: unknown, source: string, allowInsecureHttp: boolean): URL {
  if (typeof text !== "string" || UNSAFE.test(text.trim())) {
    throw new ConfigError(`${source} must be a URL without spaces or control characters`);
  }
  const parts = parsed(text.trim());
  if (parts === null || !/^https?:\/\//i.test(text.trim())) {
    throw new ConfigError(`${source} must start with https:// and name a host`);
  }
  if (parts.username !== "" || parts.password !== "" || /^[^/]*\/\/[^/?#]*@/.test(text.trim())) {
    throw new ConfigError(`${source} must not contain a user or password; pass credentials as apiKey`);
  }
  if (parts.protocol === "http:" && !allowInsecureHttp && !isLoopback(parts.hostname)) {
    throw new ConfigError(
      `${source} is plain http to ${parts.hostname}: use https, or pass allowInsecureHttp: true`,
    );
  }
  return parts;
}

function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** A URL that an answer named, if it may be followed; InvalidRequestError if it may not. */
export function checkedLink(url: string, allowInsecureHttp: boolean): string {
  try {
    checkedUrl(url, "The link", allowInsecureHttp);
  } catch (error) {
    throw error instanceof ConfigError ? new InvalidRequestError(error.message) : error;
  }
  return url.trim().replace(/#.*$/s, "");
}

function withoutSuffix(path: string, suffixes: readonly string[]): string {
  const found = suffixes.find((suffix) => path.endsWith(suffix));
  return found === undefined ? path : path.slice(0, path.length - found.length).replace(/\/+$/, "");
}

/** Whether plain http to this host stays on the machine (R-008). */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.[0-9]+\.[0-9]+\.[0-9]+$/.test(host);
}

/** Scheme, host and port of a URL, the port always written; TypeError for what is no URL. */
export function originOf(url: string): string {
  const parts = new URL(url);
  const port = parts.port === "" ? (parts.protocol === "https:" ? "443" : "80") : parts.port;
  return `${parts.protocol}//${parts.hostname}:${port}`;
}

/** A path template with its percent-encoded parameters, none of which can change the route (R-240). */
export function fillPath(template: string, segments: Readonly<Record<string, string>>): string {
  let path = template;
  for (const [name, encoded] of Object.entries(segments)) {
    if (encoded === "" || encoded === "." || encoded === "..") {
      throw new InvalidRequestError(`Path parameter "${name}" must not be empty, "." or ".."`);
    }
    path = path.replaceAll(`{${name}}`, () => encoded);
  }
  return path;
}

/** A text of the path parameter `name`, percent-encoded but for unreserved characters (RFC 3986 section 2.3). */
export function percentEncoded(text: string, name: string): string {
  try {
    return encodeURIComponent(text).replace(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  } catch {
    throw new InvalidRequestError(`Path parameter "${name}" has a lone surrogate, which UTF-8 cannot carry`);
  }
}

/** A query string with its question mark, or nothing. */
export function encodeQuery(pairs: readonly (readonly [string, string])[]): string {
  return pairs.length === 0
    ? ""
    : `?${new URLSearchParams(pairs.map(([name, value]) => [name, value])).toString()}`;
}
