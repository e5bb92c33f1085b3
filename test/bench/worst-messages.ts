/**
 * Messages made to be slow: as long as a message may be, with as many names as it may bring, each new, or with as many points as
 * it may have, each as dear as can be.
 */

import { gzipSync } from 'node:zlib';
import { encode as encodeMsgpack } from '@msgpack/msgpack';
import { encode as encodeCbor } from 'cborg';
import type { DecodeLimits } from '../../src/decode/decode-limits.ts';
import type { FormatName } from '../../src/decode/formats/table.ts';
import { itemBudget } from '../../src/decode/formats/budget.ts';
import { encodePayload } from '../support/sparkplug.ts';

export interface WorstMessage {
  readonly format: FormatName;
  readonly title: string;
  readonly payload: Uint8Array;
}

/** A double and a text, as Sparkplug numbers its types. */
const [DOUBLE, TEXT] = [10, 12];

export function worstMessages(limits: DecodeLimits): WorstMessage[] {
  const worst = (format: FormatName, title: string, payload: Uint8Array): WorstMessage => ({
    format,
    title,
    payload,
  });
  /** Names that may be there beside those that are counted up to the limit: of a field, a base. */
  const names = Math.min(limits.namesPerMessage - 8, limits.pointsPerMessage);
  /** As many of them as fit: new names, or points, and bytes. */
  const many = (
    part: (index: number) => string,
    head = '',
    tail = '',
    separator = ',',
    most = names,
  ): Buffer => {
    const parts: string[] = [];
    let bytes = head.length + tail.length;
    for (let index = 0; index < most; index++) {
      const next = part(index);
      bytes += Buffer.byteLength(next) + separator.length;
      if (bytes > limits.messageBytes) break;
      parts.push(next);
    }
    return Buffer.from(head + parts.join(separator) + tail);
  };
  const known = (part: (index: number) => string, head = '[', tail = ']', separator = ','): Buffer =>
    many(part, head, tail, separator, itemBudget(limits) - 2);
  const filled = (unit: string, head = '', tail = ''): Buffer =>
    Buffer.from(head + unit.repeat((limits.messageBytes - head.length - tail.length) / unit.length) + tail);
  const keys = many((index) => `"k${index}":${index}`, '{', '}');
  const items = many((index) => `{"metric_name":"k${index}","value":1}`, '[', ']');
  const empty = many((index) => `"k${index}":[]`, '{', '}');
  const records = many((index) => `{"bn":"d${index}:","v":1}`, '[', ']');
  const sums = many((index) => `{"n":"k${index}","v":1,"s":2}`, '[', ']');
  const knownItems = known((index) => `{"metric_name":"k${index % names}","value":${index}}`);
  const document = (payload: Buffer): unknown => JSON.parse(payload.toString());
  return [
    worst('json', 'new keys', keys),
    worst('json', 'new metrics of items', items),
    worst('json', 'values that are none', empty),
    worst(
      'json',
      'texts',
      many((index) => `"k${index}":"text ${index}"`, '{', '}'),
    ),
    worst(
      'json',
      'integers of 20 digits',
      many((index) => `"k${index}":1${'0'.repeat(19)}`, '{', '}'),
    ),
    worst(
      'json',
      'numbers as texts',
      many((index) => `"k${index}":"${index}.5"`, '{', '}'),
    ),
    worst(
      'json',
      'times as texts',
      many(
        (index) => `{"metric_name":"k","value":1,"timestamp":"2026-01-01T00:00:00.${index}+01:00"}`,
        '[',
        ']',
      ),
    ),
    worst('json', 'items of its metrics again', knownItems),
    worst(
      'json',
      'items of one metric, texts',
      known((index) => `{"metric_name":"k","value":"text ${index}"}`),
    ),
    worst(
      'json',
      'items of one metric, 20 digits',
      known(() => `{"metric_name":"k","value":1${'0'.repeat(19)}}`),
    ),
    worst('json', 'escapes', filled('\\u0061', '{"value":"', '"}')),
    worst('json', 'empty objects', filled('{},', '[', '{}]')),
    worst('json', 'digits', filled('9', '{"value":', '}')),
    worst('json', 'gzip of new keys', gzipSync(keys)),
    worst('auto', 'new metrics of items', items),
    worst('auto', 'bytes', Buffer.alloc(limits.messageBytes, 0xff)),
    worst('value', 'digits', filled('9')),
    worst(
      'cloud_event',
      'new keys in base64',
      Buffer.from(
        JSON.stringify({
          specversion: '1.0',
          id: '1',
          source: 's',
          type: 't',
          data_base64: keys.subarray(0, limits.messageBytes / 2).toString('base64'),
        }),
      ),
    ),
    worst('cbor', 'new keys', encodeCbor(document(keys))),
    worst('cbor', 'new metrics of items', encodeCbor(document(items))),
    worst('cbor', 'values that are none', encodeCbor(document(empty))),
    worst('cbor', 'items of its metrics again', encodeCbor(document(knownItems))),
    worst('msgpack', 'items of its metrics again', encodeMsgpack(document(knownItems))),
    worst('msgpack', 'new keys', encodeMsgpack(document(keys))),
    worst('msgpack', 'new metrics of items', encodeMsgpack(document(items))),
    worst('msgpack', 'values that are none', encodeMsgpack(document(empty))),
    worst(
      'senml',
      'new names',
      many((index) => `{"n":"k${index}","v":1}`, '[', ']'),
    ),
    worst('senml', 'new base names', records),
    worst('senml', 'sums', sums),
    worst(
      'senml',
      'base names again',
      known((index) => `{"bn":"d${index % (names / 2)}:","v":1}`),
    ),
    worst(
      'senml',
      'new names of CBOR',
      encodeCbor(
        (document(many((index) => `{"n":"k${index}","v":1}`, '[', ']')) as { n: string; v: number }[]).map(
          ({ n, v }) =>
            new Map<number, unknown>([
              [0, n],
              [2, v],
            ]),
        ),
      ),
    ),
    worst(
      'line_protocol',
      'new measurements',
      many((index) => `m${index} f=1`, '', '', '\n'),
    ),
    worst(
      'line_protocol',
      'new tags',
      many((index) => `m,t=${index} f=1`, '', '', '\n'),
    ),
    worst(
      'line_protocol',
      'new fields',
      many((index) => `f${index}=1`, 'm '),
    ),
    worst(
      'line_protocol',
      'texts',
      many((index) => `f${index}="text ${index} \\"a"`, 'm '),
    ),
    worst(
      'line_protocol',
      '5,000 lines of 10 fields',
      many(
        (index) =>
          `m,t=${index} ${Array.from({ length: 10 }, (_, field) => `f${field}=${index}.5`).join(',')}`,
        '',
        '',
        '\n',
        Math.min(5000, limits.pointsPerMessage / 10),
      ),
    ),
    worst(
      'line_protocol',
      'its tags again',
      known((index) => `m,t=${index % names} f=1`, '', '', '\n'),
    ),
    worst(
      'line_protocol',
      'texts of one field',
      known((index) => `m f="text ${index} \\"a"`, '', '', '\n'),
    ),
    worst('line_protocol', 'lines that are none', filled('a\n')),
    worst(
      'line_protocol',
      'a line of tags',
      many((index) => `t${index}=${index}`, 'm,', ' f=1'),
    ),
    worst(
      'sparkplug_b',
      'a birth',
      metrics((index) => ({ name: `k${index}`, alias: index, datatype: DOUBLE, doubleValue: 1 })),
    ),
    worst(
      'sparkplug_b',
      'texts',
      metrics((index) => ({ name: `k${index}`, alias: index, datatype: TEXT, stringValue: `text ${index}` })),
    ),
  ].filter(({ payload }) => payload.length <= limits.messageBytes);

  function metrics(of: (index: number) => object): Uint8Array {
    let count = names;
    for (;;) {
      const payload = encodePayload({
        timestamp: 1_767_225_600_000,
        seq: 0,
        metrics: Array.from({ length: count }, (_, index) => of(index)),
      });
      if (payload.length <= limits.messageBytes) return payload;
      count = Math.floor((count * limits.messageBytes) / payload.length) - 1;
    }
  }
}
