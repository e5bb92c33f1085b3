/** What devices publish in the benches, message by message, and the points in it: the publisher sends the one, `psql \copy` gets the other. */

import { encode as encodeCbor, Tagged } from 'cborg';

/**
 * one: a value and its time. metrics: values with one time. times: an array of values and times of one metric. columns: an array
 * of times and one of values, in JSON. typed: the same as typed arrays in CBOR (RFC 8746).
 */
export type Layout = 'one' | 'metrics' | 'times' | 'columns' | 'typed';

/** Messages `from` to `from + count` of a flow without an end, in which the devices take turns. */
export interface Flow {
  /** First level of every topic. */
  readonly prefix: string;
  readonly layout: Layout;
  /** Of one message. */
  readonly points: number;
  readonly devices: number;
  readonly from: number;
  readonly count: number;
  /** Milliseconds since 1970 of the first message, and from one message of a device to its next. */
  readonly first: number;
  readonly step: number;
  /** Sent in an order that goes through all of the flow's time again and again. */
  readonly shuffled?: boolean;
  /** Messages a second; the time of a message is then the moment of sending, in microseconds. Not set: as fast as they are taken. */
  readonly rate?: number;
  /** Of the metrics of a message that has several with one time. Not set: metric_0 and so on. */
  readonly names?: readonly string[];
}

export interface FlowMessage {
  readonly device: number;
  /** Milliseconds since 1970 of its first point. */
  readonly time: number;
  /** Messages with the same turn of a flow whose payloads are shared have the same payload. */
  readonly turn: number;
}

/** Payloads of columns are large and the same for all devices of a turn, so that the publisher writes them without making them. */
export function isShared({ layout }: Flow): boolean {
  return layout === 'columns' || layout === 'typed';
}

/** Milliseconds that the times of a flow stretch over. */
export function spanOf({ count, devices, step }: Pick<Flow, 'count' | 'devices' | 'step'>): number {
  return (Math.ceil(count / devices) + 1) * step;
}

/** The messages of a flow in the order in which they are sent. */
export function* messagesOf(flow: Flow): Generator<FlowMessage> {
  const stride = flow.shuffled ? strideThrough(flow.count) : 1;
  const firstTurn = Math.floor(flow.from / flow.devices);
  for (let index = 0; index < flow.count; index++) {
    const position = flow.from + ((index * stride) % flow.count);
    const device = position % flow.devices;
    const turn = Math.floor(position / flow.devices) - firstTurn;
    const offset = isShared(flow) ? 0 : Math.floor((device * flow.step) / flow.devices);
    yield { device, turn, time: flow.first + turn * flow.step + offset };
  }
}

export function topicOf({ prefix, layout }: Flow, { device }: FlowMessage): string {
  const hasMetric = layout === 'one' || layout === 'times';
  return `${prefix}/device-${device}${hasMetric ? '/temperature' : ''}`;
}

export function payloadOf(flow: Flow, message: FlowMessage): Uint8Array {
  return PAYLOADS[flow.layout]([...pointsOf(flow, message)] as [FlowPoint, ...FlowPoint[]], flow.names);
}

export interface FlowPoint {
  /** From 1 on, over all devices and metrics. */
  readonly series: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly value: number;
}

export function* pointsOf(flow: Flow, { device, time }: FlowMessage): Generator<FlowPoint> {
  const isWide = flow.layout === 'metrics';
  const turn = Math.floor(time / flow.step);
  for (let index = 0; index < flow.points; index++) {
    yield {
      series: 1 + (isWide ? device * flow.points + index : device),
      time: time + (isWide ? 0 : Math.floor((index * flow.step) / flow.points)),
      // One decimal, as sensors send.
      value: Math.round((20 + Math.sin((turn + index) / 20) * 5) * 10) / 10,
    };
  }
}

const PAYLOADS: Readonly<
  Record<Layout, (points: readonly [FlowPoint, ...FlowPoint[]], names?: readonly string[]) => Uint8Array>
> = {
  one: ([{ time, value }]) => json({ value, timestamp: time }),
  metrics: (points, names) => {
    const metrics = points.map(({ value }, index) => [names?.[index] ?? `metric_${index}`, value]);
    return json({ timestamp: points[0].time, ...Object.fromEntries(metrics) });
  },
  times: (points) => json(points.map(({ time, value }) => ({ timestamp: time, value }))),
  columns: (points) => json(columnsOf(points, (numbers) => numbers)),
  typed: (points) => encodeCbor(columnsOf(points, float64)),
};

function columnsOf(points: readonly FlowPoint[], column: (numbers: number[]) => unknown): object {
  const times = points.map(({ time }) => time);
  const values = points.map(({ value }) => value);
  return { timestamp: column(times), metrics: { temperature: column(values) } };
}

function json(document: object): Uint8Array {
  return Buffer.from(JSON.stringify(document));
}

/** Tag 86: little-endian doubles. */
function float64(numbers: readonly number[]): Tagged {
  return new Tagged(86, new Uint8Array(Float64Array.from(numbers).buffer));
}

/** Has no divisor in common with the count, so that each message comes once; about 0.6 of it, so that neighbours are far apart. */
function strideThrough(count: number): number {
  for (let stride = Math.max(1, Math.round(count * 0.618)); ; stride++) {
    if (greatestDivisor(stride, count) === 1) return stride;
  }
}

function greatestDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestDivisor(right, left % right);
}
