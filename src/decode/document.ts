/** The shapes in which JSON-like documents carry values: a scalar, an object, an array of objects, columns. */

import { follow, type PathExpression } from './expression.ts';
import { nameOf } from './names.ts';
import { excerpt } from './place.ts';
import type { PointEmitter } from './point-emitter.ts';
import type { RoutePlan } from './route-plan.ts';
import type { TopicMatch } from './router.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** Emits the points of a document: of the items of an array, or of itself. */
export function emitDocument(document: unknown, match: TopicMatch, points: PointEmitter): void {
  const { each, value } = match.plan;
  const inner = value?.kind === 'path' ? value.text.slice(1) : '';
  const list = each === null ? document : follow(each, document, document);
  // Without `each` an array is a list of items too, unless the route reads the document by a path of its own.
  const mayBeList = each !== null || value?.kind !== 'path' || value.root === 'item';
  if (mayBeList && Array.isArray(list)) {
    for (const [index, item] of list.entries()) {
      points.at(each?.text ?? '$', index, inner);
      if (each === null && !isObject(item)) {
        points.reject('payload_shape', `${excerpt(item)} in an array, where the route has no each`, null);
      } else {
        emitItem(item, document, match, points, each === null);
      }
    }
  } else if (each !== null) {
    points.reject('payload_shape', `${each.text} is ${excerpt(list)}, not an array`, null);
  } else {
    points.at('$', -1, inner);
    emitItem(document, document, match, points, false);
  }
}

/** `listed`: an item of an array for which the route has no `each`; it must name its metric then. */
function emitItem(
  item: unknown,
  document: unknown,
  match: TopicMatch,
  points: PointEmitter,
  listed: boolean,
): void {
  const { plan } = match;
  const since = points.count;
  points.startItem();
  if (plan.deviceId.kind === 'path') {
    points.setDevice(follow(plan.deviceId, document, item), plan.deviceId.text);
  }
  const time =
    match.timestamp ??
    (plan.timestamp?.kind === 'path'
      ? follow(plan.timestamp, document, item)
      : (member(item, 'timestamp') ?? member(document, 'timestamp')));
  const subject = match.value ?? (plan.value?.kind === 'path' ? follow(plan.value, document, item) : item);
  if (plan.metricName !== null) {
    const name = match.metricName ?? follow(plan.metricName as PathExpression, document, item);
    const wrapped = plan.value === null && isObject(subject);
    emitMetric(name, wrapped ? subject['value'] : subject, wrapped ? 'value' : null, time, points);
  } else if (plan.value === null && isObject(subject) && (listed || isNamed(subject))) {
    emitMetric(subject['metric_name'], subject['value'], 'value', time, points);
  } else if (isObject(subject) && Array.isArray(time)) {
    if (plan.value === null) {
      points.enter('metrics');
    }
    emitColumns(plan.value === null ? subject['metrics'] : subject, time, points);
  } else if (isObject(subject)) {
    points.setTime(time);
    emitMembers(subject, '', plan, points);
  } else if (subject !== null) {
    rejectNameless(subject, points);
  }
  points.settleItem(since);
}

/** One metric, named by the topic or the payload; `key` says where in the item its value is. */
function emitMetric(
  named: unknown,
  value: unknown,
  key: string | null,
  time: unknown,
  points: PointEmitter,
): void {
  const name = nameOf(named);
  if (name === undefined) {
    points.reject('metric_name_missing', 'no metric_name', null);
  } else if (name === null) {
    points.reject('name_invalid', `the metric_name is ${excerpt(named)}`, null);
  } else if (points.selects(name)) {
    if (Array.isArray(time) && Array.isArray(value)) {
      emitColumn(name, value, key, time, readTimes(time, points), points);
    } else {
      points.setTime(time);
      points.point(name, value, key);
    }
  }
}

/** An object of metrics, and those within it where the route flattens. */
function emitMembers(object: JsonObject, prefix: string, plan: RoutePlan, points: PointEmitter): void {
  for (const key of Object.keys(object)) {
    const name = prefix + key;
    const value = object[key];
    if (plan.reserved.has(name)) {
      continue;
    }
    if (plan.route.flatten && isObject(value)) {
      emitMembers(value, `${name}.`, plan, points);
    } else {
      points.point(name, value, name);
    }
  }
}

function emitColumns(metrics: unknown, times: readonly unknown[], points: PointEmitter): void {
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
    if (column === null || !points.selects(name)) {
      continue;
    }
    if (Array.isArray(column)) {
      emitColumn(name, column, name, times, micros, points);
    } else {
      points.reject('value_unsupported', `${excerpt(column)} where the timestamp is an array`, name);
    }
  }
}

function emitColumn(
  name: string,
  column: readonly unknown[],
  key: string | null,
  times: readonly unknown[],
  micros: Float64Array,
  points: PointEmitter,
): void {
  if (column.length === times.length) {
    points.column(name, column, key, times, micros);
  } else {
    points.reject('columns_unequal', `${column.length} values for ${times.length} timestamps`, key);
  }
}

function readTimes(times: readonly unknown[], points: PointEmitter): Float64Array {
  const micros = new Float64Array(times.length);
  for (let row = 0; row < times.length; row++) {
    micros[row] = points.readTime(times[row]);
  }
  return micros;
}

function rejectNameless(subject: unknown, points: PointEmitter): void {
  if (subject === undefined) {
    points.reject('value_missing', 'nothing is there', null);
  } else if (Array.isArray(subject)) {
    points.reject('payload_shape', `${excerpt(subject)} where an object of metrics is expected`, null);
  } else {
    points.reject(
      'metric_name_missing',
      'a scalar, and neither the topic nor the payload names the metric',
      null,
    );
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNamed(object: JsonObject): boolean {
  return Object.hasOwn(object, 'metric_name') && Object.hasOwn(object, 'value');
}

function member(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}
