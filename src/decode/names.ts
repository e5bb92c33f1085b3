/** Whether a text can be a device_id or metric_name: not empty, no NUL, no lone surrogate, `limit` UTF-16 units at most. */
export function isName(text: string, limit: number): boolean {
  return text !== '' && text.length <= limit && !text.includes('\0') && text.isWellFormed();
}

/** A name as payloads write it, a text or a number; undefined where there is none, null where it is something else. */
export function nameOf(value: unknown): string | null | undefined {
  if (typeof value === 'string') {
    return value;
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    return String(value);
  }
  return value === undefined || value === null ? undefined : null;
}
