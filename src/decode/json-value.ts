/** Values of JSON-like documents. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** Bytes, as binary formats have them, are no object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function member(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}
