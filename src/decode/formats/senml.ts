/** Sensor Measurement Lists (RFC 8428), of JSON or CBOR: records that are resolved by the base values before them. */

import { arrivalOf } from '../../receipt-clock.ts';
import { ByteString } from '../byte-string.ts';
import type { PointEmitter } from '../point-emitter.ts';
import type { TopicMatch } from '../router.ts';
import { NO_TIME, OUT_OF_RANGE, secondsToMicros, UNREADABLE } from '../timestamp.ts';
import { parseBinary } from './binary.ts';
import { asBuffer } from './byte-reader.ts';
import type { Format } from './format.ts';
import { readJson } from './json.ts';
import { packFault, readCborPack, type SenmlRecord } from './senml-record.ts';
import { SenmlCatalog } from './senml-series.ts';

export const senmlFormat: Format = {
  what: 'SenML, of JSON or CBOR',
  unused: [
    'base64',
    'transform',
    'value',
    'values',
    'timestamp',
    'each',
    'flatten',
    'time_zone',
    'time_unit',
  ],
  device: '@.bn',
  parse: (payload, points) =>
    isCbor(payload)
      ? parseBinary(payload, readCborPack, 'senml_invalid', points)
      : parseJson(payload, points),
  mostPoints: (pack) => (pack as SenmlRecord[]).length * 2,
  emit: (pack, match, points) => emitPack(pack as SenmlRecord[], match, points),
};

/** From the Unix epoch on from here, relative to now below (RFC 8428, section 4.5.3). */
const ABSOLUTE_MICROS = 2 ** 28 * 1_000_000;

const catalog = new SenmlCatalog();

/** They hold from the record that has them on. */
interface Base {
  unit: string;
  value: number;
  /** NaN where there is none: a sum of 0 is one. */
  sum: number;
  micros: number;
}

/** An array or a tag; no text in UTF-8 begins so. */
function isCbor(payload: Uint8Array): boolean {
  const first = payload[0] ?? 0;
  return (first >= 0x80 && first < 0xa0) || first === 0xd9;
}

function parseJson(payload: Uint8Array, points: PointEmitter): SenmlRecord[] | undefined {
  const pack = readJson(payload, points);
  if (pack === undefined) {
    return undefined;
  }
  const fault = packFault(pack, asBuffer(payload).includes('_"'));
  if (fault !== null) {
    points.reject('senml_invalid', fault, null);
    return undefined;
  }
  return pack as SenmlRecord[];
}

function emitPack(pack: readonly SenmlRecord[], match: TopicMatch, points: PointEmitter): void {
  const base: Base = { unit: '', value: 0, sum: Number.NaN, micros: 0 };
  catalog.beginPack(match);
  for (let index = 0; index < pack.length; index++) {
    const record = pack[index] as SenmlRecord;
    const { bn, bt, bu, bv, bs } = record;
    if (bn !== undefined) {
      points.brings(bn);
      catalog.setBase(bn, match);
    }
    if (bt !== undefined) base.micros = secondsToMicros(Number(bt));
    if (bu !== undefined) base.unit = bu;
    if (bv !== undefined) base.value = Number(bv);
    if (bs !== undefined) base.sum = Number(bs);
    const value = valueOf(record, base);
    const { n, u, s, t } = record;
    if (value !== undefined || s !== undefined || n !== undefined || u !== undefined || t !== undefined) {
      points.at('$', index, '');
      emitRecord(record, value, base, match, points);
    }
  }
}

function emitRecord(
  { n = '', u, s, t }: SenmlRecord,
  value: unknown,
  base: Base,
  match: TopicMatch,
  points: PointEmitter,
): void {
  const series = catalog.find(n, u ?? base.unit, match, points.scope);
  points.brings(series.item.name);
  points.startItem();
  points.scope.item = series.item;
  if (match.deviceId === null) {
    points.setDevice(series.deviceId, match.plan.deviceId.text);
  }
  points.setMicros(timeOf(base.micros, t, points.arrival), t);
  if (series.metricName === null || series.sumName === null) {
    points.reject('metric_name_missing', 'no text where the route reads it', null);
    return;
  }
  if (value !== undefined || s === undefined) {
    points.says(series.meta);
    points.point(series.metricName, value, null);
  }
  // A base sum alone is a sum too.
  if (s !== undefined || (base.sum === base.sum && typeof value === 'number')) {
    points.says(series.sumMeta);
    points.point(series.sumName, plus(s ?? 0, base.sum), null);
  }
}

/** Undefined where the record has none. */
function valueOf({ v, vs, vb, vd, s, n, t }: SenmlRecord, base: Base): unknown {
  if (v !== undefined) {
    return plus(v, base.value);
  }
  if (vd !== undefined) {
    return vd instanceof ByteString
      ? vd
      : new ByteString(typeof vd === 'string' ? Math.floor(vd.length * 0.75) : 0);
  }
  const isBaseAlone =
    vs === undefined && vb === undefined && s === undefined && (n !== undefined || t !== undefined);
  return isBaseAlone && base.value !== 0 ? base.value : (vs ?? vb);
}

/** What is no number is left to be rejected as it is. */
function plus(value: unknown, base: number): unknown {
  if (typeof value === 'bigint') {
    return Number(value) + (base === base ? base : 0);
  }
  return typeof value === 'number' && base === base ? value + base : value;
}

/** Microseconds since 1970; NO_TIME for "now", and for what is relative to an arrival that says nothing. */
function timeOf(base: number, t: unknown, arrival: number): number {
  const own =
    t === undefined
      ? 0
      : typeof t === 'number' || typeof t === 'bigint'
        ? secondsToMicros(Number(t))
        : UNREADABLE;
  const micros = isTime(base) && isTime(own) ? base + own : isTime(base) ? own : base;
  if (micros >= ABSOLUTE_MICROS || micros === OUT_OF_RANGE) {
    return micros;
  }
  return micros === 0 ? NO_TIME : arrivalOf(arrival) + micros;
}

function isTime(micros: number): boolean {
  return micros !== UNREADABLE && micros !== OUT_OF_RANGE;
}
