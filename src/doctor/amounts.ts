/** Figures as the findings say them. */

const SIZES = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const;

/** `1536` as `1.5 KiB`. */
export function size(bytes: number): string {
  const [unit, each] = SIZES.find(([, step]) => bytes >= step) ?? ['B', 1];
  const value = bytes / each;
  return `${each === 1 || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${unit}`;
}

/** A size for ALTER SYSTEM: whole GB or MB, rounded down. */
export function settingSize(bytes: number): string {
  return bytes >= 2 ** 30 && bytes % 2 ** 30 === 0
    ? `${bytes / 2 ** 30}GB`
    : `${Math.floor(bytes / 2 ** 20)}MB`;
}

/** `1,024`, from 100,000 on to three digits. */
export function count(number: number): string {
  const rounding = number < 100_000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return number.toLocaleString('en-US', rounding);
}

/** Seconds as `3 h`. */
export function duration(seconds: number): string {
  if (seconds >= 172_800) return `${Math.round(seconds / 86_400)} days`;
  if (seconds >= 7_200) return `${Math.round(seconds / 3_600)} h`;
  if (seconds >= 120) return `${Math.round(seconds / 60)} min`;
  return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
}
