/** Times and lengths of time as the parameters of questions write them. Times are microseconds since 1970. */

const SECOND = 1_000_000;
const UNITS = {
  s: SECOND,
  m: 60 * SECOND,
  h: 3_600 * SECOND,
  d: 86_400 * SECOND,
  w: 7 * 86_400 * SECOND,
} as const;

/** For descriptions and messages. */
export const TIME_FORMS =
  'ISO 8601 (UTC where it names no offset), seconds, milliseconds or microseconds since 1970, now, or now-6h (s, m, h, d, w)';
export const BUCKET_FORMS = 'a number and s, m, h, d, w, mo or y, such as 10s, 5m, 1d, 1mo';

/** What a point can have as its time: whole microseconds in a double, from 1684 to 2255. */
const LIMIT = Number.MAX_SAFE_INTEGER - 1;

// A + that was not percent-encoded comes as a space.
const RELATIVE = /^now(?:([-+ ])(\d{1,9})([smhdw]))?$/;
const EPOCH = /^-?\d{1,17}(?:\.\d{1,9})?$/;
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(?:([Zz])|([-+ ])(\d\d)(?::?(\d\d))?))?)?$/;

/** `now`: milliseconds since 1970. Times before 1684 and after 2255 become those limits. Null: it is no time. */
export function readTime(text: string, now: number): number | null {
  const time = readRelative(text, now) ?? readEpoch(text) ?? readIso(text);
  return time === null ? null : Math.max(-LIMIT, Math.min(LIMIT, time));
}

function readRelative(text: string, now: number): number | null {
  const found = RELATIVE.exec(text);
  if (found === null) return null;
  const [, sign, count, unit] = found;
  const away = unit === undefined ? 0 : Number(count) * UNITS[unit as keyof typeof UNITS];
  return now * 1000 + (sign === '-' ? -away : away);
}

/** As payloads are read: by its size it is in seconds, milliseconds or microseconds. */
function readEpoch(text: string): number | null {
  if (!EPOCH.test(text)) return null;
  const value = Number(text);
  const size = Math.abs(value);
  if (size < 1e11) return Math.round(value * SECOND);
  return Math.round(size < 1e14 ? value * 1000 : value);
}

function readIso(text: string): number | null {
  const found = ISO.exec(text);
  if (found === null) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = ''] = found;
  const wall = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const date = new Date(`${wall}Z`);
  // 30 February and 24:00 would be taken for the day after.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 19) !== wall) return null;
  const [sign, hours = '0', minutes = '0'] = found.slice(9);
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  const offset = (Number(hours) * 60 + Number(minutes)) * UNITS.m * (sign === '-' ? -1 : 1);
  return date.getTime() * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6)) - offset;
}

export interface Bucket {
  /** As the answer calls it. */
  readonly name: string;
  /** As PostgreSQL reads it. */
  readonly interval: string;
  /** Microseconds; of a month or a year, of the shortest. */
  readonly width: number;
}

const BUCKET = /^([1-9]\d{0,5})(s|m|h|d|w|mo|y)$/;
const INTERVALS = {
  s: ['seconds', UNITS.s],
  m: ['minutes', UNITS.m],
  h: ['hours', UNITS.h],
  d: ['days', UNITS.d],
  w: ['weeks', UNITS.w],
  mo: ['months', 28 * UNITS.d],
  y: ['years', 365 * UNITS.d],
} as const;

/** Null: it is none. */
export function readBucket(text: string): Bucket | null {
  const found = BUCKET.exec(text);
  if (found === null) return null;
  const count = Number(found[1]);
  const [unit, width] = INTERVALS[found[2] as keyof typeof INTERVALS];
  return { name: text, interval: `${count} ${unit}`, width: count * width };
}
