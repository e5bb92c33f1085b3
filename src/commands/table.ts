import { printable } from './printable.ts';

/** Rows under their column names, as psql prints them; null is an empty cell. */
export function table(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const cells = [columns, ...rows].map((row) => row.map((cell) => printable(cell ?? '')));
  const widths = columns.map((_, at) =>
    cells.reduce((width, row) => Math.max(width, row[at]?.length ?? 0), 0),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join(' | ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('-+-');
  const total = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
  return [lines[0], rule, ...lines.slice(1), total].join('\n');
}
