/** Simulated devices: pure, the same messages for the same seed and times. */

import { isoOf } from '../iso-time.ts';
import { EVENTS, type Moment, type Noise, OTHER_SIGNAL, SIGNALS } from './signals.ts';

/**
 * How a message looks. `value`: devices/<id>/<metric> with the bare value; `message`: the same topic with value and
 * timestamp; `object`: devices/<id> with all metrics and a timestamp.
 */
export const SHAPES = ['value', 'message', 'object'] as const;
export type Shape = (typeof SHAPES)[number];

export const DEFAULT_METRICS = ['temperature', 'humidity', 'energy', 'switch', 'status'] as const;

export interface SimulatorOptions {
  readonly devices: number;
  /** At least one. Those of SIGNALS are what they say; any other is a number with a daily curve. */
  readonly metrics: readonly string[];
  readonly shape: Shape;
  /** Decides the devices' characters, noise and states; the daily curve goes by the time. */
  readonly seed: number;
}

export interface SimulatedMessage {
  readonly topic: string;
  readonly payload: string;
}

/** A device says what happened in one of so many of its messages. */
const EVENT_EVERY = 50;

/**
 * The message `index` (from 0) of all devices, which take turns. `timestamp` is in microseconds since 1970; times
 * that grow by at least 1 make every point of a series a new one.
 */
export function simulatedMessage(
  options: SimulatorOptions,
  index: number,
  timestamp: number,
): SimulatedMessage {
  const { devices, metrics, shape, seed } = options;
  const device = deviceName(index % devices, devices);
  const turn = Math.floor(index / devices);
  const valueOf = (metric: string): number | string => {
    const signal = SIGNALS[metric] ?? OTHER_SIGNAL;
    return signal(momentOf(seed, device, metric, turn, timestamp));
  };
  if (shape === 'object') {
    const values = metricsOf(metrics, turn).map((metric) => [metric, valueOf(metric)]);
    const payload = { ...Object.fromEntries(values), timestamp: isoOf(timestamp) };
    return { topic: `devices/${device}`, payload: JSON.stringify(payload) };
  }
  const metric = metricOf(metrics, turn);
  const value = valueOf(metric);
  return {
    topic: `devices/${device}/${metric}`,
    payload: shape === 'value' ? String(value) : JSON.stringify({ value, timestamp: isoOf(timestamp) }),
  };
}

/** sim-01 to sim-20 where there are 20: their names sort as their numbers do. */
function deviceName(number: number, devices: number): string {
  return `sim-${String(number + 1).padStart(Math.max(2, String(devices).length), '0')}`;
}

/** The metric whose turn it is. */
function metricOf(metrics: readonly string[], turn: number): string {
  const events = metrics.filter(isEvent);
  const regular = metrics.filter((name) => !isEvent(name));
  const eventful = events.length > 0 && isEventful(turn);
  return eventful || regular.length === 0 ? nth(events, Math.floor(turn / EVENT_EVERY)) : nth(regular, turn);
}

/** The metrics that go into one object. */
function metricsOf(metrics: readonly string[], turn: number): readonly string[] {
  return isEventful(turn) || metrics.every(isEvent) ? metrics : metrics.filter((name) => !isEvent(name));
}

function isEvent(metric: string): boolean {
  return EVENTS.has(metric);
}

function isEventful(turn: number): boolean {
  return turn % EVENT_EVERY === EVENT_EVERY - 1;
}

function nth(names: readonly string[], index: number): string {
  return names[index % names.length] ?? '';
}

function momentOf(seed: number, device: string, metric: string, turn: number, timestamp: number): Moment {
  const character: Noise = (purpose) => fraction(`${seed}/${device}/${metric}/${purpose}`);
  const noise: Noise = (purpose) => fraction(`${seed}/${device}/${metric}/${purpose}/${turn}`);
  return { seconds: timestamp / 1e6, turn, character, noise };
}

/** FNV-1a with a final mix, as a fraction of 2^32: no secret depends on it, and equal texts give equal fractions. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
