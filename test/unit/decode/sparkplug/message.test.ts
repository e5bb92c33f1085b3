import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BirthTable } from '../../../../src/decode/sparkplug/birth-table.ts';
import { rebirthCommand } from '../../../../src/decode/sparkplug/command.ts';
import { type Scalar, scalarOf } from '../../../../src/decode/sparkplug/datatype.ts';
import { readPayload } from '../../../../src/decode/sparkplug/message.ts';
import { encodePayload, type MetricFields } from '../../../support/sparkplug.ts';

const integers = [
  [1, 8, true],
  [2, 16, true],
  [3, 32, true],
  [4, 64, true],
  [5, 8, false],
  [6, 16, false],
  [7, 32, false],
  [8, 64, false],
  [13, 64, false],
] as const;

/** The value that comes out of a metric of this type. */
function through(datatype: number, fields: MetricFields): Scalar | undefined {
  const [metric] = readPayload(encodePayload({ metrics: [{ name: 'm', datatype, ...fields }] }), 10).metrics;
  assert.ok(metric !== undefined);
  return scalarOf(metric, metric.datatype);
}

for (const [datatype, bits, signed] of integers) {
  test(`integers of datatype ${datatype} come out as they went in, whichever field they are in`, () => {
    const [least, most] = signed
      ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]
      : [0n, 2n ** BigInt(bits) - 1n];
    fc.assert(
      fc.property(fc.bigInt({ min: least, max: most }), (value) => {
        const long = { longValue: String(BigInt.asUintN(64, value)) };
        assert.equal(BigInt(through(datatype, long) ?? ''), value);
        if (bits > 32) return;
        const int = { intValue: Number(BigInt.asUintN(32, value)) };
        assert.equal(through(datatype, int), Number(value));
        // As some implementations have it: the two's complement of the type's own width.
        const narrow = { intValue: Number(BigInt.asUintN(bits, value)) };
        assert.equal(through(datatype, narrow), Number(value));
      }),
    );
  });

  if (bits <= 32)
    test(`what is no integer of datatype ${datatype} is none`, () => {
      assert.equal(through(datatype, { longValue: 2 ** 40 }), undefined);
      assert.equal(through(datatype, { doubleValue: 1 }), undefined);
    });
}

test('other scalars come out as they went in', () => {
  fc.assert(
    fc.property(
      fc.double(),
      fc.float(),
      fc.boolean(),
      fc.string({ unit: 'grapheme' }),
      (double, float, boolean, text) => {
        assert.equal(through(10, { doubleValue: double }), double);
        assert.equal(through(9, { floatValue: float }), float);
        assert.equal(through(11, { booleanValue: boolean }), boolean);
        for (const datatype of [12, 14, 15]) assert.equal(through(datatype, { stringValue: text }), text);
      },
    ),
  );
});

test('a birth that is kept is the same table when it is read again', () => {
  const metric = fc.record(
    {
      name: fc.oneof(fc.string({ minLength: 1, unit: 'grapheme' }), fc.constantFrom('a', 'b')),
      alias: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String), fc.constantFrom('1', '2')),
      datatype: fc.integer({ min: 1, max: 34 }),
      properties: fc.string({ minLength: 1 }).map((unit) => ({
        keys: ['Quality', 'engUnit'],
        values: [
          { type: 3, intValue: 192 },
          { type: 12, stringValue: unit },
        ],
      })),
    },
    { requiredKeys: ['name'] },
  );
  fc.assert(
    fc.property(fc.array(metric, { maxLength: 20 }), (metrics) => {
      const table = new BirthTable(readPayload(encodePayload({ metrics }), 1_000).metrics);
      const read = BirthTable.decode(table.encode());
      assert.equal(read.digest, table.digest);
      for (const { name, alias } of metrics) {
        assert.deepEqual(read.byName(name), table.byName(name));
        if (alias === undefined) continue;
        const key = Number.isSafeInteger(Number(alias)) ? Number(alias) : BigInt(alias);
        assert.deepEqual(read.byAlias(key), table.byAlias(key));
      }
    }),
  );
});

test('the unit is a property of the metric', () => {
  const properties = {
    keys: ['engLow', 'engUnit'],
    values: [
      { type: 3, intValue: 1 },
      { type: 12, stringValue: '°C' },
    ],
  };
  const [metric] = readPayload(encodePayload({ metrics: [{ name: 'm', properties }] }), 10).metrics;
  assert.equal(metric?.unit, '°C');
});

test('the command for a rebirth is the one of the specification', () => {
  const now = 1_767_225_600_123;
  const { timestamp, metrics } = readPayload(rebirthCommand(now), 1);
  assert.equal(timestamp, now);
  assert.deepEqual(
    metrics.map(({ name, datatype, value }) => [name, datatype, value]),
    [['Node Control/Rebirth', 11, true]],
  );
});
