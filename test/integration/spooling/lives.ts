/** A pipeline between messages of the test, a spool on disk and PostgreSQL: one life of a daemon after the other. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RouteConfig, routeDefaults } from '../../../src/config/route.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { BalanceSheet } from '../../../src/pipeline/balance-sheet.ts';
import { Pipeline } from '../../../src/pipeline/pipeline.ts';
import type { Spool } from '../../../src/pipeline/spool-types.ts';
import type { IngestStats, PipelineState, Sink } from '../../../src/pipeline/types.ts';
import { PostgresSink } from '../../../src/postgres/sink.ts';
import { openSpool } from '../../../src/spool/open.ts';
import { eventually } from '../../support/eventually.ts';
import { DAY, TAKE_ALL } from '../../unit/pipeline/messages.ts';
import { silent } from '../../unit/pipeline/ports.ts';

const LIMITS = {
  messageBytes: 1_000_000,
  pointsPerMessage: 1_000,
  namesPerMessage: 1_000,
  nesting: 32,
  nameLength: 255,
  textLength: 65_536,
};
const ROUTES: readonly RouteConfig[] = ['devices/{device_id}/{metric_name}', 'devices/{device_id}'].map(
  (topic) => ({ ...routeDefaults(), name: topic, topic }),
);
/** Milliseconds: enough for a database that is there, also on a busy machine. */
const AFTER = 1_000;

export interface LifeOptions {
  readonly routes?: readonly RouteConfig[];
  readonly after?: number;
  /** Points of a batch at most. */
  readonly points?: number;
  readonly sink?: (sink: Sink) => Sink;
  readonly spool?: (spool: Spool) => Spool;
}

export interface Life {
  /** QoS 1; resolves once it is acknowledged. */
  send(topic: string, payload: string): Promise<void>;
  state(): PipelineState;
  /** Folds the journal. */
  maintain(): Promise<void>;
  /** Waits until nothing is in flight or spooled; resolves to the account, which adds up. */
  settled(): Promise<IngestStats>;
  /** Leaves in order; resolves to whether everything is durable. */
  stop(): Promise<boolean>;
  /** As SIGKILL: no further statement, nothing is acknowledged any more. */
  kill(): Promise<void>;
}

export interface Lives extends AsyncDisposable {
  start(url: string, options?: LifeOptions): Promise<Life>;
}

/** With a folder for the spool. */
export async function lives(): Promise<Lives> {
  const path = await mkdtemp(join(tmpdir(), 'tidegate-spool-'));
  return {
    start: (url, options = {}) => start(path, url, options),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

async function start(path: string, url: string, options: LifeOptions): Promise<Life> {
  const spool = await openSpool({ path, maxBytes: 64 * 1024 * 1024, onFull: 'block', logger: silent });
  const sink = new PostgresSink({
    url,
    schema: 'public',
    clientId: 'test',
    statementTimeout: 30_000,
    onDuplicate: 'keep_first',
    maxSeries: 1_000_000,
    chunks: { interval: DAY },
    spools: true,
  });
  const { since, totals } = await sink.totals();
  await sink.maintain(() => ({ records: new Set(), earlier: spool.state.batches > 0 }));
  let killed = false;
  const quiet = { pause() {}, resume() {}, disconnect() {}, reconnect() {} };
  const source = { ...quiet, start: async () => {}, stopReceiving: async () => {}, close: async () => {} };
  const pipeline = new Pipeline(
    {
      source,
      decoder: createDecoder(options.routes ?? ROUTES, LIMITS),
      sink: options.sink?.(sink) ?? sink,
      spool: { spool: options.spool?.(spool) ?? spool, beginEpoch: async () => {} },
      sheet: new BalanceSheet(since, totals, spool.state),
      observer: {
        sealed() {},
        committed() {},
        writeFailed() {},
        dropped() {},
        deadLettered() {},
        spooled() {},
        spoolFailed() {},
      },
      logger: silent,
      onFatal: (error) => assert.fail(String(error)),
    },
    {
      writers: 2,
      batch: {
        maxPoints: options.points ?? 1_000,
        maxBytes: 1_000_000,
        maxWait: 50,
        minWait: 0,
        streamWait: 0,
      },
      pressure: { maxPoints: 100_000, maxBytes: 50_000_000, maxPause: 15_000 },
      admission: TAKE_ALL,
      qos0: 'drop_newest',
      // None beside those in hand: each is forgotten as soon as it can be.
      seriesCache: 0,
      spoolAfter: options.after ?? AFTER,
    },
  );
  pipeline.start();
  const end = async (signal: AbortSignal): Promise<boolean> => {
    const drained = await pipeline.drain(signal);
    await sink.close();
    await spool.close();
    return drained;
  };
  return {
    send: (topic, payload) =>
      new Promise((resolve) => {
        pipeline.receive({
          topic,
          payload: Buffer.from(payload),
          qos: 1,
          retain: false,
          duplicate: false,
          packetId: 1,
          receivedAt: Date.now() * 1000,
          identity: null,
          backlog: false,
          ack: () => {
            if (!killed) resolve();
          },
        });
      }),
    state: () => pipeline.state(),
    maintain: () => sink.maintain(() => pipeline.heldRows),
    settled: () =>
      eventually('all is settled', () => {
        const { stats } = pipeline.state();
        assert.ok(stats.balanced, JSON.stringify(stats));
        return stats.messages.in_flight + stats.messages.spooled === 0 && stats;
      }),
    stop: () => end(new AbortController().signal),
    kill: async () => {
      killed = true;
      await end(AbortSignal.abort());
    },
  };
}
