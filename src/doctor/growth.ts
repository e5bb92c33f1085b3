import type { ChunkInfo } from '../engines/engine.ts';
import type { IngestFacts } from '../postgres/server-facts.ts';

const DAY = 86_400;
/** Rows from which the bytes of a point can be read off. */
const ENOUGH = 100_000;
/** Bytes of a point where there are too few to tell (docs/benchmarks.md), aggregates included. */
const USUAL = { hot: 250, cold: 4, aggregates: 3 };
/** Of a database without points. */
const EMPTY_DATABASE = 20 * 2 ** 20;

/** What a day adds, in bytes. Days are counted from now. */
export interface Growth {
  readonly pointsPerDay: number;
  /** Of a point, its share of the aggregates included. */
  readonly hotBytes: number;
  readonly coldBytes: number;
  /** Of coldBytes what stays where points are deleted. */
  readonly keptBytes: number;
  /** When as many points are compressed as come in; infinite where none ever are. */
  readonly compressedFrom: number;
  /** When as many points are deleted as come in; infinite where none ever are. */
  readonly deletedFrom: number;
  /** Whether sizes are those of this database; else usual ones. */
  readonly isMeasured: boolean;
}

export interface GrowthInput {
  readonly ingest: IngestFacts;
  readonly chunks: readonly ChunkInfo[];
  readonly databaseBytes: number;
  /** Milliseconds; null is never. */
  readonly compressAfter: number | null;
  readonly retention: number | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function growthOf({
  ingest,
  chunks,
  databaseBytes,
  compressAfter,
  retention,
  now,
}: GrowthInput): Growth {
  const cold = chunks.filter(({ ratio }) => ratio !== null);
  const hot = chunks.filter(({ ratio, source }) => ratio === null && source === 'points');
  const points = (some: readonly ChunkInfo[]) =>
    some.filter(({ source }) => source === 'points').reduce((sum, { rows }) => sum + rows, 0);
  const bytes = (some: readonly ChunkInfo[]) => some.reduce((sum, chunk) => sum + chunk.bytes, 0);
  const others = cold.filter(({ source }) => source !== 'points');
  const isHotKnown = points(hot) >= ENOUGH;
  const isColdKnown = points(cold) >= ENOUGH;
  return {
    pointsPerDay: (ingest.points / ingest.seconds) * DAY,
    hotBytes: isHotKnown
      ? Math.max(bytes(hot), databaseBytes - bytes(cold) - EMPTY_DATABASE) / points(hot)
      : USUAL.hot,
    coldBytes: isColdKnown ? bytes(cold) / points(cold) : USUAL.cold,
    keptBytes: isColdKnown ? bytes(others) / points(cold) : USUAL.aggregates,
    compressedFrom: daysUntil(compressAfter, hot, now),
    deletedFrom: daysUntil(retention, [...hot, ...cold], now),
    isMeasured: isHotKnown && (isColdKnown || compressAfter === null),
  };
}

/** Until the oldest of `chunks` is as old as that. */
function daysUntil(age: number | null, chunks: readonly ChunkInfo[], now: number): number {
  if (age === null) return Number.POSITIVE_INFINITY;
  const oldest = chunks
    .filter(({ source }) => source === 'points')
    .reduce((least, { range_end: end }) => Math.min(least, Date.parse(end)), now);
  return Math.max(0, (age - (now - oldest)) / 86_400_000);
}

/** Until so many bytes are gone, if every day brings what the last did; infinite where it never comes to that. */
export function daysUntilFull(free: number, growth: Growth): number {
  const { pointsPerDay, hotBytes, coldBytes, keptBytes, compressedFrom, deletedFrom } = growth;
  const spans = [
    // Only what is not compressed yet grows at first.
    { until: Math.min(compressedFrom, deletedFrom), rate: pointsPerDay * hotBytes },
    { until: deletedFrom, rate: pointsPerDay * coldBytes },
    { until: Number.POSITIVE_INFINITY, rate: pointsPerDay * (compressedFrom < deletedFrom ? keptBytes : 0) },
  ];
  let left = free;
  let day = 0;
  for (const { until, rate } of spans) {
    const days = until - day;
    if (days <= 0) continue;
    if (rate * days >= left) return day + left / rate;
    left -= rate * days;
    day = until;
  }
  return Number.POSITIVE_INFINITY;
}
