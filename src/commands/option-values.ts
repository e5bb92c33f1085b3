import { InvalidArgumentError } from 'commander';

/** Reads a whole number; an error of Commander says what is allowed. */
export function wholeNumber(
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= minimum && number <= maximum) return number;
    const limit =
      maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum} on` : `from ${minimum} to ${maximum}`;
    throw new InvalidArgumentError(`Allowed: a whole number ${limit}.`);
  };
}

/** Reads a number of things a second, or 0. */
export function rate(text: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  // Slower than one in a quarter of an hour is nothing to wait for.
  if (number === 0 || (number >= 0.001 && number <= 1e9)) return number;
  throw new InvalidArgumentError('Allowed: 0, or a number from 0.001 on.');
}

export const port: (text: string) => number = wholeNumber(1, 65_535);

/** A time in ISO 8601, as PostgreSQL reads it: in UTC where it has no offset. */
export function moment(text: string): string {
  const form = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(?<offset>Z|[+-]\d\d:\d\d)?)?$/;
  const match = form.exec(text);
  const whole = match?.[1] === undefined || match.groups?.['offset'] !== undefined ? text : `${text}Z`;
  if (match !== null && !Number.isNaN(Date.parse(whole))) return whole;
  throw new InvalidArgumentError('Allowed: a time such as 2026-01-31 or 2026-01-31T12:00:00Z.');
}

/** One more `key:value`, beside those before. */
export function tagged(text: string, before: Record<string, string> = {}): Record<string, string> {
  const colon = text.indexOf(':');
  if (colon < 1 || text.includes('\0')) throw new InvalidArgumentError('Allowed: a tag such as site:berlin.');
  return { ...before, [text.slice(0, colon)]: text.slice(colon + 1) };
}

export function timeZone(name: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    throw new InvalidArgumentError('Allowed: an IANA time zone such as UTC or Europe/Berlin.');
  }
}
