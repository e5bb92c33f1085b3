import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RouteConfig } from '../../../../src/config/route.ts';
import { decodeLimits } from '../../../../src/app-options.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import { decode, LIMITS, makeRoute } from '../decoding.ts';

const NONE = Number.NaN;
const TELEGRAF = { topic: 'telegraf/#', format: 'line_protocol', device_id: '@.tags.host' } as const;
const sent = (payload: string, overrides: Partial<RouteConfig> = {}) =>
  decode([makeRoute({ ...TELEGRAF, ...overrides })], 'telegraf/x', payload);
const points = (payload: string, overrides: Partial<RouteConfig> = {}) =>
  sent(payload, overrides).rows.map(([device, metric, , value]) => [device, metric, value]);

test('What Telegraf writes: the tag host is the device, the other tags are in the name and kept', () => {
  const { rows, described, rejects } = sent(
    [
      'cpu,cpu=cpu0,host=web1 usage_idle=98.5,usage_user=1i 1465839830100400200',
      'cpu,cpu=cpu1,host=web1 usage_idle=97.25,usage_user=2i 1465839830100400200',
      'mem,host=web1 used_percent=41.75 1465839830100400200',
    ].join('\n'),
  );
  const time = 1_465_839_830_100_400;
  assert.deepEqual(rows, [
    ['web1', 'cpu.usage_idle,cpu=cpu0', time, 98.5, 'gauge'],
    ['web1', 'cpu.usage_user,cpu=cpu0', time, 1, 'gauge'],
    ['web1', 'cpu.usage_idle,cpu=cpu1', time, 97.25, 'gauge'],
    ['web1', 'cpu.usage_user,cpu=cpu1', time, 2, 'gauge'],
    ['web1', 'mem.used_percent', time, 41.75, 'gauge'],
  ]);
  assert.deepEqual(
    described.map(([row, { tags }]) => [row, tags]),
    [
      [0, { cpu: 'cpu0' }],
      [1, { cpu: 'cpu0' }],
      [2, { cpu: 'cpu1' }],
      [3, { cpu: 'cpu1' }],
    ],
  );
  assert.equal(described[0]?.[1], described[1]?.[1]);
  assert.deepEqual(rejects, []);
});

test('The rule of the route: which tags are in the name, where the device and the metric are', () => {
  const line = 'disk,path=/,device=sda1,host=a used=1';
  assert.deepEqual(points(line), [['a', 'disk.used,device=sda1,path=/', 1]]);
  assert.deepEqual(points(line, { metric_tags: ['path'] }), [['a', 'disk.used,path=/', 1]]);
  assert.deepEqual(points(line, { metric_tags: [] }), [['a', 'disk.used', 1]]);
  assert.deepEqual(points(line, { metric_name: '@.field', metric_tags: [] }), [['a', 'used', 1]]);
  assert.deepEqual(points(line, { device_id: '@.tags.device', metric_tags: ['path'] }), [
    ['sda1', 'disk.used,path=/', 1],
  ]);
  const topic = { topic: 'telegraf/{device_id}', device_id: undefined };
  assert.deepEqual(points(line, topic), [['x', 'disk.used,device=sda1,host=a,path=/', 1]]);
  assert.deepEqual(points(line, { exclude: ['disk.*'] }), []);
  assert.equal(sent(line, { device_id: '@.tags.rack' }).rejects[0]?.code, 'device_id_missing');
});

test('Types of values: floats, integers, unsigned ones, booleans and texts', () => {
  const values = (written: string) => points(`m,host=a f=${written}`).map(([, , value]) => value);
  for (const [written, value] of [
    ['1', 1],
    ['-1.5', -1.5],
    ['+1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['1e3', 1000],
    ['1.5E-3', 0.0015],
    ['71i', 71],
    ['-71i', -71],
    ['71u', 71],
    ['9007199254740993i', 9_007_199_254_740_992],
    ['18446744073709551615u', 2 ** 64],
    ['0.1234567890123456789', Number('0.1234567890123456789')],
    ...['t', 'T', 'true', 'True', 'TRUE'].map((word) => [word, 1] as const),
    ...['f', 'F', 'false', 'False', 'FALSE'].map((word) => [word, 0] as const),
    ['"idle"', 'idle'],
    ['"say \\"hi\\", back\\\\slash \\n"', 'say "hi", back\\slash \\n'],
    ['"two\nlines, a=b"', 'two\nlines, a=b'],
  ] as const) {
    assert.deepEqual(values(written), [value], written);
  }
});

test('Any double as any language prints it', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(12), (value, digits) => {
      for (const written of [String(value), value.toExponential(), value.toFixed(digits)]) {
        assert.ok(Object.is(points(`m,host=a f=${written} 1`)[0]?.[2], Number(written)), written);
      }
    }),
  );
});

test('Escapes of names and tags; other backslashes stand for themselves', () => {
  assert.deepEqual(points('my\\ m\\,x,host=a,ta\\=g=v\\ al\\,x f\\ 1=1'), [
    ['a', 'my m,x.f 1,ta\\=g=v al\\,x', 1],
  ]);
  assert.deepEqual(points('m,host=C:\\dir f\\,g\\=h=1'), [['C:\\dir', 'm.f,g=h', 1]]);
  assert.deepEqual(points('m,host=a __proto__=1,constructor=2'), [
    ['a', 'm.__proto__', 1],
    ['a', 'm.constructor', 2],
  ]);
  assert.deepEqual(points('m,__proto__=x,host=a f=1'), [['a', 'm.f,__proto__=x', 1]]);
});

test('Times: nanoseconds, what time_unit says, or none', () => {
  const time = (written: string, overrides: Partial<RouteConfig> = {}) =>
    sent(`m,host=a f=1 ${written}`, overrides).rows.map(([, , at]) => at);
  assert.deepEqual(time('1465839830100400999'), [1_465_839_830_100_400]);
  assert.deepEqual(time('1465839830'), [1_465_839_830_000_000]);
  assert.deepEqual(time('1465839830123'), [1_465_839_830_123_000]);
  assert.deepEqual(time('1000000', { time_unit: 'ns' }), [1000]);
  assert.deepEqual(time('-1', { time_unit: 'ns' }), [-1]);
  assert.deepEqual(time(''), [NONE]);
  assert.deepEqual(time('  \r'), [NONE]);
  const { rejects } = sent('m,host=a f=1,g=2 99999999999999999999');
  assert.deepEqual(
    rejects.map(({ code }) => code),
    ['timestamp_out_of_range', 'timestamp_out_of_range'],
  );
});

test('Comments, empty lines and any ends of lines', () => {
  assert.deepEqual(
    points('# a comment, with="quotes\n\n  \r\n\tm,host=a f=1 1\r\n#\nm,host=a f=2 2').map(
      ([, , value]) => value,
    ),
    [1, 2],
  );
});

test('A line that is none is rejected by itself', () => {
  const bad = `m
m,host=a
,host=a f=1
m,host f=1
m,host= f=1
m,=a f=1
m,a=b=c f=1
m,host=a f
m,host=a f=
m,host=a =1
m,host=a f=1,
m,host=a f=1,,g=2
m,host=a f=1 now
m,host=a f=1 1 2
m,host=a f=1 1.5
m,host=a f=x
m,host=a f=0x10
m,host=a f=1_0
m,host=a f=Infinity
m,host=a f=NaN
m,host=a f=-1u
m,host=a f=1.5i
m,host=a f=i
m,host=a f=.
m,host=a f="a"b
m,host=a f\\=1`;
  for (const line of bad.split('\n')) {
    const { rows, rejects } = sent(`m,host=a f=1\n${line}\nm,host=a f=2`);
    assert.deepEqual(
      [rows.length, rejects.map(({ code }) => code)],
      [2, ['line_invalid']],
      `${line} ${JSON.stringify(rejects)}`,
    );
    assert.match(rejects[0]?.detail ?? '', /^lines\[1\]: /);
  }
  const open = sent('m,host=a f=1\nm,host=a f="no end\nm,host=a f=2');
  assert.deepEqual([open.rows.length, open.rejects.length], [2, 1]);
});

test('5,000 lines in one message', () => {
  const lines = Array.from(
    { length: 5000 },
    (_, index) =>
      `cpu,cpu=cpu${index % 50},host=web1 usage_idle=${index / 10},usage_user=${index}i ${1_465_839_830_000 + index}000000`,
  );
  const { rows, rejects } = sent(lines.join('\n'));
  assert.deepEqual(rejects, []);
  assert.equal(rows.length, 10_000);
  assert.deepEqual(rows.at(-1), ['web1', 'cpu.usage_user,cpu=cpu49', 1_465_839_834_999_000, 4999, 'gauge']);
  const few = { ...LIMITS, pointsPerMessage: 9_999 };
  const { rejects: refused } = decode([makeRoute(TELEGRAF)], 'telegraf/x', lines.join('\n'), few);
  assert.deepEqual(refused, [{ code: 'too_many_points', detail: '$: more than 2999 lines' }]);
});

test('Telegraf sends 5,000 lines of ten fields, of a series each, within the limits of a configuration that names none', () => {
  const limits = decodeLimits(
    loadConfig({ env: { TIDEGATE_DATABASE_URL: 'postgres://user:none@127.0.0.1/none' } }),
  );
  const lines = Array.from({ length: 5000 }, (_, index) => {
    const fields = Array.from({ length: 10 }, (_, field) => `usage_${field}=${index / 8 + field}`);
    return `cpu,cpu=cpu${index % 50},host=h${Math.floor(index / 50)} ${fields.join(',')} 1465839830000000000`;
  });
  const send = (payload: string) => decode([makeRoute(TELEGRAF)], 'telegraf/x', payload, limits);
  const { rows, rejects } = send(lines.join('\n'));
  assert.deepEqual(rejects, []);
  assert.equal(new Set(rows.map(([device, metric]) => `${device} ${metric}`)).size, 50_000);
  assert.deepEqual(rows.at(-1), [
    'h99',
    'cpu.usage_9,cpu=cpu49',
    1_465_839_830_000_000,
    4999 / 8 + 9,
    'gauge',
  ]);
  // The beginning of a line names its device too, which is no further name.
  const ofHosts = lines.map((line, index) => line.replace(/host=h\d+/, `host=of${index}`));
  const each = send(ofHosts.join('\n'));
  assert.deepEqual(each.rejects, []);
  assert.equal(new Set(each.rows.map(([device]) => device)).size, 5_000);
  const [first = ''] = lines;
  assert.deepEqual(
    send([...lines, first].join('\n')).rejects.map(({ code }) => code),
    ['too_many_points'],
  );
  const short = Array.from({ length: 10_000 }, (_, index) => `m,t=${index} f=1`);
  assert.deepEqual(
    send(short.join('\n')).rejects.map(({ code }) => code),
    ['too_many_names'],
  );
  const sameAgain = (count: number) =>
    send('m,host=a f=1\n'.repeat(count))
      .rejects.map(({ detail }) => detail)
      .join();
  assert.equal(sameAgain(11_000), '');
  assert.equal(sameAgain(11_001), '$: more than 11000 lines');
});

test('Fields have their names wherever they stand in a line, and however often it is sent', () => {
  const orders = ['a=1,b=2', 'b=3,a=4', 'c=5,a=6,b=7,c=8', 'a=9', 'b=10,c=11'];
  for (let time = 0; time < 3; time++) {
    const { rows } = sent(orders.map((fields) => `order,host=x ${fields}`).join('\n'));
    assert.deepEqual(
      rows.map(([, metric, , value]) => `${metric.slice('order.'.length)}=${value}`).join(' '),
      orders.join(' ').replaceAll(',', ' '),
    );
  }
});

test('A value or a name that is none is rejected by itself among numbers, also of a series that is known', () => {
  const long = 'x'.repeat(300);
  for (const [field, code] of [
    ['b=1e999', 'number_out_of_range'],
    [`${long}=2`, 'name_invalid'],
    ['b\0=2', 'name_invalid'],
  ] as const) {
    const line = `row,host=${code} a=1,${field},c=3`;
    for (let time = 0; time < 3; time++) {
      const { rows, rejects } = sent(line);
      assert.deepEqual(
        rows.map(([, metric, , value]) => [metric, value]),
        [
          ['row.a', 1],
          ['row.c', 3],
        ],
      );
      assert.deepEqual(
        rejects.map((reject) => reject.code),
        [code],
      );
    }
  }
});

test('Lines are told apart by every byte, however often they are sent', () => {
  const keys = [
    'größe,host=ü',
    'größe,host=ù',
    'größe,host=\\ ü',
    'grö,host=x',
    'grö,host=y',
    'grö\\,host=x,host=x',
  ];
  const devices = ['ü', 'ù', ' ü', 'x', 'y', 'x'];
  const measurements = ['größe', 'größe', 'größe', 'grö', 'grö', 'grö,host=x'];
  for (let time = 0; time < 3; time++) {
    assert.deepEqual(
      points(keys.map((key, index) => `${key} f=${index}`).join('\n')),
      keys.map((_, index) => [devices[index], `${measurements[index]}.f`, index]),
    );
  }
});

test('A line has so many tags and no more', () => {
  const tags = Array.from({ length: 256 }, (_, index) => `,t${index}=1`).join('');
  const route = makeRoute({ ...TELEGRAF, metric_tags: [], device_id: 'd' });
  const send = (line: string) => decode([route], 'telegraf/x', line);
  assert.equal(send(`m${tags} f=1`).rows.length, 1);
  assert.deepEqual(send(`m${tags},t=1 f=1`).rejects, [
    {
      code: 'line_invalid',
      detail: 'lines[0]: no measurement, a tag without a name or value, or more than 256 tags',
    },
  ]);
});
