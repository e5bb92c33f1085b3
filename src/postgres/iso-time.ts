/** `2026-01-01 00:00:00.5+00`, as a session prints it whose zone is UTC, as `2026-01-01T00:00:00.500000Z`. */
export function isoTime(printed: string): string {
  const fraction = printed.length > 22 ? printed.slice(20, -3).padEnd(6, '0') : '000000';
  return `${printed.slice(0, 10)}T${printed.slice(11, 19)}.${fraction}Z`;
}
