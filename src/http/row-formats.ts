/** Rows as JSON, as lines of JSON and as CSV, piece by piece. Numbers go out as the database wrote them. */

import type { MetricRows } from './ports.ts';

/** Which names each row carries. */
export interface RowShape {
  readonly device: boolean;
  readonly metric: boolean;
}

interface Summary {
  readonly count: number;
  readonly granularity: string;
  readonly nextCursor: string | null;
  /** Milliseconds. */
  readonly duration: number;
}

export interface RowFormat {
  readonly contentType: string;
  readonly head: string;
  rows(rows: MetricRows): string;
  tail(summary: Summary): string;
}

export function jsonFormat(shape: RowShape): RowFormat {
  let between = '';
  return {
    contentType: 'application/json; charset=utf-8',
    head: '{"success":true,"data":[',
    rows(rows) {
      const text = between + objects(shape, rows).join(',');
      between = ',';
      return text;
    },
    tail: ({ count, granularity, nextCursor, duration }) =>
      `],${JSON.stringify({ count, granularity, next_cursor: nextCursor, duration_ms: duration }).slice(1)}`,
  };
}

export function ndjsonFormat(shape: RowShape): RowFormat {
  return {
    contentType: 'application/x-ndjson; charset=utf-8',
    head: '',
    rows: (rows) => `${objects(shape, rows).join('\n')}\n`,
    tail: () => '',
  };
}

/** RFC 4180, with a header. An empty field is null; an empty text is quoted. */
export function csvFormat(shape: RowShape): RowFormat {
  const names = [...(shape.device ? ['device_id'] : []), ...(shape.metric ? ['metric_name'] : [])];
  return {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: `${[...names, 'timestamp', 'value'].join(',')}\r\n`,
    rows({ device, metric, text, timestamps, values }) {
      const series = [...(shape.device ? [device] : []), ...(shape.metric ? [metric] : [])];
      const start = series.map((name) => `${field(name)},`).join('');
      const lines = timestamps.map((timestamp, row) => {
        const value = values[row] ?? null;
        return `${start}${timestamp},${value !== null && text ? field(value) : (value ?? '')}\r\n`;
      });
      return lines.join('');
    },
    tail: () => '',
  };
}

function objects(shape: RowShape, { device, metric, text, timestamps, values }: MetricRows): string[] {
  const series = {
    ...(shape.device && { device_id: device }),
    ...(shape.metric && { metric_name: metric }),
  };
  const names = JSON.stringify(series).slice(0, -1);
  const start = `${names}${names === '{' ? '' : ','}"timestamp":"`;
  return timestamps.map((timestamp, row) => {
    const value = values[row] ?? null;
    return `${start}${timestamp}","value":${value !== null && text ? JSON.stringify(value) : number(value)}}`;
  });
}

function number(value: string | null): string {
  if (value === null) return 'null';
  return value === 'NaN' || value.endsWith('Infinity') ? `"${value}"` : value;
}

function field(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
