/** Points decoded a second of CPU time, by format and by shape of the message; beside each, JSON with the same points. */

import { gzipSync } from 'node:zlib';
import { encode as encodeMsgpack } from '@msgpack/msgpack';
import { encode as encodeCbor, Tagged } from 'cborg';
import type { FormatName } from '../../src/decode/formats/table.ts';
import { decodeLimits } from '../../src/app-options.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { type RouteConfig, routeDefaults } from '../../src/config/route.ts';
import type { PointWriter } from '../../src/pipeline/types.ts';
import { encodePayload } from '../support/sparkplug.ts';
import { figure, ratios } from './figures.ts';
import { worstLines } from './worst.ts';

const START = 1_767_225_600;
/** Those of a configuration that says nothing of them. */
const LIMITS = decodeLimits(
  loadConfig({ env: { TIDEGATE_DATABASE_URL: 'postgres://user:none@127.0.0.1/none' } }),
);

interface Shape {
  readonly title: string;
  readonly points: number;
  readonly topic: string;
  /** By format, and what is said of it behind a comma; JSON's is what the others are compared with. */
  readonly payloads: Readonly<Record<string, readonly Uint8Array[]>>;
}

/** Different values and times in each message, so that no parser has seen it before. */
const VARIANTS = 64;

export async function benchDecode({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  const lines = [`about ${count} points a run, ${rounds} rounds in turn, points a second of CPU time:`];
  for (const shape of shapes()) {
    lines.push(`  ${shape.title}`);
    const formats = Object.entries(shape.payloads);
    const rates = new Map<string, number[]>(formats.map(([label]) => [label, []]));
    for (let round = 0; round <= rounds; round++) {
      for (const [label, payloads] of formats) {
        const rate = measure(shape, label, payloads, count);
        // The first round compiles.
        if (round > 0) rates.get(label)?.push(rate);
      }
    }
    const json = rates.get('json') ?? [];
    for (const [label, values] of rates) {
      const bytes = shape.payloads[label]?.[0]?.length ?? 0;
      lines.push(
        `    ${label.padEnd(20)} ${figure(values).text('points/s')}, ${ratios(values, json).text('of JSON')}, ${bytes} bytes`,
      );
    }
  }
  return [...lines, ...(await worstLines(LIMITS, rounds))];
}

function measure(shape: Shape, label: string, payloads: readonly Uint8Array[], count: number): number {
  const format = label.split(',')[0] as FormatName;
  const sparkplug = format === 'sparkplug_b';
  const filter = sparkplug ? 'spBv1.0/#' : shape.topic;
  const route: RouteConfig = { ...routeDefaults(), name: format, topic: filter, format };
  const decoder = createDecoder([route], LIMITS);
  const written = new Counter();
  const messages = Math.max(Math.ceil(count / shape.points), 1);
  const topic = sparkplug ? 'spBv1.0/group/NDATA/edge' : shape.topic.replaceAll(/[{}]/g, '');
  if (sparkplug) {
    decoder.decode('spBv1.0/group/NBIRTH/edge', BIRTH, written, false, START * 1e6 - 1);
    written.points = 0;
  }
  const before = process.cpuUsage();
  for (let message = 0; message < messages; message++) {
    decoder.decode(topic, payloads[message % payloads.length] as Uint8Array, written, false, START * 1e6);
  }
  const { user, system } = process.cpuUsage(before);
  if (written.points !== messages * shape.points) {
    throw new Error(`${label}: ${written.points} points of ${messages * shape.points}: ${written.reason}`);
  }
  return (written.points / (user + system)) * 1e6;
}

class Counter implements PointWriter {
  points = 0;
  sum = 0;
  reason = '';

  number(deviceId: string, metricName: string, timestamp: number, value: number): void {
    this.points++;
    this.sum += timestamp + value + deviceId.length + metricName.length;
  }
  text(): void {
    this.points++;
  }
  describe(): void {}
  reject(code: string, detail: string): void {
    this.reason = `${code} ${detail}`;
  }
  drop(): void {}
  edge(): void {}
}

/** A double, as Sparkplug numbers its types. */
const DOUBLE = 10;
const BIRTH = encodePayload({
  timestamp: START * 1000,
  seq: 0,
  metrics: Array.from({ length: 10 }, (_, alias) => ({
    name: `metric_${alias}`,
    alias,
    datatype: DOUBLE,
    doubleValue: 0,
  })),
});

function shapes(): Shape[] {
  return [
    shape('one point a message', 1, 'devices/{device_id}/{metric_name}', (variant) => {
      const document = { value: valueOf(variant), timestamp: START + variant };
      return { ...documents(document), value: text(String(document.value)) };
    }),
    shape('10 metrics, one time', 10, 'devices/{device_id}', (variant) => {
      const names = Array.from({ length: 10 }, (_, index) => `metric_${index}`);
      const metrics = Object.fromEntries(names.map((name, index) => [name, valueOf(variant + index)]));
      const fields = Object.entries(metrics).map(([name, value]) => `${name}=${value}`);
      return {
        ...documents({ ...metrics, timestamp: START + variant }),
        line_protocol: text(`cpu,host=a ${fields.join(',')} ${START + variant}000000000`),
        sparkplug_b: encodePayload({
          timestamp: (START + variant) * 1000,
          seq: 1 + variant,
          metrics: Object.values(metrics).map((doubleValue, alias) => ({ alias, doubleValue })),
        }),
      };
    }),
    shape('1,000 points of 10 metrics, a time each', 1000, 'devices/{device_id}', (variant) => {
      const points = Array.from({ length: 1000 }, (_, index) => ({
        metric_name: `metric_${index % 10}`,
        value: valueOf(variant + index),
        timestamp: START + index,
      }));
      const pack = points.map(({ metric_name, value, timestamp }, index) => ({
        ...(index === 0 && { bn: 'urn:dev:a:', bt: START }),
        n: metric_name,
        v: value,
        t: timestamp - START,
      }));
      const lines = points.map(
        ({ metric_name, value, timestamp }) => `m,host=a ${metric_name}=${value} ${timestamp}000000000`,
      );
      return {
        ...documents(points),
        'senml, JSON': text(JSON.stringify(pack)),
        'senml, CBOR': encodeCbor(pack.map(withLabels)),
        line_protocol: text(lines.join('\n')),
        sparkplug_b: encodePayload({
          timestamp: START * 1000,
          seq: 1 + variant,
          metrics: points.map(({ value, timestamp }, index) => ({
            alias: index % 10,
            timestamp: timestamp * 1000,
            doubleValue: value,
          })),
        }),
      };
    }),
    shape('1,000 points in columns', 1000, 'devices/{device_id}', (variant) => {
      const times = Array.from({ length: 1000 }, (_, index) => START + index);
      const values = times.map((_, index) => valueOf(variant + index));
      const document = { timestamp: times, metrics: { temperature: values } };
      const typed = { timestamp: float64(times), metrics: { temperature: float64(values) } };
      return { ...documents(document), 'cbor, typed arrays': encodeCbor(typed) };
    }),
  ];
}

function shape(
  title: string,
  points: number,
  topic: string,
  make: (variant: number) => Readonly<Record<string, Uint8Array>>,
): Shape {
  const payloads: Record<string, Uint8Array[]> = {};
  for (let variant = 0; variant < VARIANTS; variant++) {
    for (const [label, payload] of Object.entries(make(variant))) {
      (payloads[label] ??= []).push(payload);
    }
  }
  return { title, points, topic, payloads };
}

function documents(document: unknown): Readonly<Record<string, Uint8Array>> {
  return {
    json: text(JSON.stringify(document)),
    'json, gzip': gzipSync(JSON.stringify(document)),
    auto: text(JSON.stringify(document)),
    cbor: encodeCbor(document),
    msgpack: encodeMsgpack(document),
  };
}

const LABELS: Readonly<Record<string, number>> = { bn: -2, bt: -3, n: 0, v: 2, t: 6 };

/** RFC 8428, section 6. */
function withLabels(record: object): Map<number | undefined, unknown> {
  return new Map(Object.entries(record).map(([label, value]) => [LABELS[label], value]));
}

function text(payload: string): Uint8Array {
  return Buffer.from(payload);
}

/** One decimal, as sensors send. */
function valueOf(index: number): number {
  return Math.round((20 + Math.sin(index) * 5) * 10) / 10;
}

/** Tag 86 of RFC 8746. */
function float64(values: readonly number[]): unknown {
  return new Tagged(86, new Uint8Array(Float64Array.from(values).buffer));
}
