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
import { encodePayload, type MetricFields } from '../support/sparkplug.ts';

export interface WorstMessage {
  readonly format: FormatName;
  readonly title: string;
  /** Of Sparkplug: what kind of message it is. */
  readonly type: 'NBIRTH' | 'NDATA' | null;
  /** Whether it names its devices; else the topic does. */
  readonly hasDevices: boolean;
  /** Begins all its names, so that another message of the same kind has none of them. */
  payload(prefix: string): Uint8Array;
}

/** A part of a message, where names begin with `v`. */
type Part = (index: number, v: string) => string;
type Make = (v: string) => Buffer;

/** A double and a text, as Sparkplug numbers its types. */
const [DOUBLE, TEXT] = [10, 12];

export function worstMessages(limits: DecodeLimits): WorstMessage[] {
  /** Names that may be there beside those that are counted up to the limit: of a field, a base. */
  const names = Math.min(limits.namesPerMessage - 8, limits.pointsPerMessage);
  const items = itemBudget(limits) - 2;
  /** As many of them as fit: new names, or points, and bytes. */
  const many =
    (part: Part, head = '', tail = '', separator = ',', most = names): Make =>
    (v) => {
      const parts: string[] = [];
      let bytes = head.length + tail.length;
      for (let index = 0; index < most; index++) {
        const next = part(index, v);
        bytes += Buffer.byteLength(next) + separator.length;
        if (bytes > limits.messageBytes) break;
        parts.push(next);
      }
      return Buffer.from(head + parts.join(separator) + tail);
    };
  const object = (part: Part): Make => many(part, '{', '}');
  const array = (part: Part, most = names): Make => many(part, '[', ']', ',', most);
  const lines = (part: Part, most = names): Make => many(part, '', '', '\n', most);
  const filled = (unit: string, head = '', tail = ''): Make => {
    const count = Math.floor((limits.messageBytes - head.length - tail.length) / unit.length);
    return () => Buffer.from(head + unit.repeat(count) + tail);
  };
  const metrics =
    (of: (index: number, v: string) => MetricFields, most = names) =>
    (v: string): Uint8Array => {
      for (let count = most; ; ) {
        const payload = encodePayload({
          timestamp: 1_767_225_600_000,
          seq: 0,
          metrics: Array.from({ length: count }, (_, index) => of(index, v)),
        });
        if (payload.length <= limits.messageBytes) return payload;
        count = Math.floor((count * limits.messageBytes) / payload.length) - 1;
      }
    };

  const keys = object((i, v) => `"${v}${i}":${i}`);
  const newItems = array((i, v) => `{"metric_name":"${v}${i}","value":1}`);
  const empty = object((i, v) => `"${v}${i}":[]`);
  const knownItems = array((i, v) => `{"metric_name":"${v}${i % names}","value":${i}}`, items);
  const records = array((i, v) => `{"n":"${v}${i}","v":1}`);
  return [
    worst('json', 'new keys', keys),
    worst('json', 'new metrics of items', newItems),
    worst('json', 'values that are none', empty),
    worst(
      'json',
      'texts',
      object((i, v) => `"${v}${i}":"text ${i}"`),
    ),
    worst(
      'json',
      'integers of 20 digits',
      object((i, v) => `"${v}${i}":1${'0'.repeat(19)}`),
    ),
    worst(
      'json',
      'numbers as texts',
      object((i, v) => `"${v}${i}":"${i}.5"`),
    ),
    worst(
      'json',
      'times as texts',
      array((i, v) => `{"metric_name":"${v}","value":1,"timestamp":"2026-01-01T00:00:00.${i}+01:00"}`),
    ),
    worst('json', 'items of its metrics again', knownItems),
    worst(
      'json',
      'items of one metric, texts',
      array((i, v) => `{"metric_name":"${v}","value":"text ${i}"}`, items),
    ),
    worst(
      'json',
      'items of one metric, 20 digits',
      array((_, v) => `{"metric_name":"${v}","value":1${'0'.repeat(19)}}`, items),
    ),
    worst('json', 'escapes', filled('\\u0061', '{"value":"', '"}')),
    worst('json', 'empty objects', filled('{},', '[', '{}]')),
    worst('json', 'digits', filled('9', '{"value":', '}')),
    worst('json', 'gzip of new keys', (v) => gzipSync(keys(v))),
    worst('auto', 'new metrics of items', newItems),
    worst('auto', 'bytes', () => Buffer.alloc(limits.messageBytes, 0xff)),
    worst('value', 'digits', filled('9')),
    worst('cloud_event', 'new keys in base64', (v) => {
      const data = keys(v)
        .subarray(0, limits.messageBytes / 2)
        .toString('base64');
      return Buffer.from(
        JSON.stringify({ specversion: '1.0', id: '1', source: 's', type: 't', data_base64: data }),
      );
    }),
    worst('cbor', 'new keys', inCbor(keys)),
    worst('cbor', 'new metrics of items', inCbor(newItems)),
    worst('cbor', 'values that are none', inCbor(empty)),
    worst('cbor', 'items of its metrics again', inCbor(knownItems)),
    worst('msgpack', 'new keys', inMsgpack(keys)),
    worst('msgpack', 'new metrics of items', inMsgpack(newItems)),
    worst('msgpack', 'values that are none', inMsgpack(empty)),
    worst('msgpack', 'items of its metrics again', inMsgpack(knownItems)),
    worst('senml', 'new names', records),
    worst(
      'senml',
      'new base names',
      array((i, v) => `{"bn":"${v}${i}:","v":1}`),
    ),
    worst(
      'senml',
      'sums',
      array((i, v) => `{"n":"${v}${i}","v":1,"s":2}`),
    ),
    worst(
      'senml',
      'base names again',
      array((i, v) => `{"bn":"${v}${i % (names / 2)}:","v":1}`, items),
    ),
    worst('senml', 'new names of CBOR', (v) =>
      encodeCbor((parsed(records(v)) as { n: string; v: number }[]).map(withLabels)),
    ),
    worst(
      'line_protocol',
      'new measurements',
      lines((i, v) => `${v}${i} f=1`),
    ),
    worst(
      'line_protocol',
      'new tags',
      lines((i, v) => `m,t=${v}${i} f=1`),
    ),
    worst(
      'line_protocol',
      'new fields',
      many((i, v) => `${v}${i}=1`, 'm '),
    ),
    worst(
      'line_protocol',
      'texts',
      many((i, v) => `${v}${i}="text ${i} \\"a"`, 'm '),
    ),
    worst(
      'line_protocol',
      '5,000 lines of 10 fields',
      lines(
        (i, v) => `m,t=${v}${i} ${Array.from({ length: 10 }, (_, field) => `f${field}=${i}.5`).join(',')}`,
        Math.min(5000, limits.pointsPerMessage / 10),
      ),
    ),
    {
      ...worst(
        'line_protocol',
        '5,000 lines of 10 fields and a host',
        lines(
          (i, v) =>
            `m,host=${v}${i} ${Array.from({ length: 10 }, (_, field) => `f${field}=${i}.5`).join(',')}`,
          Math.min(5000, limits.pointsPerMessage / 10),
        ),
      ),
      hasDevices: true,
    },
    worst(
      'line_protocol',
      'its tags again',
      lines((i, v) => `m,t=${v}${i % names} f=1`, items),
    ),
    worst(
      'line_protocol',
      'texts of one field',
      lines((i, v) => `${v} f="text ${i} \\"a"`, items),
    ),
    worst('line_protocol', 'lines that are none', filled('a\n')),
    worst(
      'line_protocol',
      'a line of tags',
      many((i, v) => `${v}${i}=${i}`, 'm,', ' f=1'),
    ),
    sparkplug(
      'NBIRTH',
      'a birth',
      metrics((i, v) => ({ name: `${v}${i}`, alias: i, datatype: DOUBLE, doubleValue: 1 })),
    ),
    sparkplug(
      'NBIRTH',
      'a birth of texts',
      metrics((i, v) => ({ name: `${v}${i}`, alias: i, datatype: TEXT, stringValue: `text ${i}` })),
    ),
    sparkplug(
      'NDATA',
      'data of new names',
      metrics((i, v) => ({ name: `${v}${i}`, datatype: DOUBLE, doubleValue: 1 })),
    ),
    sparkplug(
      'NDATA',
      'data of its names again',
      metrics((i, v) => ({ name: `${v}${i % names}`, datatype: DOUBLE, doubleValue: 1 }), items),
    ),
    sparkplug(
      'NDATA',
      'unknown aliases',
      metrics((alias) => ({ alias, doubleValue: 1 }), items),
    ),
  ];
}

function worst(format: FormatName, title: string, payload: (v: string) => Uint8Array): WorstMessage {
  return { format, title, type: null, hasDevices: false, payload };
}

function sparkplug(
  type: 'NBIRTH' | 'NDATA',
  title: string,
  payload: (v: string) => Uint8Array,
): WorstMessage {
  return { format: 'sparkplug_b', title, type, hasDevices: true, payload };
}

function parsed(json: Buffer): unknown {
  return JSON.parse(json.toString());
}

function inCbor(json: Make): (v: string) => Uint8Array {
  return (v) => encodeCbor(parsed(json(v)));
}

function inMsgpack(json: Make): (v: string) => Uint8Array {
  return (v) => encodeMsgpack(parsed(json(v)));
}

/** RFC 8428, section 6. */
function withLabels({ n, v }: { readonly n: string; readonly v: number }): Map<number, unknown> {
  return new Map<number, unknown>([
    [0, n],
    [2, v],
  ]);
}
