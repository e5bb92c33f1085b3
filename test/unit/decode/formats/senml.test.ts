import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from 'cborg';
import * as fc from 'fast-check';
import type { RouteConfig } from '../../../../src/config/route.ts';
import { createDecoder } from '../../../../src/decode/decoder.ts';
import type { SeriesMeta } from '../../../../src/pipeline/types.ts';
import { decode, LIMITS, makeRoute, type Row } from '../decoding.ts';

const NOW = 1_767_225_600_123_000;
const NONE = Number.NaN;
const LABELS = ['bs', 'bv', 'bu', 'bt', 'bn', 'bver', 'n', 'u', 'v', 'vs', 'vb', 's', 't', 'ut', 'vd'];

type Pack = readonly Readonly<Record<string, unknown>>[];

function sent(payload: Pack | Uint8Array, overrides: Partial<RouteConfig> = {}, topic = 'senml/x') {
  const route = makeRoute({ topic: 'senml/#', format: 'senml', ...overrides });
  const rows: Row[] = [];
  const units: (string | undefined)[] = [];
  const rejects: string[] = [];
  createDecoder([route], LIMITS).decode(
    topic,
    payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload)),
    {
      number: (device, metric, at, value, kind) =>
        void units.push(...(rows.push([device, metric, at, value, kind]), [undefined])),
      text: (device, metric, at, value) =>
        void units.push(...(rows.push([device, metric, at, value, 'text']), [undefined])),
      describe: ({ unit }: SeriesMeta) => void units.splice(-1, 1, unit),
      reject: (code, detail) => void rejects.push(`${code} ${detail}`),
      drop: () => {},
    },
    false,
    NOW + 999,
  );
  return { rows, units, rejects };
}

/** The same pack as RFC 8428, section 6, writes it. */
function cborOf(pack: Pack): Uint8Array {
  const records = pack.map(
    (record) =>
      new Map(
        Object.entries(record).map(([label, value]) => [
          LABELS.indexOf(label) - 6,
          label === 'vd' ? Buffer.from(String(value), 'base64url') : value,
        ]),
      ),
  );
  return encode(records);
}

/** [name, unit, seconds, value] of the records as the RFC resolves them: all under one device, so that names stay whole. */
function resolved(pack: Pack | Uint8Array): unknown[] {
  const { rows, units, rejects } = sent(pack, { device_id: 'gateway' });
  assert.deepEqual(rejects, []);
  return rows.map(([, name, micros, value], index) => [name, units[index], micros / 1e6, value]);
}

const DEVICE = 'urn:dev:ow:10e2073a01080063';
const EXAMPLES: readonly { title: string; pack: Pack; resolved: readonly unknown[] }[] = [
  {
    title: '5.1.1 Single Data Point',
    pack: [{ n: DEVICE, u: 'Cel', v: 23.1 }],
    resolved: [[DEVICE, 'Cel', NONE, 23.1]],
  },
  {
    title: '5.1.2 Multiple Data Points',
    pack: [
      { bn: `${DEVICE}:`, n: 'voltage', u: 'V', v: 120.1 },
      { n: 'current', u: 'A', v: 1.2 },
    ],
    resolved: [
      [`${DEVICE}:voltage`, 'V', NONE, 120.1],
      [`${DEVICE}:current`, 'A', NONE, 1.2],
    ],
  },
  {
    title: '5.1.2 Multiple Data Points, with times',
    pack: [
      {
        bn: 'urn:dev:ow:10e2073a0108006:',
        bt: 1.276020076001e9,
        bu: 'A',
        bver: 5,
        n: 'voltage',
        u: 'V',
        v: 120.1,
      },
      { n: 'current', t: -5, v: 1.2 },
      { n: 'current', t: -4, v: 1.3 },
      { n: 'current', t: -3, v: 1.4 },
      { n: 'current', t: -2, v: 1.5 },
      { n: 'current', t: -1, v: 1.6 },
      { n: 'current', v: 1.7 },
    ],
    resolved: [
      ['urn:dev:ow:10e2073a0108006:voltage', 'V', 1_276_020_076.001, 120.1],
      ...[1.2, 1.3, 1.4, 1.5, 1.6, 1.7].map((value, index) => [
        'urn:dev:ow:10e2073a0108006:current',
        'A',
        1_276_020_071.001 + index,
        value,
      ]),
    ],
  },
  {
    title: '5.1.6 Collection of Resources',
    pack: [
      { bn: '2001:db8::2/', bt: 1.320078429e9, n: 'temperature', u: 'Cel', v: 25.2 },
      { n: 'humidity', u: '%RH', v: 30 },
      { bn: '2001:db8::1/', n: 'temperature', u: 'Cel', v: 12.3 },
      { n: 'humidity', u: '%RH', v: 67 },
    ],
    resolved: [
      ['2001:db8::2/temperature', 'Cel', 1_320_078_429, 25.2],
      ['2001:db8::2/humidity', '%RH', 1_320_078_429, 30],
      ['2001:db8::1/temperature', 'Cel', 1_320_078_429, 12.3],
      ['2001:db8::1/humidity', '%RH', 1_320_078_429, 67],
    ],
  },
  {
    title: '5.1.7 Setting an Actuator',
    pack: [
      { bn: `${DEVICE}:` },
      { n: 'temp', u: 'Cel', v: 23.1 },
      { n: 'heat', u: '/', v: 1 },
      { n: 'fan', u: '/', v: 0 },
    ],
    resolved: [
      [`${DEVICE}:temp`, 'Cel', NONE, 23.1],
      [`${DEVICE}:heat`, '/', NONE, 1],
      [`${DEVICE}:fan`, '/', NONE, 0],
    ],
  },
  {
    title: '5.1.7 Setting an Actuator, two lights at once and off after 100 ms',
    pack: [
      { bt: 1.320078429e9, bu: '/', n: '2001:db8::3', v: 0.5 },
      { n: '2001:db8::4', v: 0.5 },
      { n: '2001:db8::3', t: 0.1, v: 0 },
      { n: '2001:db8::4', t: 0.1, v: 0 },
    ],
    resolved: [
      ['2001:db8::3', '/', 1_320_078_429, 0.5],
      ['2001:db8::4', '/', 1_320_078_429, 0.5],
      ['2001:db8::3', '/', 1_320_078_429.1, 0],
      ['2001:db8::4', '/', 1_320_078_429.1, 0],
    ],
  },
];

for (const example of EXAMPLES) {
  test(`Example of RFC 8428, ${example.title}`, () => {
    assert.deepEqual(resolved(example.pack), example.resolved);
    assert.deepEqual(resolved(cborOf(example.pack)), example.resolved);
  });
}

test('Example of RFC 8428, 5.1.3 Multiple Measurements and 5.1.4 Resolved Data: a name with several units', () => {
  const tracker = [
    20, 24.30621, 60.07965, 20.3, 24.30622, 60.07965, 20.7, 24.30623, 60.07966, 98, 21.2, 24.30628, 60.07967,
  ];
  const units = ['%RH', 'lon', 'lat', '%RH', 'lon', 'lat', '%RH', 'lon', 'lat', '%EL', '%RH', 'lon', 'lat'];
  const seconds = [0, 0, 0, 60, 60, 60, 120, 120, 120, 150, 180, 180, 180];
  const pack = tracker.map((v, index) => ({
    ...(index === 0 && { bn: DEVICE, bt: 1.320067464e9, bu: '%RH' }),
    ...(units[index] !== '%RH' && { u: units[index] }),
    ...(seconds[index] !== 0 && { t: seconds[index] }),
    v,
  }));
  const published = tracker.map((v, index) => ({
    n: DEVICE,
    u: units[index],
    t: 1.320067464e9 + (seconds[index] ?? 0),
    v,
  }));
  const expected = tracker.map((value, index) => [
    units[index] === '%RH' ? DEVICE : `${DEVICE}.${units[index]}`,
    units[index],
    1_320_067_464 + (seconds[index] ?? 0),
    value,
  ]);
  for (const form of [pack, published, cborOf(pack), cborOf(published)]) {
    assert.deepEqual(resolved(form), expected);
  }
  // Where the device is known, its records without a name of their own are called by their unit.
  const { rows } = sent(pack);
  assert.deepEqual(
    rows.map(([device, metric]) => [device, metric]),
    units.map((unit) => [DEVICE, unit]),
  );
});

test('Example of RFC 8428, 5.1.5 Multiple Data Types', () => {
  const pack = [
    { bn: `${DEVICE}:`, n: 'temp', u: 'Cel', v: 23.1 },
    { n: 'label', vs: 'Machine Room' },
    { n: 'open', vb: false },
    { n: 'nfc-reader', vd: 'aGkgCg' },
  ];
  for (const form of [pack, cborOf(pack)]) {
    const { rows, units, rejects } = sent(form);
    assert.deepEqual(rows, [
      [DEVICE, 'temp', NONE, 23.1, 'gauge'],
      [DEVICE, 'label', NONE, 'Machine Room', 'text'],
      [DEVICE, 'open', NONE, 0, 'state'],
    ]);
    assert.deepEqual(units, ['Cel', undefined, undefined]);
    assert.deepEqual(rejects, ['value_unsupported $[3]: the value is 4 bytes']);
    assert.deepEqual(sent(form, { exclude: ['nfc-reader'] }).rejects, []);
  }
});

test('Example of RFC 8428, section 6, in CBOR', () => {
  const bytes =
    '87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b00106223614120050067766f6c7461676501615602fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4cccccccccccda3006763757272656e74062202fb3ff6666666666666a3006763757272656e74062102f93e00a3006763757272656e74062002fb3ff999999999999aa3006763757272656e74060002fb3ffb333333333333';
  assert.deepEqual(resolved(Buffer.from(bytes, 'hex')), EXAMPLES[2]?.resolved);
});

test('The device is the base name, or the one of the topic, and the metric what the name says beyond it', () => {
  const pack = [
    { bn: `${DEVICE}:`, n: 'temp', v: 1 },
    { bn: DEVICE, v: 2 },
  ];
  const names = (rows: Row[]) => rows.map(([device, metric]) => [device, metric]);
  assert.deepEqual(names(sent(pack).rows), [
    [DEVICE, 'temp'],
    [DEVICE, 'value'],
  ]);
  const byTopic = { topic: 'senml/{device_id}' };
  assert.deepEqual(names(sent(pack, byTopic, 'senml/10e2073a01080063').rows), [
    ['10e2073a01080063', 'temp'],
    ['10e2073a01080063', 'value'],
  ]);
  assert.deepEqual(names(sent(pack, byTopic, 'senml/63').rows), [
    ['63', `${DEVICE}:temp`],
    ['63', DEVICE],
  ]);
  assert.deepEqual(names(sent([{ n: 'temp', v: 1 }], byTopic).rows), [['x', 'temp']]);
  assert.deepEqual(names(sent(pack, { metric_name: '@.name' }).rows)[0], [DEVICE, `${DEVICE}:temp`]);
  assert.deepEqual(sent([{ n: 'temp', v: 1 }]).rejects, ['device_id_missing $[0]: no device_id at @.bn']);
});

test('Base values persist until the next of their kind; sums are metrics of their own', () => {
  const pack = [
    { bn: 'meter/', bt: 1_700_000_000, bu: 'W', bv: 100, n: 'power', v: 1, s: 5 },
    { n: 'power', t: 1, v: 2 },
    { n: 'power', t: 2 },
    { bv: 200, bs: 1000, n: 'power', t: 3, v: 3, s: 5 },
    { n: 'power', t: 4, v: 4 },
    { n: 'energy', t: 5, s: 7 },
  ];
  for (const form of [pack, cborOf(pack)]) {
    const { rows, units, rejects } = sent(form);
    assert.deepEqual(
      rows.map(([, metric, micros, value], index) => [
        metric,
        micros / 1e6 - 1_700_000_000,
        value,
        units[index],
      ]),
      [
        ['power', 0, 101, 'W'],
        ['power.sum', 0, 5, 'W.s'],
        ['power', 1, 102, 'W'],
        ['power', 2, 100, 'W'],
        ['power', 3, 203, 'W'],
        ['power.sum', 3, 1005, 'W.s'],
        ['power', 4, 204, 'W'],
        ['power.sum', 4, 1000, 'W.s'],
        ['energy.sum', 5, 1007, 'W.s'],
      ],
    );
    assert.deepEqual(rejects, []);
  }
});

test('Times below 2^28 count from the arrival, which is a whole millisecond', () => {
  const pack = [
    { bn: 'd/', n: 'a', v: 1 },
    { n: 'a', t: -1.5, v: 2 },
    { n: 'a', t: 2 ** 28 - 1, v: 3 },
    { n: 'a', t: 2 ** 28, v: 4 },
  ];
  assert.deepEqual(
    sent(pack).rows.map(([, , micros]) => micros),
    [NONE, NOW - 1_500_000, NOW + (2 ** 28 - 1) * 1e6, 2 ** 28 * 1e6],
  );
  const route = makeRoute({ topic: 'senml/#', format: 'senml', on_backlog: 'dead_letter' });
  const rejects: string[] = [];
  const out = { number: () => assert.fail(), text: () => assert.fail(), describe: () => {}, drop: () => {} };
  createDecoder([route], LIMITS).decode(
    'senml/x',
    Buffer.from(JSON.stringify(pack.slice(0, 2))),
    { ...out, reject: (code) => void rejects.push(code) },
    true,
    NOW,
  );
  assert.deepEqual(rejects, ['backlog', 'backlog']);
});

test('Times to the microsecond', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 300_000_000, max: 4_000_000_000 }),
      fc.nat(999_999),
      fc.integer({ min: -9e9, max: 9e9 }),
      (seconds, micros, offset) => {
        const bt = Number(`${seconds}.${String(micros).padStart(6, '0')}`);
        const t = offset / 1e6;
        fc.pre(bt + t >= 2 ** 28);
        const [row] = sent([{ bn: 'd/', n: 'a', bt, t, v: 1 }]).rows;
        assert.equal(row?.[2], seconds * 1e6 + micros + offset);
      },
    ),
  );
});

test('What is no SenML, or asks to be understood, is refused as a whole', () => {
  const codes = (pack: unknown) => sent(pack as Pack).rejects.map((reason) => reason.split(' ')[0]);
  for (const pack of [
    { n: 'a', v: 1 },
    [1],
    [[]],
    [{ bn: 5, v: 1 }],
    [{ n: null, v: 1 }],
    [{ n: 'a', u: {}, v: 1 }],
    [{ bn: 'd/', bt: 'now', n: 'a', v: 1 }],
    [
      { bn: 'd/', n: 'a', v: 1 },
      { bver: 11, n: 'a', v: 1 },
    ],
    [{ bn: 'd/', n: 'a', v: 1, mtu_: 5 }],
  ]) {
    assert.deepEqual(codes(pack), ['senml_invalid'], JSON.stringify(pack));
  }
  assert.deepEqual(sent(encode([{ mtu_: 1 }])).rejects, [
    'senml_invalid $: the unknown field "mtu_", at byte 7',
  ]);
  assert.deepEqual(sent(encode([[1]])).rejects, ['senml_invalid $: a record that is no map, at byte 2']);
  assert.equal(sent([{ bver: 26, bn: 'd/', n: 'a', v: 1, other: 5 }]).rows.length, 1);
});

test('A record that says too little or wrong is rejected by itself', () => {
  const { rows, rejects } = sent([
    { bn: 'd/', n: 'a', v: 1 },
    { n: 'b' },
    { n: 'c', t: 'noon', v: 1 },
    { n: 'd', v: [1] },
    { n: 'e', v: 1e300, t: 1e300 },
    { n: 'f', v: 2 },
  ]);
  assert.deepEqual(
    rows.map(([, metric]) => metric),
    ['a', 'f'],
  );
  assert.deepEqual(rejects, [
    'value_missing $[1]: no value',
    'timestamp_invalid $[2]: the timestamp is "noon"',
    'value_unsupported $[3]: the value is an array of 1',
    'timestamp_out_of_range $[4]: the timestamp is 1e+300',
  ]);
});

test('The same object describes a series as long as its unit stays', () => {
  const route = makeRoute({ topic: 'senml/#', format: 'senml' });
  const { described } = decode(
    [route],
    'senml/x',
    JSON.stringify([
      { bn: 'd/', n: 'a', u: 'V', v: 1 },
      { n: 'a', u: 'V', v: 2 },
    ]),
  );
  assert.equal(described.length, 2);
  assert.equal(described[0]?.[1], described[1]?.[1]);
});
