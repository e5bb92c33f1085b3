import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BirthTable } from '../../../../src/decode/sparkplug/birth-table.ts';
import { EdgeNodes } from '../../../../src/decode/sparkplug/edge-nodes.ts';
import { readPayload } from '../../../../src/decode/sparkplug/message.ts';
import { TURNS_KEPT } from '../../../../src/decode/sparkplug/turns.ts';
import type { EdgeEvent } from '../../../../src/pipeline/types.ts';
import { bdSeq, encodePayload, type PayloadFields } from '../../../support/sparkplug.ts';
import { onlineIn, type Reading, startReading, T0, valuesIn } from './reading.ts';

const LIMITS = { nodes: 100, metrics: 10_000 };

interface Message {
  readonly topic: string;
  readonly payload: PayloadFields;
  /** Milliseconds after T0. */
  readonly at: number;
}

/** Births, deaths and data of two edge nodes and their devices, all with the aliases 1 to 3; each two microseconds later. */
const messages: fc.Arbitrary<Message[]> = fc
  .array(
    fc.record({
      edge: fc.constantFrom('E', 'F'),
      device: fc.constantFrom(null, null, 'd', 'e'),
      kind: fc.constantFrom('BIRTH', 'BIRTH', 'DATA', 'DATA', 'DATA', 'DATA', 'DEATH'),
      names: fc
        .array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 3 })
        .map((names) => [...new Set(names)]),
      session: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 60, size: 'max' },
  )
  .map((turns) =>
    turns.map(({ edge, device, kind, names, session }, index) => {
      const topic = `spBv1.0/G/${device === null ? 'N' : 'D'}${kind}/${edge}${device === null ? '' : `/${device}`}`;
      const metrics =
        kind === 'BIRTH'
          ? names.map((name, at) => ({ name, alias: at + 1, datatype: 3, intValue: 0 }))
          : kind === 'DATA'
            ? [1, 2, 3].map((alias) => ({ alias, intValue: alias }))
            : [];
      return {
        topic,
        payload: { seq: 0, timestamp: T0, metrics: [bdSeq(session), ...metrics] },
        at: index / 500,
      };
    }),
  );

const isData = ({ topic }: Message) => topic.includes('DATA/');

/** What came of each data message when it was received, who was said to be there or gone by each of the others, and what is kept. */
function live(all: readonly Message[]): {
  values: [string, unknown][][];
  online: [string, unknown][][];
  kept: EdgeEvent[];
  reading: Reading;
} {
  const reading = startReading({}, new EdgeNodes(LIMITS));
  const reads = all.map((message) => reading.take(message.topic, message.payload, message.at));
  return {
    values: reads.filter((_, index) => isData(all[index] as Message)).map(valuesIn),
    online: reads.filter((_, index) => !isData(all[index] as Message)).map(onlineIn),
    kept: reads.flatMap(({ events }) => events),
    reading,
  };
}

/** Whether messages read again give at least what they gave at first; more where a birth came since. */
function assertAgain(
  reading: Reading,
  all: readonly Message[],
  values: readonly [string, unknown][][],
): void {
  for (const [index, { topic, payload, at }] of all.filter(isData).entries()) {
    const again = valuesIn(reading.again(topic, payload, at));
    for (const value of values[index] ?? [])
      assert.ok(
        again.some((one) => one.join() === value.join()),
        `${topic} at ${at}`,
      );
  }
}

test('a message that is read again is read by the birth of its time', () => {
  fc.assert(
    fc.property(messages, (all) => {
      const { values, reading } = live(all);
      assertAgain(reading, all, values);
    }),
  );
});

test('what is kept brings the same knowledge back, in whatever order it was written', () => {
  fc.assert(
    fc.property(messages, fc.integer(), (all, seed) => {
      const { values, kept } = live(all);
      const edges = new EdgeNodes(LIMITS);
      const shuffled = kept.map((event, index) => ({
        event,
        rank: Math.imul(index + seed, 2_654_435_761) >>> 0,
      }));
      edges.restore(shuffled.sort((one, other) => one.rank - other.rank).map(({ event }) => event));
      assertAgain(startReading({}, edges), all, values);
    }),
  );
});

test('births and deaths out of the spool are kept as they were, and those of a life before are found again', () => {
  fc.assert(
    fc.property(messages, (all) => {
      const { values, online, kept, reading } = live(all);
      const turns = all.filter((message) => !isData(message));
      const again = turns.map(({ topic, payload, at }) => reading.again(topic, payload, at));
      assert.deepEqual(
        again.flatMap(({ events }) => events),
        kept,
      );
      assert.deepEqual(again.map(onlineIn), online);
      const next = startReading({}, new EdgeNodes(LIMITS));
      const surveyed = turns.flatMap(({ topic, payload, at }) => next.again(topic, payload, at).events);
      assert.deepEqual(surveyed, kept);
      assertAgain(next, all, values);
    }),
  );
});

const birth = (name: string, session: number, alias = 1): PayloadFields => ({
  seq: 0,
  metrics: [bdSeq(session), { name, alias, datatype: 3, intValue: 0 }],
});
const data = (seq: number, alias = 1): PayloadFields => ({ seq, metrics: [{ alias, intValue: 5 }] });
const NBIRTH = 'spBv1.0/G/NBIRTH/E';
const NDATA = 'spBv1.0/G/NDATA/E';
const NDEATH = 'spBv1.0/G/NDEATH/E';

test('data without a birth is read by the next one, unless the session ended before it', () => {
  const reading = startReading();
  assert.equal(reading.take(NDATA, data(1), 10).rejects[0]?.code, 'sparkplug_unknown_alias');
  reading.take(NBIRTH, birth('a', 0), 20);
  assert.deepEqual(valuesIn(reading.again(NDATA, data(1), 10)), [['a', 5]]);
  // A metric that was added: its birth was lost, the next one came without an end between them.
  reading.take(NBIRTH, birth('b', 0, 2), 40);
  assert.deepEqual(valuesIn(reading.again(NDATA, data(1, 2), 30)), [['b', 5]]);
  // Of a session that nobody saw begin.
  reading.take(NDEATH, { metrics: [bdSeq(0)] }, 50);
  reading.take(NDATA, data(9), 60);
  reading.take(NDEATH, { metrics: [bdSeq(1)] }, 70);
  reading.take(NBIRTH, birth('c', 2), 80);
  assert.equal(reading.again(NDATA, data(9), 60).rejects[0]?.code, 'sparkplug_unknown_alias');
});

test('a device is known no longer than the session that bore it', () => {
  const reading = startReading();
  const [born, said] = ['spBv1.0/G/DBIRTH/E/d', 'spBv1.0/G/DDATA/E/d'];
  reading.take(NBIRTH, birth('a', 0), 0);
  reading.take(born, birth('x', 0), 1);
  reading.take(NBIRTH, birth('a', 0), 2);
  assert.equal(reading.take(said, data(1), 3).rejects[0]?.code, 'sparkplug_unknown_alias');
  reading.take(born, birth('y', 0), 4);
  assert.deepEqual(valuesIn(reading.take(said, data(2), 5)), [['y', 5]]);
  assert.deepEqual(valuesIn(reading.again(said, data(1), 3)), [['y', 5]]);
});

test('a clock that is set back does not bring an old birth back', () => {
  const reading = startReading();
  reading.take(NBIRTH, birth('a', 0), 3_600_000);
  reading.take(NBIRTH, birth('b', 0), 0);
  assert.deepEqual(valuesIn(reading.take(NDATA, data(1), 1)), [['b', 5]]);
});

test('a death that overtook its birth ends it; one of an earlier session does not', () => {
  const reading = startReading();
  reading.take(NBIRTH, birth('a', 0), 0);
  reading.take(NDEATH, { metrics: [bdSeq(1)] }, 1);
  assert.equal(reading.edges.states().online, 1);
  reading.take(NBIRTH, birth('a', 1), 2);
  assert.equal(reading.edges.states().online, 0);
  reading.take(NBIRTH, birth('a', 2), 10_000);
  reading.take(NDEATH, { metrics: [bdSeq(1)] }, 10_001);
  assert.deepEqual(reading.edges.states(), { online: 1, offline: 0 });
  assert.equal(reading.edges.counts.staleDeaths, 2);
});

test('beyond the limits those that died make room, the longest dead first, and then nobody is let in', () => {
  const edges = new EdgeNodes({ nodes: 3, metrics: 100 });
  const reading = startReading({}, edges);
  for (const name of ['A', 'B', 'C']) reading.take(`spBv1.0/G/NBIRTH/${name}`, birth('a', 0), 1);
  const refused = reading.take('spBv1.0/G/NBIRTH/D', birth('a', 0), 2);
  assert.deepEqual([refused.rejects[0]?.code, refused.events], ['sparkplug_limit', []]);
  // What it says by name is stored all the same.
  assert.deepEqual(valuesIn(refused), [['a', 0]]);
  reading.take('spBv1.0/G/NDEATH/B', { metrics: [bdSeq(0)] }, 3);
  reading.take('spBv1.0/G/NDEATH/A', { metrics: [bdSeq(0)] }, 4);
  const taken = reading.take('spBv1.0/G/NBIRTH/D', birth('a', 0), 5);
  assert.deepEqual(
    taken.events.map(({ kind, edge }) => [kind, edge]),
    [
      ['forgotten', 'G/B'],
      ['birth', 'G/D'],
    ],
  );
  const many = {
    seq: 0,
    metrics: Array.from({ length: 101 }, (_, index) => ({ name: `m${index}`, datatype: 3, isNull: true })),
  };
  assert.equal(reading.take('spBv1.0/G/NBIRTH/C', many, 6).rejects[0]?.code, 'sparkplug_limit');
});

test('births that say the same cost the memory of one, and only so many are remembered', () => {
  const edges = new EdgeNodes({ nodes: 10, metrics: 10 });
  const reading = startReading({}, edges);
  const names = (first: number) => ({
    seq: 0,
    metrics: Array.from({ length: 5 }, (_, index) => ({
      name: `m${first + index}`,
      alias: index,
      datatype: 3,
      intValue: 0,
    })),
  });
  for (let turn = 0; turn < 3 * TURNS_KEPT; turn++)
    assert.deepEqual(reading.take(NBIRTH, names(0), turn).rejects, []);
  assert.deepEqual(reading.take(NBIRTH, names(5), 1_000).rejects, []);
  assert.equal(reading.take(NBIRTH, names(10), 1_001).rejects[0]?.code, 'sparkplug_limit');
  // Once the first ones are forgotten there is room.
  for (let turn = 0; turn < TURNS_KEPT; turn++) reading.take(NBIRTH, names(5), 2_000 + turn);
  assert.deepEqual(reading.take(NBIRTH, names(10), 3_000).rejects, []);
});

test('a birth is wanted where one is missing, where messages are, and after a start', () => {
  const reading = startReading();
  const wanted = (edges: EdgeNodes, at: number) =>
    edges.look((T0 + at) * 1000, 100_000).wanted.map(({ edge }) => edge);
  reading.take(NDATA, data(7), 0);
  assert.deepEqual(wanted(reading.edges, 99), []);
  assert.deepEqual(wanted(reading.edges, 100), ['G/E']);
  reading.take(NBIRTH, birth('a', 0), 200);
  assert.deepEqual(wanted(reading.edges, 1_000), []);
  reading.take(NDATA, data(3), 2_000);
  assert.deepEqual([...reading.edges.look((T0 + 2_100) * 1000, 100_000).gaps], [['G/E', 2]]);
  assert.deepEqual(wanted(reading.edges, 2_100), ['G/E']);
  const restored = new EdgeNodes(LIMITS);
  const table = new BirthTable(readPayload(encodePayload(birth('a', 0)), 10).metrics);
  restored.restore([
    { kind: 'birth', edge: 'G/E', device: null, receivedAt: T0 * 1000, bdSeq: 0, definition: table.encode() },
  ]);
  startReading({}, restored).take(NDATA, data(100), 5_000);
  assert.deepEqual(wanted(restored, 5_100), ['G/E']);
});
