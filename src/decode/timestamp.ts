/**
 * Timestamps of payloads as whole microseconds since 1970, held in a double: exact between 1684 and 2255. What is finer is
 * cut off towards the past. Text is ISO 8601 as RFC 3339 profiles it (a zone may be left out), or a decimal number.
 */

import type { RouteConfig } from '../config/route.ts';
import { Instant } from './instant.ts';
import { readIsoTimestamp } from './iso-timestamp.ts';
import type { TimeZone } from './time-zone.ts';

/** The payload carries no time. */
export const NO_TIME = Number.NaN;
/** What `readTimestamp` gives for a time that cannot be read, or does not fit. */
export const UNREADABLE = Number.POSITIVE_INFINITY;
export const OUT_OF_RANGE = Number.NEGATIVE_INFINITY;

export type TimeUnit = RouteConfig['time_unit'];

const MAX = Number.MAX_SAFE_INTEGER;
/** Decimal digits from the unit to the microsecond. */
const SHIFT = { s: 6, ms: 3, us: 0, ns: -3 } as const;

/** A number, a text, a bigint or an Instant to microseconds; null and undefined are NO_TIME. */
export function readTimestamp(value: unknown, unit: TimeUnit, zone: TimeZone): number {
  if (typeof value === 'string') {
    const text = value.trim();
    return text.charAt(4) === '-' ? inRange(readIsoTimestamp(text, zone)) : readDecimal(text, unit);
  }
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? scale(value, unit) : readDecimal(String(value), unit);
  }
  if (typeof value === 'bigint') {
    return readDecimal(String(value), unit);
  }
  if (value instanceof Instant) {
    return inRange(value.micros);
  }
  return value === null || value === undefined ? NO_TIME : UNREADABLE;
}

/**
 * The same of many, into an array of as many. A number that is handed on as an unknown is an object of its own: here those
 * that most columns consist of stay numbers.
 */
export function readTimestamps(
  values: ArrayLike<unknown>,
  unit: TimeUnit,
  zone: TimeZone,
  micros: Float64Array,
): void {
  if (values instanceof Float64Array) {
    const { least, most, factor } = plainTimes(values[0] ?? Number.NaN, unit);
    for (let row = 0; row < values.length; row++) {
      const value = values[row] as number;
      if (value >= least && value < most && Math.floor(value) === value) micros[row] = value * factor;
      else micros[row] = readTimestamp(value, unit, zone);
    }
    return;
  }
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    micros[row] =
      typeof value === 'number' && Number.isSafeInteger(value)
        ? scale(value, unit)
        : readTimestamp(value, unit, zone);
  }
}

/** Whole numbers that are times in range and of the same unit as `first`: none where it has none, or a finer one than microseconds. */
function plainTimes(
  first: number,
  unit: TimeUnit,
): { readonly least: number; readonly most: number; readonly factor: number } {
  const known = unit === 'auto' ? unitOf(first) : unit;
  if (known === 'ns' || Number.isNaN(first)) return { least: 0, most: 0, factor: 1 };
  const factor = 10 ** SHIFT[known];
  const [least, most] = unit === 'auto' ? UNITS[known] : [0, Number.POSITIVE_INFINITY];
  return { least, most: Math.min(most, MAX / factor), factor };
}

/** Seconds since 1970 to microseconds, like `readTimestamp` and quicker where nothing is finer than a microsecond. */
export function secondsToMicros(seconds: number): number {
  const micros = Math.round(seconds * 1_000_000);
  // Where the way back leads to the same double, no other microsecond is meant.
  return micros / 1_000_000 === seconds ? inRange(micros) : readDecimal(String(seconds), 's');
}

/** A whole number as it is written in ASCII to microseconds, quickly; no bytes are NO_TIME. */
export function readDigits(
  bytes: Buffer,
  start: number,
  end: number,
  unit: TimeUnit,
  zone: TimeZone,
): number {
  const length = end - start;
  const nanos = length === 19 && (unit === 'auto' || unit === 'ns');
  if (length === 0) {
    return NO_TIME;
  }
  if (length > 15 && !nanos) {
    return readTimestamp(bytes.toString('latin1', start, end), unit, zone);
  }
  // What is finer than a microsecond is cut off.
  const last = nanos ? end - 3 : end;
  let value = 0;
  for (let at = start; at < last; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (!(digit >= 0 && digit <= 9)) {
      return readTimestamp(bytes.toString('latin1', start, end), unit, zone);
    }
    value = value * 10 + digit;
  }
  return nanos ? inRange(value) : scale(value, unit);
}

function scale(value: number, unit: TimeUnit): number {
  let micros = value;
  switch (unit === 'auto' ? unitOf(value) : unit) {
    case 's':
      micros = value * 1_000_000;
      break;
    case 'ms':
      micros = value * 1000;
      break;
    case 'us':
      break;
    case 'ns':
      // By the remainder, which is exact; a quotient could round up across the microsecond.
      micros = (value - (((value % 1000) + 1000) % 1000)) / 1000;
      break;
  }
  return inRange(micros);
}

/** Magnitudes of numbers whose unit nobody says: from, and below. */
const UNITS = { s: [0, 1e11], ms: [1e11, 1e14], us: [1e14, 1e17] } as const;

function unitOf(value: number): 's' | 'ms' | 'us' | 'ns' {
  const magnitude = Math.abs(value);
  if (magnitude < UNITS.s[1]) {
    return 's';
  }
  if (magnitude < UNITS.ms[1]) {
    return 'ms';
  }
  return magnitude < UNITS.us[1] ? 'us' : 'ns';
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,6}))?$/i;
/** A longer whole part cannot be a time in range. */
const MAX_DIGITS = 17;

/** By moving the point in the digits as they are written: 1631186545.04 s is exactly 1631186545040000 us. */
function readDecimal(text: string, unit: TimeUnit): number {
  const match = DECIMAL.exec(text);
  if (match === null) {
    return /^-?Infinity$/.test(text) ? OUT_OF_RANGE : UNREADABLE;
  }
  const whole = match[2] ?? '';
  const digits = whole + (match[3] ?? '');
  if (digits === '') {
    return UNREADABLE;
  }
  const shift = SHIFT[unit === 'auto' ? unitOf(Number(text)) : unit];
  const first = /[1-9]/.exec(digits)?.index ?? digits.length;
  const point = whole.length + shift + Number(match[4] ?? 0);
  if (first === digits.length) {
    return 0;
  }
  if (point - first > MAX_DIGITS) {
    return OUT_OF_RANGE;
  }
  let micros = point <= first ? 0 : Number(digits.slice(first, point).padEnd(point - first, '0'));
  if (match[1] === '-') {
    micros = /[1-9]/.test(digits.slice(Math.max(point, 0))) ? -micros - 1 : 0 - micros;
  }
  return inRange(micros);
}

function inRange(micros: number): number {
  if (Number.isNaN(micros)) {
    return UNREADABLE;
  }
  return micros > MAX || micros < -MAX ? OUT_OF_RANGE : micros;
}
