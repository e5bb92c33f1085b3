/** Rows as JSON, as lines of JSON and as CSV, written into the bytes that are sent. */

import type { ByteText } from './byte-text.ts';
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
  head(out: ByteText): void;
  rows(out: ByteText, rows: MetricRows): void;
  tail(out: ByteText, summary: Summary): void;
}

/** What stands before the first row, before each other, between a row's time and value, and after it. */
interface Marks {
  readonly first: string;
  readonly before: string;
  readonly between: string;
  readonly after: string;
  /** What JSON has no number for. */
  readonly word: (word: string) => string;
  readonly text: (text: string) => string;
  readonly nothing: string;
}

export function jsonFormat(shape: RowShape): RowFormat {
  let comma = '';
  return {
    contentType: 'application/json; charset=utf-8',
    head: (out) => out.text('{"success":true,"data":['),
    rows(out, rows) {
      const start = objectStart(shape, rows);
      write(out, rows, { ...OBJECT, first: comma + start, before: `,${start}`, after: '}' });
      if (rows.times.length > 0) comma = ',';
    },
    tail(out, { count, granularity, nextCursor, duration }) {
      const summary = { count, granularity, next_cursor: nextCursor, duration_ms: duration };
      out.text(`],${JSON.stringify(summary).slice(1)}`);
    },
  };
}

export function ndjsonFormat(shape: RowShape): RowFormat {
  return {
    contentType: 'application/x-ndjson; charset=utf-8',
    head: () => {},
    rows(out, rows) {
      const start = objectStart(shape, rows);
      write(out, rows, { ...OBJECT, first: start, before: start, after: '}\n' });
    },
    tail: () => {},
  };
}

/** RFC 4180, with a header. An empty field is null; an empty text is quoted. */
export function csvFormat(shape: RowShape): RowFormat {
  const names = [...(shape.device ? ['device_id'] : []), ...(shape.metric ? ['metric_name'] : [])];
  return {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: (out) => out.text(`${[...names, 'timestamp', 'value'].join(',')}\r\n`),
    rows(out, rows) {
      const series = [...(shape.device ? [rows.device] : []), ...(shape.metric ? [rows.metric] : [])];
      const start = series.map((name) => `${field(name)},`).join('');
      write(out, rows, { ...FIELDS, first: start, before: start });
    },
    tail: () => {},
  };
}

const OBJECT = {
  between: '","value":',
  word: (word: string) => `"${word}"`,
  text: (text: string) => JSON.stringify(text),
  nothing: 'null',
};
const FIELDS = { between: ',', after: '\r\n', word: (word: string) => word, text: field, nothing: '' };

function objectStart(shape: RowShape, { device, metric }: MetricRows): string {
  const series = {
    ...(shape.device && { device_id: device }),
    ...(shape.metric && { metric_name: metric }),
  };
  const names = JSON.stringify(series).slice(0, -1);
  return `${names}${names === '{' ? '' : ','}"timestamp":"`;
}

function write(out: ByteText, { times, values, empty }: MetricRows, marks: Marks): void {
  const [first, others, between, after] = [marks.first, marks.before, marks.between, marks.after].map(
    (mark) => Buffer.from(mark),
  ) as [Buffer, Buffer, Buffer, Buffer];
  const numbers = values instanceof Float64Array ? values : null;
  let before = first;
  for (let row = 0; row < times.length; row++) {
    out.bytes(before);
    before = others;
    out.time(times[row] as number);
    out.bytes(between);
    if (empty !== null && empty[row] === 1) out.text(marks.nothing);
    else if (numbers === null) out.text(marks.text(values[row] as string));
    else {
      const number = numbers[row] as number;
      if (Number.isFinite(number)) out.number(number);
      else out.text(marks.word(String(number)));
    }
    out.bytes(after);
  }
}

function field(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
