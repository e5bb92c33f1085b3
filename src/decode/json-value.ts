/** Values of JSON-like documents. */

export type JsonObject = Readonly<Record<string, unknown>>;
/** An array of JSON, or a typed array of a binary format. */
export type List = readonly unknown[] | Float64Array | BigInt64Array | BigUint64Array;

export function isList(value: unknown): value is List {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** What has members: neither a list nor one of the classes by which binary formats say more than JSON can. */
export function isObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export function member(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}
