import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { assertBalanced, type Daemon, startDaemon } from '../../support/daemon.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { publishLines } from '../../support/mosquitto-pub.ts';
import { addresses } from '../../support/program.ts';
import { needsRecordings, type Reading, recordings } from '../../support/recordings.ts';

type OnDuplicate = 'keep_first' | 'keep_last';

/** Microseconds since 1970, to the bytes of the double. */
type Stored = Map<string, string>;

for (const onDuplicate of ['keep_first', 'keep_last'] as const) {
  test(`recorded series are stored bit for bit, once, with ${onDuplicate}`, needsRecordings, async () => {
    await using broker = await startBroker();
    await using database = await createDatabase({ template: true });
    await using daemon = await startDaemon({
      env: { ...addresses(broker, database.url), TIDEGATE_INGEST_ON_DUPLICATE: onDuplicate },
    });
    const series = recordings();
    const lines = [...series.values()].flat().length;
    const keys = [...series.values()].reduce((sum, readings) => sum + keysOf(readings, onDuplicate).size, 0);
    const conflicts = [...series.values()].reduce((sum, readings) => sum + conflictsIn(readings), 0);

    const first = await replay(broker, daemon, series, lines);
    assert.deepEqual(
      { stored: first.stored, duplicate: first.duplicate, conflict: first.conflict },
      { stored: keys, duplicate: lines - keys - conflicts, conflict: conflicts },
    );
    await assertSame(database, series, onDuplicate);

    const second = await replay(broker, daemon, series, 2 * lines);
    assert.equal(second.stored, keys);
    assert.equal(second.duplicate + second.conflict, 2 * lines - keys);
    // What `keep_last` holds at the end conflicts again with the values before it, as often as batches part the two.
    if (onDuplicate === 'keep_first') assert.equal(second.conflict, 2 * conflicts);
    await assertSame(database, series, onDuplicate);
    assert.equal(await daemon.stop(), 0);
  });
}

/** Resolves to the points of the balance sheet once all messages that were ever sent are settled. */
async function replay(
  broker: TestBroker,
  daemon: Daemon,
  series: ReadonlyMap<string, readonly Reading[]>,
  total: number,
) {
  for (const [name, readings] of series) {
    const payloads = readings.map(({ timestamp, value }) => `{"value":${value},"timestamp":"${timestamp}"}`);
    await publishLines(broker, `devices/${name}/temperature`, payloads);
  }
  const stats = await eventually(`${total} messages are settled`, async () => {
    const sheet = await daemon.stats();
    return sheet.messages.settled >= total && sheet;
  });
  assertBalanced(stats);
  assert.equal(stats.messages.received, total);
  return stats.points;
}

async function assertSame(
  database: TestDatabase,
  series: ReadonlyMap<string, readonly Reading[]>,
  onDuplicate: OnDuplicate,
): Promise<void> {
  for (const [name, readings] of series) {
    const rows = await database.query<{ time: string; bits: string }>(
      `SELECT (extract(epoch FROM "timestamp") * 1000000)::bigint AS time, encode(float8send(value), 'hex') AS bits
       FROM iot_data WHERE device_id = $1 AND metric_name = 'temperature'`,
      [name],
    );
    const stored: Stored = new Map(rows.map(({ time, bits }) => [time, bits]));
    assert.equal(stored.size, rows.length);
    assert.deepEqual(stored, keysOf(readings, onDuplicate));
  }
}

function keysOf(readings: readonly Reading[], onDuplicate: OnDuplicate): Stored {
  const inOrder = onDuplicate === 'keep_last' ? readings : readings.toReversed();
  return new Map(inOrder.map(({ timestamp, value }) => [micros(timestamp), bitsOf(value)]));
}

/** Readings that differ from the one that holds their key when they come. */
function conflictsIn(readings: readonly Reading[]): number {
  const held = new Map<string, string>();
  let conflicts = 0;
  for (const { timestamp, value } of readings) {
    const before = held.get(timestamp);
    if (before === undefined) held.set(timestamp, value);
    else if (Number(before) !== Number(value)) conflicts++;
  }
  return conflicts;
}

function micros(timestamp: string): string {
  return `${Date.parse(`${timestamp.replace(' ', 'T')}Z`)}000`;
}

function bitsOf(value: string): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(Number(value));
  return bytes.toString('hex');
}
