/** What a document holds, and what of it looks like a time, a name or a value: for suggestions to people. */

import { readTimestamp } from './timestamp.ts';
import { TimeZone } from './time-zone.ts';

export interface Place {
  /** As a route would write it: `$.state.reported`, `@["a.b"]`. */
  readonly path: string;
  readonly key: string;
  readonly value: unknown;
}

/** Enough to see what a device sends; whoever sends more may not make a suggestion expensive. */
const MOST_PLACES = 300;
const MOST_LEVELS = 6;

/** The members of an object and of those within it, the outer ones first; not those within arrays. */
export function placesOf(document: unknown, root: '$' | '@'): Place[] {
  const places: Place[] = [];
  let level: Place[] = [{ path: root, key: '', value: document }];
  for (let depth = 0; depth < MOST_LEVELS && level.length > 0; depth++) {
    const next: Place[] = [];
    for (const { path, value } of level) {
      if (!isObject(value)) continue;
      for (const [key, member] of Object.entries(value)) {
        if (places.length + next.length >= MOST_PLACES) return [...places, ...next];
        next.push({ path: path + step(key), key, value: member });
      }
    }
    places.push(...next);
    level = next;
  }
  return places;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

/** An array of objects, and not of numbers: readings, sensors, records. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0 && value.every(isObject);
}

/** Without case, `_` and `-`; the likelier first. */
const TIMES =
  words(`timestamp time ts tst datetime date measuredat recordedat sampledat createdat receivedat updatedat
  lastseen epoch utc at t`);
const DEVICES =
  words(`deviceid devid deveui device devicename ident imei serial serialno serialnumber sn mac machine unit
  node nodeid src id`);
const METRICS =
  words(`metricname metric sensorname sensorid sensor quantity parameter param measurement variable channel
  property field flag tag name n type key id`);
const VALUES = words('value val v reading measurement state data switcher');

/** Epochs in any unit, and texts of ISO 8601, within this century. */
export function timesOf(places: readonly Place[]): Place[] {
  return ranked(places, TIMES, ({ value }) => isTime(value));
}

export function devicesOf(places: readonly Place[]): Place[] {
  return ranked(
    places,
    DEVICES,
    ({ value }) => (typeof value === 'string' && value !== '') || Number.isSafeInteger(value),
  );
}

export function metricsOf(places: readonly Place[]): Place[] {
  return ranked(places, METRICS, ({ value }) => typeof value === 'string' && value !== '');
}

export function valuesOf(places: readonly Place[]): Place[] {
  return ranked(places, VALUES, ({ value }) => isScalar(value));
}

const UTC = new TimeZone('UTC');
const [CENTURY_BEGINS, CENTURY_ENDS] = [Date.UTC(2000) * 1_000, Date.UTC(2100) * 1_000];

function isTime(value: unknown): boolean {
  if (typeof value === 'string' && value.trim() === '') return false;
  const time = readTimestamp(value, 'auto', UTC);
  return time >= CENTURY_BEGINS && time < CENTURY_ENDS;
}

/** Those of the right kind with a telling name, the likelier first. */
function ranked(
  places: readonly Place[],
  names: readonly string[],
  fits: (place: Place) => boolean,
): Place[] {
  const rank = ({ key }: Place): number => names.indexOf(key.toLowerCase().replaceAll(/[_-]/g, ''));
  return places
    .filter((place) => rank(place) !== -1 && fits(place))
    .toSorted((one, other) => depth(one) - depth(other) || rank(one) - rank(other));
}

function words(text: string): string[] {
  return text.split(/\s+/);
}

function depth({ path }: Place): number {
  return path.split(/[.[]/).length;
}

function step(key: string): string {
  return /^[\p{L}_][\p{L}\p{N}_-]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
