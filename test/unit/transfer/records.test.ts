import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { CsvRecords } from '../../../src/transfer/csv-records.ts';
import { NdjsonRecords } from '../../../src/transfer/ndjson-records.ts';
import type { RecordReader, SourceRecord } from '../../../src/transfer/records.ts';

const LIMIT = 1_000;

async function read(reader: RecordReader, source: string | Uint8Array, cuts: readonly number[] = []) {
  const bytes = Buffer.from(source);
  async function* parts(): AsyncGenerator<Uint8Array> {
    let from = 0;
    const inside = cuts.filter((cut) => cut < bytes.length).sort((left, right) => left - right);
    for (const cut of [...inside, bytes.length]) {
      if (cut > from) yield bytes.subarray(from, cut);
      from = cut;
    }
  }
  const records: SourceRecord[] = [];
  for await (const some of reader.read(parts())) records.push(...some);
  return records;
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) || field === '' ? `"${field.replaceAll('"', '""')}"` : field;
}

const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 8 });

suite('CSV', () => {
  test('any fields, wherever the bytes are cut, with their lines', async () => {
    const field = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('"', 'a\nb', '\r\n', ' ', 'ü'),
    );
    const rows = fc.array(fc.tuple(field, field, field), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        rows,
        cuts,
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        async (all, at, newline, ended) => {
          // A bare end of a line of the other kind is none; a BOM belongs to the file.
          fc.pre(all.flat().every((one) => !one.includes('\uFEFF') && one.isWellFormed()));
          const lines = [['a', 'b', 'c'], ...all].map((row) => row.map(quoted).join(','));
          const reader = new CsvRecords(LIMIT, ',');
          const records = await read(reader, lines.join(newline) + (ended ? newline : ''), at);
          assert.deepEqual(
            records.map(({ fields }) => fields),
            all,
          );
          let line = 2;
          for (const [index, row] of all.entries()) {
            assert.equal(records[index]?.line, line);
            line += 1 + row.join('').split('\n').length - 1;
          }
          for (const { text } of records) assert.doesNotThrow(() => reader.line({ text, faulty: false }));
        },
      ),
    );
  });

  test('a quote that nobody closes spoils its line, in bounded memory, and no other', async () => {
    const lines = Array.from({ length: 200 }, (_, line) => (line === 3 ? `x,"open` : `x,${line}`));
    const records = await read(new CsvRecords(100, ''), `a,b\n${lines.join('\n')}\n`, [50, 100, 300]);
    assert.equal(records.length, 200);
    assert.deepEqual(
      records.filter(({ fault }) => fault !== null).map(({ line, fault }) => [line, fault?.code]),
      [[5, 'payload_shape']],
    );
  });

  test('quotes within a field, other delimiters, empty lines, a mark of byte order', async () => {
    const records = await read(new CsvRecords(LIMIT, ''), '\uFEFFsize;unit\n5" pipe;m\n\n"6""";x\n');
    assert.deepEqual(
      records.map(({ line, fields }) => [line, fields]),
      [
        [2, ['5" pipe', 'm']],
        [4, ['6"', 'x']],
      ],
    );
  });

  test('lines may end in LF and in CR LF in one file; quotes keep both', async () => {
    for (const end of ['\n', '\r\n']) {
      const records = await read(new CsvRecords(LIMIT, ''), `a,b${end}1,x\r\n2,y\n3,"z\r\n"\r\n4,"w\r"\n`);
      assert.deepEqual(
        records.map(({ line, fields }) => [line, fields]),
        [
          [2, ['1', 'x']],
          [3, ['2', 'y']],
          [4, ['3', 'z\r\n']],
          [6, ['4', 'w\r']],
        ],
      );
    }
  });

  test('quotes within fields, which quote nothing, leave no CR behind', async () => {
    for (const delimiter of [',', '|', ']', '\\', 'w']) {
      const lines = [
        ['a', 'b'],
        ['5" pipe', '1'],
        ['rod', '2'],
        ['6""" pipe', '3'],
        ['"x\r\n""y"', '4'],
      ];
      const text = lines.map((fields) => `${fields.join(delimiter)}\r\n`).join('');
      const records = await read(new CsvRecords(LIMIT, delimiter), text);
      assert.deepEqual(
        records.map(({ fields }) => fields),
        [
          ['5" pipe', '1'],
          ['rod', '2'],
          ['6""" pipe', '3'],
          ['x\r\n"y', '4'],
        ],
      );
    }
  });

  test('lines that end in CR alone are refused, as the first of them would take in all others', async () => {
    await assert.rejects(read(new CsvRecords(LIMIT, ''), 'a,b\r1,2\r3,4\r'), { code: 'import_source' });
  });

  test('two columns of one name, and a line without an end, are refused', async () => {
    await assert.rejects(read(new CsvRecords(LIMIT, ''), 'a,a\n1,2\n'), { code: 'import_source' });
    await assert.rejects(read(new CsvRecords(100, ''), `a,b\n"${'x'.repeat(500)}`, [150, 300, 450]), {
      code: 'import_source',
    });
  });
});

suite('NDJSON', () => {
  test('any objects, wherever the bytes are cut, with their lines', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 8 }),
        cuts,
        async (all, at) => {
          const lines = all.map((one) => JSON.stringify(one));
          const records = await read(new NdjsonRecords(100_000), lines.join('\n'), at);
          assert.deepEqual(
            records.map(({ line, text, fault }) => [line, fault?.detail ?? text]),
            lines.map((text, index) => [index + 1, text]),
          );
        },
      ),
    );
  });

  test('a line that is too long is one bad record, however often it is cut', async () => {
    const lines = ['{"a":1}', `{"a":"${'x'.repeat(5_000)}"}`, '{"a":3}'];
    const records = await read(new NdjsonRecords(LIMIT), lines.join('\n'), [20, 1_500, 3_000, 4_500]);
    assert.deepEqual(
      records.map(({ line, fields, fault }) => [line, fault?.code ?? fields]),
      [
        [1, { a: 1 }],
        [2, 'payload_too_large'],
        [3, { a: 3 }],
      ],
    );
  });

  test('whole numbers stay whole, and what is no object is a fault of its line', async () => {
    const lines = [
      '{"at": 1700000000123456789, "v": 1e3}',
      '[1]',
      '{"a":',
      Buffer.from([0x22, 0xff, 0x22]),
      ' ',
      '{"b": 1}',
    ];
    const bytes = Buffer.concat(lines.flatMap((line) => [Buffer.from(line as string), Buffer.from('\n')]));
    const records = await read(new NdjsonRecords(LIMIT), bytes);
    assert.deepEqual(
      records.map(({ line, fields, fault }) => [line, fault?.code ?? fields]),
      [
        [1, { at: 1_700_000_000_123_456_789n, v: 1000 }],
        [2, 'payload_shape'],
        [3, 'payload_not_json'],
        [4, 'payload_not_utf8'],
        [6, { b: 1 }],
      ],
    );
  });
});
