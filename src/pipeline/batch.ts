import { createHash } from 'node:crypto';
import type { DeadLetterCode } from '../errors.ts';
import { emptyTotals } from './balance-sheet.ts';
import type {
  Batch,
  BatchRecord,
  BatchTotals,
  DeadLetter,
  MessageColumns,
  PointColumns,
  Series,
  TextColumns,
} from './types.ts';

const NOTHING_APART = { ignored: 0, dropped: 0, droppedPoints: 0 };

/** What is known of a batch's messages and points before it is written; `stored` and its kin are the sink's to fill. */
export function totalsOf(batch: Batch): BatchTotals {
  const totals = emptyTotals();
  const { messages, points } = totals;
  messages.ignored = batch.apart.ignored;
  messages.dropped = batch.apart.dropped;
  points.decoded = batch.apart.droppedPoints;
  points.dropped = batch.apart.droppedPoints;
  for (const outcome of batch.messages.outcome) messages[outcome]++;
  for (const decoded of batch.messages.decoded) points.decoded += decoded;
  for (const dropped of batch.messages.dropped) points.dropped += dropped;
  for (const deadLetter of batch.deadLetters) points.dead_lettered += deadLetter.points;
  return totals;
}

/**
 * Two batches of at least one message each, in order, that together are the given one: between records of the spool where
 * it has several. The ids follow from its own: a half that was committed before a crash is found by its id after it.
 */
export function splitBatch(batch: Batch): [Batch, Batch] {
  const { records, deliveries } = batch;
  if (records.length > 1) {
    const [first, second] = [
      records.slice(0, middleOf(records.length)),
      records.slice(middleOf(records.length)),
    ];
    const middle = first.reduce((total, { messages }) => total + messages, 0);
    return [ofRecords(batch, 0, middle, first), ofRecords(batch, middle, deliveries.length, second)];
  }
  const middle = middleOf(deliveries.length);
  const half = (which: 0 | 1) => ({ id: halfId(batch.id, which), records });
  return [
    { ...slice(batch, 0, middle), ...half(0) },
    { ...slice(batch, middle, deliveries.length), ...half(1), apart: NOTHING_APART },
  ];
}

/** The ids of all parts into which a batch of so many messages could be split. */
export function* partIds(id: string, messages: number): Generator<string> {
  if (messages < 2) return;
  const middle = middleOf(messages);
  for (const [half, size] of [
    [0, middle],
    [1, messages - middle],
  ] as const) {
    const part = halfId(id, half);
    yield part;
    yield* partIds(part, size);
  }
}

function middleOf(messages: number): number {
  return Math.floor(messages / 2);
}

function halfId(id: string, half: 0 | 1): string {
  return derivedId(`${id} ${half}`);
}

/** A UUID of version 8 (RFC 9562, 5.8) out of the SHA-1 of a text: what is done anew has the same one. */
export function derivedId(text: string): string {
  const hash = createHash('sha1').update(text).digest();
  hash[6] = ((hash[6] as number) & 0x0f) | 0x80;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** Those of its series that it has points of. */
export function usedSeries({ series, points, texts }: Batch): Series[] {
  const used = new Set([...points.seriesIndex.subarray(0, points.length), ...texts.seriesIndex]);
  return series.filter((_, index) => used.has(index));
}

/**
 * The batch without the points of the series for which `refused` says true; each message that loses points by it is
 * dead-lettered with the code and detail (or its dead letter counts them too).
 */
export function withoutPoints(
  batch: Batch,
  refused: (seriesIndex: number) => boolean,
  code: DeadLetterCode,
  detail: string,
): Batch {
  const lost = new Map<number, number>();
  const keep = (seriesIndex: number, messageIndex: number): boolean => {
    if (!refused(seriesIndex)) return true;
    lost.set(messageIndex, (lost.get(messageIndex) ?? 0) + 1);
    return false;
  };
  const points = filterPoints(batch.points, keep, 0);
  const texts = filterTexts(batch.texts, keep, 0);
  const outcome = [...batch.messages.outcome];
  const deadLetters = new Map(batch.deadLetters.map((deadLetter) => [deadLetter.messageIndex, deadLetter]));
  for (const [messageIndex, count] of lost) {
    const known = deadLetters.get(messageIndex);
    const deadLetter: DeadLetter =
      known === undefined
        ? { messageIndex, route: null, code, detail, points: count }
        : { ...known, points: known.points + count };
    deadLetters.set(messageIndex, deadLetter);
    outcome[messageIndex] = 'dead_lettered';
  }
  return {
    ...batch,
    points,
    texts,
    messages: { ...batch.messages, outcome },
    deadLetters: [...deadLetters.values()],
  };
}

/**
 * The batch without the points of which `isDropped` says so, by their series, message and time (microseconds since 1970):
 * counted as points that were not to be stored. And how many they are.
 */
export function dropPoints(
  batch: Batch,
  isDropped: Keep,
): { readonly batch: Batch; readonly deleted: number } {
  const dropped = [...batch.messages.dropped];
  let deleted = 0;
  const keep: Keep = (seriesIndex, messageIndex, timestamp) => {
    if (!isDropped(seriesIndex, messageIndex, timestamp)) return true;
    dropped[messageIndex] = (dropped[messageIndex] ?? 0) + 1;
    deleted++;
    return false;
  };
  const points = filterPoints(batch.points, keep, 0);
  const texts = filterTexts(batch.texts, keep, 0);
  return { batch: { ...batch, points, texts, messages: { ...batch.messages, dropped } }, deleted };
}

function ofRecords(batch: Batch, from: number, to: number, records: readonly BatchRecord[]): Batch {
  const apart = { ignored: 0, dropped: 0, droppedPoints: 0 };
  for (const record of records) {
    apart.ignored += record.apart.ignored;
    apart.dropped += record.apart.dropped;
    apart.droppedPoints += record.apart.droppedPoints;
  }
  return { ...slice(batch, from, to), id: records[0]?.id ?? batch.id, records, apart };
}

function slice(batch: Batch, from: number, to: number): Batch {
  const within = (_seriesIndex: number, messageIndex: number): boolean =>
    messageIndex >= from && messageIndex < to;
  const messages: MessageColumns = {
    outcome: batch.messages.outcome.slice(from, to),
    decoded: batch.messages.decoded.slice(from, to),
    dropped: batch.messages.dropped.slice(from, to),
  };
  return {
    ...batch,
    points: filterPoints(batch.points, within, from),
    texts: filterTexts(batch.texts, within, from),
    deadLetters: batch.deadLetters
      .filter(({ messageIndex }) => within(0, messageIndex))
      .map((deadLetter) => ({ ...deadLetter, messageIndex: deadLetter.messageIndex - from })),
    edgeEvents: (batch.edgeEvents ?? [])
      .filter(({ messageIndex }) => within(0, messageIndex))
      .map((event) => ({ ...event, messageIndex: event.messageIndex - from })),
    deliveries: batch.deliveries.slice(from, to),
    messages,
  };
}

/** By series, message and time. */
type Keep = (seriesIndex: number, messageIndex: number, timestamp: number) => boolean;

function filterPoints(points: PointColumns, keep: Keep, firstMessage: number): PointColumns {
  const rows = new Int32Array(points.length);
  let length = 0;
  for (let row = 0; row < points.length; row++) {
    const [series, message] = [points.seriesIndex[row] as number, points.messageIndex[row] as number];
    if (keep(series, message, points.timestamp[row] as number)) rows[length++] = row;
  }
  const kept = rows.subarray(0, length);
  return {
    length,
    seriesIndex: Int32Array.from(kept, (row) => points.seriesIndex[row] as number),
    messageIndex: Int32Array.from(kept, (row) => (points.messageIndex[row] as number) - firstMessage),
    timestamp: Float64Array.from(kept, (row) => points.timestamp[row] as number),
    value: Float64Array.from(kept, (row) => points.value[row] as number),
    flags: Uint8Array.from(kept, (row) => points.flags[row] as number),
  };
}

function filterTexts(texts: TextColumns, keep: Keep, firstMessage: number): TextColumns {
  const rows = [...texts.value.keys()].filter((row) =>
    keep(texts.seriesIndex[row] as number, texts.messageIndex[row] as number, texts.timestamp[row] as number),
  );
  return {
    length: rows.length,
    seriesIndex: rows.map((row) => texts.seriesIndex[row] as number),
    messageIndex: rows.map((row) => (texts.messageIndex[row] as number) - firstMessage),
    timestamp: rows.map((row) => texts.timestamp[row] as number),
    value: rows.map((row) => texts.value[row] as string),
    flags: rows.map((row) => texts.flags[row] as number),
  };
}
