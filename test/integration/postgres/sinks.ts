/** Sinks on a database of the test, and what they left there. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Batch, WriteReport } from '../../../src/pipeline/types.ts';
import { QueryPool } from '../../../src/postgres/query-pool.ts';
import { PostgresSink } from '../../../src/postgres/sink.ts';
import type { SinkOptions } from '../../../src/postgres/sink-options.ts';
import type { TestDatabase } from '../../support/database.ts';
import type { EngineUnderTest } from '../../support/engines.ts';
import { batches, DAY, message, type TestMessage } from '../../unit/pipeline/messages.ts';

export type TestSink = PostgresSink &
  AsyncDisposable & { put(...messages: TestMessage[]): Promise<WriteReport> };

/** A sink of a daemon of its own: `put` makes a batch of messages and writes it, all of it as rows unless the options say otherwise. */
export function openSink(database: Pick<TestDatabase, 'url'>, options: Partial<SinkOptions> = {}): TestSink {
  const sink = new PostgresSink({
    url: database.url,
    schema: 'public',
    clientId: 'test',
    statementTimeout: 30_000,
    onDuplicate: 'keep_first',
    maxSeries: 1_000_000,
    chunks: { interval: DAY },
    denseFrom: 0,
    ...options,
  });
  const next = batches();
  return Object.assign(sink, {
    put: (...messages: TestMessage[]) => sink.write(next(...messages), never()),
    [Symbol.asyncDispose]: () => sink.close(),
  });
}

/** A database on the engine, a sink, and a pool of one connection that reads; gone after the test, whatever became of it. */
export async function openWithReader(
  t: TestContext,
  kind: EngineUnderTest,
  options: Partial<SinkOptions> = {},
): Promise<{ readonly database: TestDatabase; readonly sink: TestSink; readonly pool: QueryPool }> {
  const database = await kind.createDatabase();
  const sink = openSink(database, { engine: kind.name, ...options });
  const pool = new QueryPool({
    url: database.url,
    schema: 'public',
    statementTimeout: 30_000,
    connections: 1,
  });
  t.after(async () => {
    await pool.close();
    await sink.close();
    await database.drop();
  });
  return { database, sink, pool };
}

export function never(): AbortSignal {
  return new AbortController().signal;
}

export interface Point {
  readonly device: string;
  readonly metric: string;
  /** Microseconds since 1970; NaN where the arrival is taken. */
  readonly time: number;
  readonly value: number;
}

/** One message of many points. */
export function points(all: readonly Point[]): TestMessage {
  return message((out) => {
    for (const { device, metric, time, value } of all) out.number(device, metric, time, value, 'gauge');
  });
}

/** `count` points of one series, a second apart. */
export function series(device: string, from: number, count: number, value = 1): TestMessage {
  return points(
    Array.from({ length: count }, (_, index) => ({
      device,
      metric: 'x',
      time: from + index * 1_000_000,
      value: value + index,
    })),
  );
}

/** `points.stored`, `duplicate` and `conflict` of a report. */
export function fate({
  totals,
}: WriteReport): readonly [stored: number, duplicate: number, conflict: number] {
  return [totals.points.stored, totals.points.duplicate, totals.points.conflict];
}

/** Both sides of the balance sheet of one batch. */
export function assertBalanced(batch: Batch, { totals }: WriteReport): void {
  const { decoded, ...outcomes } = totals.points;
  assert.equal(
    decoded,
    Object.values(outcomes).reduce((sum, count) => sum + count, 0),
  );
  assert.equal(
    Object.values(totals.messages).reduce((sum, count) => sum + count, 0),
    batch.deliveries.length + batch.apart.ignored + batch.apart.dropped,
  );
}

export async function count(database: TestDatabase, from: string, ...parameters: unknown[]): Promise<number> {
  const [row] = await database.query<{ count: string }>(`SELECT count(*) FROM ${from}`, parameters);
  return Number(row?.count);
}

/** The microseconds of a moment. */
export function at(iso: string): number {
  return Date.parse(iso) * 1000;
}
