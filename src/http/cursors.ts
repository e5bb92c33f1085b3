/** Where a page of a list begins, as an opaque text. */

export function cursorAfter(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** What a cursor was made of, where `isPlace` knows it; undefined where it is none of ours. */
export function readCursor<T>(cursor: string, isPlace: (place: unknown) => place is T): T | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return isPlace(place) && cursorAfter(place) === cursor ? place : undefined;
  } catch {
    return undefined;
  }
}
