import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { JsonReader } from '../../../../src/decode/formats/json-reader.ts';
import { NumberRoom } from '../../../../src/decode/number-room.ts';

const reader = new JsonReader();
const room = new NumberRoom();
const read = (text: string | Uint8Array, nesting = 100) => reader.read(Buffer.from(text), { nesting });

/** What it is with integers beyond 2^53 as bigints; undefined where it is no JSON. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
      (_key: string, value: unknown, { source = '' }: { source?: string } = {}) =>
        typeof value === 'number' && /^-?\d{16,}$/.test(source) && source.length <= 20
          ? Number.isSafeInteger(value)
            ? value
            : BigInt(source)
          : value,
    );
  } catch {
    return undefined;
  }
}

/** With arrays where columns are. */
function unpacked(value: unknown): unknown {
  if (value instanceof Float64Array) return [...value];
  if (Array.isArray(value)) return value.map(unpacked);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]): [string, unknown] => [key, unpacked(member)]);
  return Object.fromEntries(members);
}

function alike(bytes: Uint8Array): void {
  const [ours, theirs] = [read(bytes), parse(bytes)];
  assert.deepEqual(ours, theirs, Buffer.from(bytes).toString());
  room.clear();
  assert.deepEqual(unpacked(reader.read(Buffer.from(bytes), { nesting: 100 }, room)), theirs);
  // The order of keys, and what is `__proto__` by name only.
  const shown = (value: unknown) =>
    JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? `${member}n` : member));
  assert.equal(shown(ours), shown(theirs));
}

test('Any JSON is what JSON.parse makes of it', () => {
  const spaced = fc.tuple(fc.json({ stringUnit: 'binary' }), fc.constantFrom(undefined, 1, '\t', ' \r\n'));
  fc.assert(
    fc.property(spaced, ([text, space]) => {
      alike(Buffer.from(JSON.stringify(JSON.parse(text), null, space)));
    }),
  );
});

test('Any numeral is the double that it is for JSON.parse, or the integer', () => {
  const digits = fc.stringMatching(/^\d{0,22}$/);
  const numeral = fc
    .tuple(
      fc.constantFrom('', '-', '+'),
      digits,
      fc.constantFrom('', '.'),
      digits,
      fc.stringMatching(/^([eE][+-]?\d{0,3})?$/),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(numeral, fc.double(), (written, value) => {
      alike(Buffer.from(written));
      alike(Buffer.from(`[${written}]`));
      alike(Buffer.from(`{"a":[${written},1]}`));
      alike(Buffer.from(String(value)));
    }),
  );
  for (const text of ['-0', '-0.0', '01', '0.', '.5', '1e999', '9007199254740993', '-9223372036854775808'])
    alike(Buffer.from(text));
});

test('What is nearly JSON is none, or another one', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '"a"',
    '"\\u00e9"',
    '"é"',
    '"\\x"',
    '"\\ud800"',
    '"__proto__"',
    '1',
    '-',
    '1.5',
    'true',
    'false',
    'null',
    'nul',
    ' ',
    '\n',
    '\v',
    '\0',
    '\ufeff',
    '"a":1',
    '"2":2',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => alike(Buffer.from(pieces.join('')))),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.nat(255), (text, at, byte) => {
      const bytes = Buffer.from(text);
      bytes[at % bytes.length] = byte;
      alike(bytes);
    }),
    { numRuns: 500 },
  );
});

test('An array of numbers in an object lies in the room; one that is nearly such is none, or an array', () => {
  assert.deepEqual(reader.read(Buffer.from('{"a":[1,-2.5]}'), { nesting: 2 }, room), {
    a: Float64Array.of(1, -2.5),
  });
  fc.assert(
    fc.property(
      fc.array(fc.nat()),
      fc.nat(),
      fc.constantFrom(' ', ',', ']', '}', 'x', '1', '"'),
      (numbers, at, byte) => {
        const bytes = Buffer.from(JSON.stringify({ a: numbers, b: [1] }));
        alike(bytes);
        bytes.write(byte, at % bytes.length);
        alike(bytes);
      },
    ),
    { numRuns: 500 },
  );
});

test('Beyond its items or keys it reads nothing', () => {
  const text = '{"a":[1,2],"b":[[],{"a":"x"}]}';
  for (const given of [null, room]) {
    assert.notEqual(reader.read(Buffer.from(text), { nesting: 9, items: 5, keys: 3 }, given), undefined);
    assert.equal(reader.read(Buffer.from(text), { nesting: 9, items: 4, keys: 3 }, given), undefined);
    assert.equal(reader.read(Buffer.from(text), { nesting: 9, items: 5, keys: 2 }, given), undefined);
    assert.equal(reader.read(Buffer.from('{"a":[1]}'), { nesting: 9, items: 1 }, given), undefined);
  }
});

test('Beyond its levels it reads nothing, and begins anew with the next', () => {
  assert.deepEqual(read('[[{"a":[]}]]', 4), [[{ a: [] }]]);
  assert.equal(read('[[{"a":[]}]]', 3), undefined);
  assert.deepEqual(read('[[],[],{},{"a":[]}]', 3), [[], [], {}, { a: [] }]);
});
