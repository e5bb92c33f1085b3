/** The shapes in which JSON-like documents carry values: a scalar, an object, an array of objects, columns. */

import { ANY, type PathExpression } from '../config/expression.ts';
import { failing } from './conditions.ts';
import { emitColumn, emitColumns, readTimes } from './columns.ts';
import { Members } from './formats/members.ts';
import { evaluate, follow, type Scope, walk, walkMembers } from './expression.ts';
import { isList, isObject, type JsonObject, member } from './json-value.ts';
import { nameOf } from './names.ts';
import { emitListed, emitMembers } from './members.ts';
import { emitPicks, gather } from './picks.ts';
import { excerpt, pathStep } from './place.ts';
import type { PointEmitter } from './point-emitter.ts';
import type { TopicMatch } from './router.ts';

/** Emits the points of a document: of the items of an array or object, or of itself. */
export function emitDocument(document: unknown, match: TopicMatch, points: PointEmitter): void {
  const { scope } = points;
  const { each, inner, listed } = match.plan;
  if (document instanceof Members) {
    emitListed(document, match, points);
    return;
  }
  scope.payload = document;
  scope.item = document;
  if (each !== null) {
    emitEach(match, inner, points);
  } else if (listed && Array.isArray(document)) {
    for (const [index, item] of document.entries()) {
      points.at('$', index, inner);
      if (isObject(item)) {
        scope.item = item;
        emitItem(item, match, points, true);
      } else {
        points.reject('payload_shape', `${excerpt(item)} in an array, where the route has no each`, null);
      }
    }
  } else {
    points.at('$', -1, inner);
    emitItem(document, match, points, false);
  }
}

/** Without a wildcard the path leads to a list, which is an array or an object; with one, to the items themselves. */
function emitEach(match: TopicMatch, inner: string, points: PointEmitter): void {
  const { scope } = points;
  const each = match.plan.each as PathExpression;
  const visit = (item: unknown) => {
    points.visit();
    const key = scope.keys.at(-1);
    if (each.wildcards > 0) points.at(placeOf(each, scope), -1, inner);
    else if (typeof key === 'number') points.at(each.text, key, inner);
    else points.at(each.text + pathStep(key ?? ''), -1, inner);
    scope.item = item;
    emitItem(item, match, points, false);
  };
  if (each.wildcards > 0) {
    if (!walk(each, scope, visit)) {
      points.reject('payload_shape', `${each.text} leads to no array or object`, null);
    }
    return;
  }
  const list = follow(each, scope);
  scope.around.push(scope.payload);
  if (!walkMembers(list, scope, visit)) {
    points.reject('payload_shape', `${each.text} is ${excerpt(list)}, not an array or object`, null);
  }
  scope.around.pop();
}

/** The path with what its wildcards took. */
function placeOf(path: PathExpression, { keys }: Scope): string {
  const root = path.text.charAt(0);
  let wildcard = 0;
  return path.steps.reduce<string>((place, step) => {
    const taken = step === ANY ? (keys[wildcard++] ?? '') : step;
    return place + (typeof taken === 'number' ? `[${taken}]` : pathStep(taken));
  }, root);
}

/** `listed`: an item of an array for which the route has no `each`; it must name its metric then. */
function emitItem(item: unknown, match: TopicMatch, points: PointEmitter, listed: boolean): void {
  const { plan } = match;
  const { scope } = points;
  if (plan.itemConditions !== null && failing(plan.itemConditions, scope) !== null) {
    return;
  }
  const since = points.count;
  points.startItem();
  if (match.deviceId === null) {
    points.setDevice(evaluate(plan.deviceId, scope), plan.deviceId.text);
  }
  const time =
    match.timestamp ??
    (plan.timestamp === null
      ? (member(item, 'timestamp') ?? member(scope.payload, 'timestamp'))
      : evaluate(plan.timestamp, scope));
  if (!plan.picksOnly) {
    emitSubject(subjectOf(item, match, scope), time, match, points, listed);
  }
  if (plan.picks !== null) {
    emitPicks(plan.picks, time, plan, points);
  }
  points.settleItem(since);
}

/** The value, or the object of metrics. */
function subjectOf(item: unknown, { plan, value }: TopicMatch, scope: Scope): unknown {
  if (value !== null || plan.value === null) {
    return value ?? item;
  }
  return plan.value.kind === 'path' && plan.value.wildcards > 0
    ? gather(plan.value, scope, plan.route.separator)
    : evaluate(plan.value, scope);
}

function emitSubject(
  subject: unknown,
  time: unknown,
  match: TopicMatch,
  points: PointEmitter,
  listed: boolean,
): void {
  const { plan } = match;
  if (plan.metricName !== null) {
    const name = match.metricName ?? evaluate(plan.metricName, points.scope);
    const wrapped = plan.value === null && isObject(subject);
    emitMetric(name, wrapped ? subject['value'] : subject, wrapped ? 'value' : null, time, points);
  } else if (plan.value === null && isObject(subject) && (listed || isNamed(subject))) {
    emitMetric(subject['metric_name'], subject['value'], 'value', time, points);
  } else if (isObject(subject) && isList(time)) {
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
    points.brings(name);
    if (isList(time) && isList(value)) {
      emitColumn(name, value, key, time, readTimes(time, points), points);
    } else {
      points.setTime(time);
      points.point(name, value, key);
    }
  }
}

function rejectNameless(subject: unknown, points: PointEmitter): void {
  if (subject === undefined) {
    points.reject('value_missing', 'nothing is there', null);
  } else if (isList(subject)) {
    points.reject('payload_shape', `${excerpt(subject)} where an object of metrics is expected`, null);
  } else {
    points.reject(
      'metric_name_missing',
      'a scalar, and neither the topic nor the payload names the metric',
      null,
    );
  }
}

function isNamed(object: JsonObject): boolean {
  return Object.hasOwn(object, 'metric_name') && Object.hasOwn(object, 'value');
}
