import type { SparkplugMessage } from '../formats/sparkplug-b.ts';
import type { SeriesMeta } from '../../pipeline/types.ts';
import { excerpt } from '../place.ts';
import type { PointEmitter } from '../point-emitter.ts';
import type { TopicMatch } from '../router.ts';
import { NO_TIME, OUT_OF_RANGE } from '../timestamp.ts';
import { BirthTable } from './birth-table.ts';
import { arrayLength, arrayOf, isArray, type Scalar, scalarOf, TYPE, typeName, typeOf } from './datatype.ts';
import type { DataSet, Metric, Payload, Template } from './payload.ts';
import type { SparkplugTopic } from './topic.ts';
import type { Tables } from './turns.ts';

/** Whether the edge node or device is there: a metric of Tidegate's own. */
const ONLINE = 'online';
const BD_SEQ = 'bdSeq';
/** What edge nodes take commands by (specification 3.0, section 6.4.6): no measurements. */
const COMMANDS = new Set([
  BD_SEQ,
  'Node Control/Rebirth',
  'Node Control/Reboot',
  'Node Control/Next Server',
  'Node Control/Scan Rate',
]);

/** Hands over the points of one message, and what it says of its edge node. */
export function emitMessage(
  { topic, payload }: SparkplugMessage,
  match: TopicMatch,
  points: PointEmitter,
): void {
  const { edges, past } = points;
  // Nobody says when where nobody keeps it.
  const receivedAt = Number.isNaN(points.receivedAt) ? 0 : points.receivedAt;
  const emission = new Emission(topic, payload, match, points);
  const bdSeq = bdSeqOf(payload);
  if (topic.type === 'NDEATH' || topic.type === 'DDEATH') {
    if (!past) edges.follow(topic, payload.seq, receivedAt);
    emission.death(bdSeq, receivedAt);
  } else if (topic.type === 'NBIRTH' || topic.type === 'DBIRTH') {
    const table = new BirthTable(payload.metrics);
    const kept = edges.born(topic, receivedAt, past, bdSeq, table);
    if (!past) edges.follow(topic, payload.seq, receivedAt);
    if (kept === null) points.reject('sparkplug_limit', `the birth of ${excerpt(nodeOf(topic))}`, null);
    for (const event of kept ?? []) points.keep(event);
    emission.online(true, payload.timestamp);
    emission.metrics({ now: table, next: null });
    if (topic.type === 'NBIRTH' && edges.wasOvertaken(topic, receivedAt, past, bdSeq))
      emission.death(bdSeq, receivedAt);
  } else {
    if (!past) edges.follow(topic, payload.seq, receivedAt);
    const unknown = emission.metrics(edges.tables(topic, receivedAt, past));
    if (unknown && !past) edges.want(topic.edge, receivedAt);
  }
}

class Emission {
  readonly #topic: SparkplugTopic;
  readonly #payload: Payload;
  readonly #match: TopicMatch;
  readonly #points: PointEmitter;
  #tables: Tables = { now: null, next: null };
  #unknown = false;
  /** Values of data sets and arrays, each of which is a metric. */
  #parted = 0;
  /** Of the metric in hand. */
  #meta: SeriesMeta | null = null;

  constructor(topic: SparkplugTopic, payload: Payload, match: TopicMatch, points: PointEmitter) {
    this.#topic = topic;
    this.#payload = payload;
    this.#match = match;
    this.#points = points;
  }

  /** Returns whether a birth is missing. */
  metrics(tables: Tables): boolean {
    this.#tables = tables;
    this.#begin(nodeOf(this.#topic));
    for (const [index, metric] of this.#payload.metrics.entries()) {
      this.#points.at('metrics', index, '');
      this.#metric(metric, '', metric.timestamp ?? this.#payload.timestamp);
    }
    return this.#unknown;
  }

  death(bdSeq: number | null, receivedAt: number): void {
    const { edges, past } = this.#points;
    const died = edges.died(this.#topic, receivedAt, past, bdSeq);
    if (died === null) {
      this.#points.drop('stale_death');
      return;
    }
    for (const event of died.events) this.#points.keep(event);
    // The payload of an edge node's death is as old as its connection: the arrival tells when it died.
    this.online(false, this.#topic.device === null ? null : this.#payload.timestamp);
    // Named by the topic alone they are one device.
    if (this.#match.deviceId !== null) return;
    for (const device of died.devices) {
      this.#begin(`${this.#topic.edge}/${device}`);
      this.#points.typed(ONLINE, false, ONLINE, true, null);
    }
  }

  online(isOnline: boolean, timestamp: number | bigint | null): void {
    this.#begin(nodeOf(this.#topic));
    this.#setTime(timestamp);
    this.#points.typed(ONLINE, isOnline, ONLINE, true, null);
  }

  #begin(deviceId: string): void {
    this.#points.at('$', -1, '');
    this.#points.startItem();
    if (this.#match.deviceId === null) this.#points.setDevice(deviceId, 'the topic');
  }

  #setTime(timestamp: number | bigint | null): void {
    if (timestamp === null) this.#points.setMicros(NO_TIME, null);
    else {
      const micros = Number(timestamp) * 1000;
      this.#points.setMicros(Number.isSafeInteger(micros) ? micros : OUT_OF_RANGE, timestamp);
    }
  }

  #metric(metric: Metric, prefix: string, timestamp: number | bigint | null): void {
    const points = this.#points;
    const { now, next } = this.#tables;
    let name = metric.name === null || metric.name === '' ? null : prefix + metric.name;
    const alias = metric.alias;
    const born =
      name === null
        ? alias === null
          ? undefined
          : (now?.byAlias(alias) ?? next?.byAlias(alias))
        : (now?.byName(name) ?? next?.byName(name));
    if (name === null && alias === null) {
      points.reject('metric_name_missing', 'a metric without name and alias', null);
      return;
    }
    name ??= born?.name ?? null;
    if (name === null) {
      this.#waits(`no birth gives the alias ${alias} of ${nodeOf(this.#topic)}`);
      return;
    }
    const type =
      metric.datatype !== TYPE.none ? metric.datatype : (born?.type ?? TYPE.none) || typeOf(metric);
    // What is flattened is selected by the names of its parts.
    const isWhole = !this.#isTaken(metric, type);
    if (metric.isNull || (prefix === '' && COMMANDS.has(name)) || (isWhole && !points.selects(name))) return;
    if (metric.isTransient) {
      points.drop('transient');
      return;
    }
    if (metric.kind === null) {
      points.reject('value_missing', 'no value', name);
      return;
    }
    this.#setTime(timestamp);
    this.#meta = born?.meta ?? null;
    this.#value(metric, name, type, timestamp);
  }

  #value(metric: Metric, name: string, type: number, timestamp: number | bigint | null): void {
    const points = this.#points;
    if (type === TYPE.none && (metric.kind === 'int' || metric.kind === 'long')) {
      this.#waits(`no birth gives the datatype of ${excerpt(name)}`);
      return;
    }
    if (metric.kind === 'template' && (metric.value as Template).isDefinition) return;
    if (!isStructure(metric, type)) this.#scalar(scalarOf(metric, type), metric, name, type);
    else if (this.#isTaken(metric, type)) this.#parts(metric, name, type, timestamp);
    else if (this.#match.plan.route.on_nested !== 'skip')
      points.reject('value_unsupported', `a ${typeName(type)}, which the route does not flatten`, name);
  }

  /** Whether its parts are taken: templates are objects, data sets and arrays are arrays. */
  #isTaken(metric: Metric, type: number): boolean {
    const { flatten } = this.#match.plan.route;
    return isStructure(metric, type) && (flatten === 'arrays' || (flatten && metric.kind === 'template'));
  }

  #scalar(value: Scalar | undefined, metric: Metric, name: string, type: number): void {
    if (value === undefined) {
      const isBytes = metric.kind === 'bytes';
      if (isBytes && this.#match.plan.route.on_nested === 'skip') return;
      const what = isBytes ? typeName(type) : `${typeName(type)} with a value that is none`;
      this.#points.reject('value_unsupported', `a ${what}`, name);
    } else this.#points.typed(name, value, name, !metric.isHistorical, this.#meta);
  }

  #parts(metric: Metric, name: string, type: number, timestamp: number | bigint | null): void {
    if (metric.kind === 'template') {
      for (const member of (metric.value as Template).metrics) {
        const inherited = { ...member, isHistorical: metric.isHistorical || member.isHistorical };
        this.#metric(inherited, `${name}/`, member.timestamp ?? timestamp);
      }
    } else if (metric.kind === 'dataset') this.#rows(metric.value as DataSet, metric, name);
    else this.#items(metric, name, type);
  }

  #rows({ columns, types, rows }: DataSet, metric: Metric, name: string): void {
    const cells = rows.reduce((sum, elements) => sum + elements.length, 0);
    if (this.#isTooMuch(cells, name)) return;
    for (const [row, elements] of rows.entries()) {
      for (const [column, element] of elements.entries()) {
        const [label, type] = [columns[column], types[column]];
        if (label === undefined || type === undefined) {
          this.#points.reject(
            'columns_unequal',
            `a row of ${elements.length} in ${columns.length} columns`,
            name,
          );
          break;
        }
        // An element without a value is null.
        if (element.kind === null) continue;
        this.#scalar(scalarOf(element, type), metric, `${name}/${row}/${label}`, type);
      }
    }
  }

  #items(metric: Metric, name: string, type: number): void {
    const points = this.#points;
    const bytes = metric.kind === 'bytes' ? (metric.value as Uint8Array) : null;
    const length = bytes === null ? undefined : arrayLength(bytes, type);
    if (bytes === null || length === undefined) {
      points.reject('value_unsupported', `a ${typeName(type)} with a value that is none`, name);
    } else if (points.count + length > points.limits.pointsPerMessage) {
      points.reject('too_many_points', `${length} items`, name);
    } else if (!this.#isTooMuch(length, name)) {
      for (const [index, item] of arrayOf(bytes, type).entries())
        points.typed(`${name}/${index}`, item, name, !metric.isHistorical, this.#meta);
    }
  }

  /** Each part that has no name of its own gets one: whether they come to more than a message may bring. Rejected then. */
  #isTooMuch(parts: number, name: string): boolean {
    const { namesPerMessage } = this.#points.limits;
    this.#parted += parts;
    if (this.#parted <= namesPerMessage) return false;
    this.#points.reject('too_many_names', `${parts} values, ${this.#parted} in the message`, name);
    return true;
  }

  /** It can be read as soon as a birth is there. */
  #waits(detail: string): void {
    this.#unknown = true;
    this.#points.reject('sparkplug_unknown_alias', detail, null);
  }
}

/** Whether it has parts that are values. */
function isStructure({ kind }: Metric, type: number): boolean {
  return kind === 'template' || kind === 'dataset' || isArray(type);
}

/** `<group>/<edge node>[/<device>]`: the device_id where the route names none. */
function nodeOf({ edge, device }: SparkplugTopic): string {
  return device === null ? edge : `${edge}/${device}`;
}

/** What ties a death to its birth. */
function bdSeqOf({ metrics }: Payload): number | null {
  const metric = metrics.find(({ name }) => name === BD_SEQ);
  return typeof metric?.value === 'number' ? metric.value : null;
}
