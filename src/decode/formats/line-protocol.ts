/** InfluxDB's line protocol, as Telegraf writes it: `cpu,host=a,cpu=cpu0 usage_idle=98.5,usage_user=1 1465839830100400200`. */

import { isUtf8 } from 'node:buffer';
import type { PointEmitter } from '../point-emitter.ts';
import type { TopicMatch } from '../router.ts';
import { Excess } from '../excess.ts';
import { readUtf8 } from '../utf8.ts';
import { itemBudget } from './budget.ts';
import type { Format } from './format.ts';
import { mostLinePoints } from './line-estimate.ts';
import { LineScanner } from './line-scanner.ts';
import { LineCatalog, MOST_LINE_TAGS } from './line-series.ts';

export const lineProtocolFormat: Format = {
  what: "InfluxDB's line protocol, as Telegraf writes it",
  unused: [
    'base64',
    'when',
    'unless',
    'transform',
    'value',
    'values',
    'timestamp',
    'each',
    'flatten',
    'time_zone',
  ],
  device: '@.tags.host',
  // Its parts are found in the bytes: a text of all of them costs more than it is worth.
  parse: (payload, points) => (isUtf8(payload) ? payload : rejectBytes(payload, points)),
  mostPoints: (payload, enough) => mostLinePoints(payload as Uint8Array, enough),
  emit: (payload, match, points) => emitLines(payload as Uint8Array, match, points),
};

const catalog = new LineCatalog();
/** How many payloads were gone through. */
let emission = 0;

/** Whether the names of the payload are Unicode without NUL. */
let areClean = false;

/** The fields of a line wait here for its time, which comes last. */
const fieldKeys: string[] = [];
const names: (string | null)[] = [];
const numbers: number[] = [];
const others: (string | boolean | null)[] = [];

function rejectBytes(payload: Uint8Array, points: PointEmitter): undefined {
  readUtf8(payload, points);
}

/** A line that is none is rejected by itself. */
function emitLines(payload: Uint8Array, match: TopicMatch, points: PointEmitter): void {
  const scanner = new LineScanner(payload);
  catalog.begin();
  emission++;
  fieldKeys.length = 0;
  const most = itemBudget(points.limits);
  // What is of the payload is of UTF-8; a route may name it by something else.
  areClean = match.plan.metricName === null && !scanner.bytes.includes(0);
  for (let line = 0; scanner.nextLine(); line++) {
    if (line === most) throw new Excess('too_many_points', `more than ${most} lines`);
    points.at('lines', line, '');
    points.startItem();
    const fault = emitLine(scanner, match, points);
    if (fault !== null) {
      points.reject('line_invalid', fault, null);
      scanner.skipLine();
    }
  }
}

/** What is wrong with the line; null where its points were emitted. */
function emitLine(scanner: LineScanner, match: TopicMatch, points: PointEmitter): string | null {
  if (!scanner.key()) {
    return scanner.fault;
  }
  const series = catalog.find(scanner, match, points.scope);
  if (series === null) {
    return `no measurement, a tag without a name or value, or more than ${MOST_LINE_TAGS} tags`;
  }
  const isNew = series.countedIn === 0;
  if (series.countedIn !== emission) {
    points.bringsNew();
    series.countedIn = emission;
  }
  points.scope.payload = series.item;
  points.scope.item = series.item;
  let fields = 0;
  let areNumbers = true;
  do {
    const fieldKey = scanner.fieldKey();
    const number = fieldKey === null ? Number.NaN : scanner.plainNumber();
    const value = fieldKey === null || number === number ? null : scanner.value();
    if (fieldKey === null || (number !== number && value === null)) {
      return scanner.fault;
    }
    // Lines have mostly the fields of the line before, each in its place.
    if (fieldKeys[fields] !== fieldKey) points.brings(fieldKey);
    fieldKeys[fields] = fieldKey;
    const name = catalog.metricName(fieldKey, fields, series, match, points.scope);
    const other = typeof value === 'number' ? null : value;
    areNumbers &&= name !== null && other === null;
    names[fields] = name;
    numbers[fields] = typeof value === 'number' ? value : number;
    others[fields] = other;
    fields++;
    // More are refused with the message: the first of them are enough to tell.
  } while (fields <= points.limits.pointsPerMessage && scanner.anotherField());
  const timed = fields <= points.limits.pointsPerMessage;
  if (timed && !scanner.timestamp()) {
    return scanner.fault;
  }
  // Of lines that never come again nothing more is kept.
  if (!isNew && series.fields.length === 0) catalog.learn(series, fieldKeys, names, fields);
  if (match.deviceId === null) {
    points.setKnownDevice(series.deviceId, match.plan.deviceId.text);
  }
  if (timed) points.setDigits(scanner.bytes, scanner.timeStart, scanner.timeEnd);
  points.says(series.meta);
  if (areNumbers) points.row(names as string[], numbers, fields, areClean);
  else emitFields(fields, match, points);
  return null;
}

function emitFields(fields: number, match: TopicMatch, points: PointEmitter): void {
  for (let field = 0; field < fields; field++) {
    const name = names[field] as string | null;
    const other = others[field] as string | boolean | null;
    if (name === null) {
      points.reject('metric_name_missing', `no text at ${match.plan.metricName?.text}`, null);
    } else {
      points.point(name, other ?? numbers[field], null);
    }
  }
}
