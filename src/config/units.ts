/** Durations and sizes as people write them. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND,
  sec: SECOND,
  second: SECOND,
  min: MINUTE,
  m: MINUTE,
  minute: MINUTE,
  h: HOUR,
  hour: HOUR,
  d: DAY,
  day: DAY,
  w: 7 * DAY,
  week: 7 * DAY,
};

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `500ms`, `30s`, `1 day`, `7 days` in milliseconds. Only 0 needs no unit. */
export function readDuration(text: string): number | undefined {
  if (text === '0') {
    return 0;
  }
  return readAmount(text, (unit) => DURATION_UNITS[unit] ?? DURATION_UNITS[unit.replace(/s$/, '')]);
}

/** `64MiB`, `10 kB`, `4096` in bytes. */
export function readBytes(text: string): number | undefined {
  return readAmount(text, (unit) => SIZE_UNITS[unit]);
}

function readAmount(text: string, factorOf: (unit: string) => number | undefined): number | undefined {
  const [, digits = '', unit = ''] = /^(\d+) ?([A-Za-z]*)$/.exec(text) ?? [];
  const factor = digits === '' ? undefined : factorOf(unit);
  const amount = Number(digits) * (factor ?? Number.NaN);
  return Number.isSafeInteger(amount) ? amount : undefined;
}
