/** Microseconds since 1970 as ISO 8601: UTC with six digits. */
export function isoOf(time: number): string {
  const millis = Math.floor(time / 1000);
  return `${new Date(millis).toISOString().slice(0, -1)}${String(time - millis * 1000).padStart(3, '0')}Z`;
}
