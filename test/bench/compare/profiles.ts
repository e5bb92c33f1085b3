/** What can be compared: what is sent, and who stores it. */

import { fillCompressed } from '../compressed-set.ts';
import { copySide } from './copy-side.ts';
import { nodeRedSide } from './node-red-side.ts';
import { pipeSide } from './pipe-side.ts';
import { type FlowShape, Flows } from '../flows.ts';
import type { Ground, Side } from './side.ts';
import { sketchSide } from './sketch-side.ts';
import { startTidegate, type Tidegate, tidegateSide } from './tidegate-side.ts';

export interface Profile {
  readonly title: string;
  /** A sentence or two below the title. */
  readonly what: string;
  /** Messages of a round, where none are asked for: about a minute for all. */
  readonly count: number;
  readonly shape: FlowShape;
  /** Starts whoever stores. */
  readonly field: (start: Start) => Promise<Field>;
}

export interface Start {
  readonly ground: Ground;
  readonly shape: FlowShape;
  /** Messages of a round. */
  readonly count: number;
  /** Rounds and the one before them. */
  readonly runs: number;
}

export interface Field {
  /** The first is held against each of the others. A text says why somebody is missing. */
  readonly sides: readonly (Side | string)[];
  /** Whose rows are counted at the end, and whose memory is told. */
  readonly tidegates: readonly Tidegate[];
  /** What else was measured. */
  readonly notes?: readonly string[];
}

/** First levels of topics, all of one length; also the names of the databases. */
const [OURS, OTHERS, PIPED, COPIED, NODE_RED, SKETCH] = [
  'fleet_a',
  'fleet_b',
  'fleet_p',
  'fleet_c',
  'fleet_n',
  'fleet_s',
] as const;
/** Node-RED gets this part of the messages, so that its turn does not take most of the time. */
const NODE_RED_SHARE = 1 / 10;
const SKETCH_POINTS = 200_000;
const BILLION = 1_000_000_000;

const ONE = { layout: 'one', points: 1, devices: 1000, step: 20 } as const;
const DENSE = { points: 1000, devices: 100, step: 1000 } as const;
const WIDE = { layout: 'metrics', points: 10, step: 20 } as const;

const APART = `by a daemon without the scheduler (\`components\`), whose data
another refreshes later, beside the same with two workers (\`ingest.workers\`).`;

export const PROFILES: Readonly<Record<string, Profile>> = {
  'one-point': {
    title: 'One-point messages',
    what: 'JSON such as `{"value":21.5,"timestamp":1767225600123}` of 1,000 devices.',
    count: 100_000,
    shape: ONE,
    field: against('pipe', 'copy', 'node-red'),
  },
  'metrics-10': {
    title: '10 metrics of one device in a message',
    what: 'A JSON object of a time and 10 values, of 1,000 devices: 10,000 series.',
    count: 20_000,
    shape: { ...WIDE, devices: 1000 },
    field: against('copy', 'pipe'),
  },
  'metrics-100': {
    title: '100 metrics of one device in a message',
    what: 'A JSON object of a time and 100 values, of 100 devices: 10,000 series.',
    count: 4_000,
    shape: { ...WIDE, points: 100, devices: 100 },
    field: against('copy', 'pipe'),
  },
  'times-100': {
    title: '100 times of one metric in a message',
    what: 'A JSON array of 100 objects of a time and a value, of 1,000 devices.',
    count: 4_000,
    shape: { layout: 'times', points: 100, devices: 1000, step: 1000 },
    field: against('copy', 'pipe'),
  },
  'dense-json': {
    title: 'Columns of 1,000 points in JSON',
    what: 'A JSON array of 1,000 times, a millisecond apart, and one of values, of 100 devices.',
    count: 2_000,
    shape: { ...DENSE, layout: 'columns' },
    field: against('copy', 'sketch'),
  },
  'dense-cbor': {
    title: 'Columns of 1,000 points in CBOR',
    what: 'The same as typed arrays of doubles in CBOR (RFC 8746).',
    count: 2_000,
    shape: { ...DENSE, layout: 'typed' },
    field: against('copy', 'sketch'),
  },
  'minute-json': {
    title: 'A minute of columns in JSON',
    what: `The columns of 1,000 points in JSON, as many as are a minute's at 2 million points a second, ${APART}`,
    count: 120_000,
    shape: { ...DENSE, layout: 'columns' },
    field: apart,
  },
  'minute-cbor': {
    title: 'A minute of columns in CBOR',
    what: `Those in CBOR, as many as are a minute's at 4 million points a second, ${APART}`,
    count: 240_000,
    shape: { ...DENSE, layout: 'typed' },
    field: apart,
  },
  'minute-whole': {
    title: 'A minute of columns in CBOR, aggregates and all',
    what: 'The same by a daemon with all components, whose scheduler refreshes the aggregates of what comes meanwhile.',
    count: 240_000,
    shape: { ...DENSE, layout: 'typed' },
    async field({ ground, ...flow }) {
      const tidegate = await startTidegate(ground, OURS);
      return { sides: [tidegateSide(tidegate, flowsOf(OURS, flow), flow.count)], tidegates: [tidegate] };
    },
  },
  minutely: {
    title: 'Many devices, each once a minute',
    what: 'One-point messages of 100,000 devices in turn: in a batch hardly any device comes twice.',
    count: 100_000,
    shape: { ...ONE, devices: 100_000, step: 60_000 },
    field: against('pipe', 'copy'),
  },
  'million-series': {
    title: '1 million series',
    what: `10 metrics of one device in a message, of 100,000 devices beside 100 devices. All series are there before the first
round; each round brings points of those that are next.`,
    count: 20_000,
    shape: { ...WIDE, devices: 100_000 },
    async field({ ground, shape, count, runs }) {
      const many = await startTidegate(ground, OURS);
      const few = await startTidegate(ground, OTHERS);
      const manyFlows = new Flows(OURS, shape, { count, runs });
      const fewFlows = new Flows(OTHERS, { ...shape, devices: 100 }, { count, runs });
      const notes = await acquaint(many, manyFlows, shape);
      return {
        sides: [
          tidegateSide(many, manyFlows, count, { name: 'Tidegate, 1,000,000 series' }),
          tidegateSide(few, fewFlows, count, { name: 'Tidegate, 1,000 series' }),
        ],
        tidegates: [many, few],
        notes,
      };
    },
  },
  'out-of-order': {
    title: 'Out of order',
    what: 'One-point messages of 1,000 devices, 10 s apart, shuffled over all the time of a round, beside the same in order.',
    count: 100_000,
    shape: { ...ONE, step: 10_000 },
    async field({ ground, shape, count, runs }) {
      const tidegate = await startTidegate(ground, OURS);
      const flows = new Flows(OURS, shape, { count, runs: 2 * runs });
      return {
        sides: [
          tidegateSide(tidegate, flows, count, { name: 'Tidegate, shuffled', change: { shuffled: true } }),
          tidegateSide(tidegate, flows, count, { name: 'Tidegate, in order' }),
        ],
        tidegates: [tidegate],
      };
    },
  },
  duplicates: {
    title: 'All duplicates',
    what: 'One-point messages that were stored a round ago, once more, beside new ones. Nothing is stored twice.',
    count: 100_000,
    shape: ONE,
    async field({ ground, shape, count, runs }) {
      const tidegate = await startTidegate(ground, OURS);
      const flows = new Flows(OURS, shape, { count, runs: runs + 1 });
      let latest = flows.next(count);
      await tidegate.store(latest);
      const fresh = () => tidegate.store((latest = flows.next(count)));
      return {
        sides: [
          { name: 'Tidegate, all there already', run: () => tidegate.store(latest, true) },
          { name: 'Tidegate, all new', run: fresh },
        ],
        tidegates: [tidegate],
      };
    },
  },
  ledger: {
    title: 'The ledger of deliveries',
    what: 'One-point messages with the ledger, beside a daemon without (`ingest.ledger`).',
    count: 100_000,
    shape: ONE,
    async field({ ground, shape, count, runs }) {
      const kept = await startTidegate(ground, OURS);
      const without = await startTidegate(ground, OTHERS, { TIDEGATE_INGEST_LEDGER: 'false' });
      return {
        sides: [
          tidegateSide(kept, new Flows(OURS, shape, { count, runs }), count, { name: 'Tidegate, with it' }),
          tidegateSide(without, new Flows(OTHERS, shape, { count, runs }), count, {
            name: 'Tidegate, without',
          }),
        ],
        tidegates: [kept, without],
      };
    },
  },
  'chunks-400': {
    title: '400 days of chunks',
    what: 'One-point messages of today, where a chunk is open for each of the 400 days before, beside a database without them.',
    count: 100_000,
    shape: ONE,
    async field({ ground, shape, count, runs }) {
      const old = await startTidegate(ground, OURS);
      const young = await startTidegate(ground, OTHERS);
      await old.client.query(
        `SELECT tidegate.open_chunk('points', now() - day * interval '1 day', '1 day') FROM generate_series(1, 400) AS day`,
      );
      return {
        sides: [
          tidegateSide(old, new Flows(OURS, shape, { count, runs }), count, { name: 'Tidegate, 401 chunks' }),
          tidegateSide(young, new Flows(OTHERS, shape, { count, runs }), count, {
            name: 'Tidegate, 1 chunk',
          }),
        ],
        tidegates: [old, young],
      };
    },
  },
  billion: {
    title: '1 billion points',
    what: `One-point messages of 1,000 devices, whose series have 1,000,000 points each of the January before in segments, beside a
database without them.`,
    count: 100_000,
    shape: ONE,
    async field({ ground, shape, count, runs }) {
      const full = await startTidegate(ground, OURS);
      const empty = await startTidegate(ground, OTHERS);
      const series = Array.from({ length: shape.devices }, (_, device) => ({
        device: `device-${device}`,
        points: BILLION / shape.devices,
        every: 1,
      }));
      await fillCompressed(full.client, series);
      return {
        sides: [
          tidegateSide(full, new Flows(OURS, shape, { count, runs }), count, {
            name: `Tidegate, ${BILLION.toLocaleString('en-US')} points before`,
          }),
          tidegateSide(empty, new Flows(OTHERS, shape, { count, runs }), count, {
            name: 'Tidegate, none before',
          }),
        ],
        tidegates: [full, empty],
      };
    },
  },
};

const RIVALS = {
  pipe: ({ ground, count, ...flow }: Start) =>
    pipeSide(ground, flowsOf(PIPED, { ...flow, count }), PIPED, count),
  copy: ({ ground, count, ...flow }: Start) =>
    copySide(ground, flowsOf(COPIED, { ...flow, count }), COPIED, count),
  sketch: ({ ground }: Start) => sketchSide(ground, SKETCH, SKETCH_POINTS),
  'node-red': ({ ground, count, ...flow }: Start) => {
    const fewer = Math.ceil(count * NODE_RED_SHARE);
    return nodeRedSide(ground, flowsOf(NODE_RED, { ...flow, count: fewer }), NODE_RED, fewer);
  },
} as const;

/** Tidegate and others. */
function against(...rivals: readonly (keyof typeof RIVALS)[]): Profile['field'] {
  return async (start) => {
    const tidegate = await startTidegate(start.ground, OURS);
    const flows = flowsOf(OURS, start);
    // Where one round does not bring every series.
    const notes = start.shape.devices > start.count ? await acquaint(tidegate, flows, start.shape) : [];
    const sides: (Side | string)[] = [tidegateSide(tidegate, flows, start.count)];
    for (const rival of rivals) sides.push(await RIVALS[rival](start));
    return { sides, tidegates: [tidegate], notes };
  };
}

/** Tidegate without the scheduler, which would go on with a round's aggregates in the next one, beside the same with two workers. */
async function apart({ ground, ...flow }: Start): Promise<Field> {
  const unscheduled = { TIDEGATE_COMPONENTS: 'ingest,api' };
  const workers = { TIDEGATE_INGEST_WORKERS: '2', TIDEGATE_MQTT_SHARE_GROUP: OTHERS };
  const alone = await startTidegate(ground, OURS, unscheduled);
  const shared = await startTidegate(ground, OTHERS, { ...unscheduled, ...workers });
  return {
    sides: [
      tidegateSide(alone, flowsOf(OURS, flow), flow.count),
      tidegateSide(shared, flowsOf(OTHERS, flow), flow.count, { name: 'Tidegate, two workers' }),
    ],
    tidegates: [alone, shared],
  };
}

/** A message of each device, so that later all series are known. */
async function acquaint(tidegate: Tidegate, flows: Flows, { devices }: FlowShape): Promise<string[]> {
  const { points, seconds } = await tidegate.store(flows.next(devices));
  const [series, rate] = [points, points / seconds].map((value) => Math.round(value).toLocaleString('en-US'));
  return [`Before the first round ${series} series were made, of one point each: ${rate} a second.`];
}

/** One for every run. */
function flowsOf(prefix: string, { shape, count, runs }: Pick<Start, 'shape' | 'count' | 'runs'>): Flows {
  return new Flows(prefix, shape, { count, runs });
}
