/** Durations and sizes as people write them. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
  ...units(1, 'ms'),
  ...units(SECOND, 's', 'sec', 'second', 'seconds'),
  ...units(MINUTE, 'm', 'min', 'minute', 'minutes'),
  ...units(HOUR, 'h', 'hour', 'hours'),
  ...units(DAY, 'd', 'day', 'days'),
  ...units(7 * DAY, 'w', 'week', 'weeks'),
]);

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ...units(1, '', 'B'),
  ...units(1000, 'kB', 'KB'),
  ...units(1000 ** 2, 'MB'),
  ...units(1000 ** 3, 'GB'),
  ...units(1024, 'KiB'),
  ...units(1024 ** 2, 'MiB'),
  ...units(1024 ** 3, 'GiB'),
]);

function units(factor: number, ...names: readonly string[]): [string, number][] {
  return names.map((name) => [name, factor]);
}

/** `500ms`, `30s`, `1 day`, `7 days` in milliseconds. Only 0 needs no unit. */
export function readDuration(text: string): number | undefined {
  return text === '0' ? 0 : readAmount(text, DURATION_UNITS);
}

/** `64MiB`, `10 kB`, `4096` in bytes. */
export function readBytes(text: string): number | undefined {
  return readAmount(text, SIZE_UNITS);
}

function readAmount(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const [, digits, unit = ''] = /^(\d+) ?([A-Za-z]*)$/.exec(text) ?? [];
  const amount = Number(digits) * (units.get(unit) ?? Number.NaN);
  return Number.isSafeInteger(amount) ? amount : undefined;
}
