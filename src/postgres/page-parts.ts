import type { Page, PageReader } from './metric-pages.ts';

/** Milliseconds: what takes longer is asked for in shorter parts of the time, what does not in longer ones. */
const PATIENCE = { wider: 200, narrower: 2_000 };

/** The rows of a series by parts of the time, the first of them `width` long. Times in microseconds since 1970. */
export async function* pagesOf(
  read: PageReader,
  from: number,
  to: number,
  most: () => number,
  width: number,
): AsyncGenerator<Page> {
  for (let at = from; at < to; ) {
    const end = Math.min(to, at + width);
    const limit = most();
    const begin = performance.now();
    const page = await read(at, end, limit);
    const took = performance.now() - begin;
    if (page.end < end || took > PATIENCE.narrower) width = Math.min(page.end - at, Math.ceil(width / 2));
    else if (took < PATIENCE.wider) width = Math.ceil(width * roomier(page.times.length, limit));
    at = page.end;
    yield page;
  }
}

/** A reader of which the first page is there. */
export function begun(page: Page, read: PageReader): PageReader {
  let first: Page | null = page;
  return async (...part) => {
    const known = first;
    first = null;
    return known ?? (await read(...part));
  };
}

/** How much longer the next part of the time may be, where this one had so many rows: so that it is nearly full. */
function roomier(rows: number, limit: number): number {
  return Math.max(1, Math.min(4, (0.75 * limit) / Math.max(1, rows)));
}
