/** Columns: an array of times, and for each metric an array of values. */

import { isList, isObject, type List } from './json-value.ts';
import { excerpt } from './place.ts';
import type { PointEmitter } from './point-emitter.ts';

export function emitColumns(metrics: unknown, times: List, points: PointEmitter): void {
  if (!isObject(metrics)) {
    points.reject(
      'payload_shape',
      `${excerpt(metrics)} where the timestamp is an array and columns are expected`,
      null,
    );
    return;
  }
  const micros = readTimes(times, points);
  for (const name of Object.keys(metrics)) {
    const column = metrics[name];
    points.brings(name);
    if (column === null || !points.selects(name)) {
      continue;
    }
    if (isList(column)) {
      emitColumn(name, column, name, times, micros, points);
    } else {
      points.reject('value_unsupported', `${excerpt(column)} where the timestamp is an array`, name);
    }
  }
}

export function emitColumn(
  name: string,
  column: List,
  key: string | null,
  times: List,
  micros: Float64Array,
  points: PointEmitter,
): void {
  if (column.length === times.length) {
    points.column(name, column, key, times, micros);
  } else {
    points.reject('columns_unequal', `${column.length} values for ${times.length} timestamps`, key);
  }
}

export function readTimes(times: List, points: PointEmitter): Float64Array {
  const micros = points.room.take(times.length);
  points.readTimes(times, micros);
  return micros;
}
