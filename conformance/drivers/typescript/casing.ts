/** The protocol's names in TypeScript's casing. */

/** A value with every name of its plain objects in camel case. */
export function camel(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(camel);
  }
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [camelName(name), camel(entry)]));
}

/** A name in camel case. */
export function camelName(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A sentence about options with their names as the protocol has them. */
export function inSnakeCase(sentence: string): string {
  return sentence
    .replaceAll("baseURL", "base_url")
    .replace(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}
