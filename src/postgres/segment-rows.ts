import { FORMAT, type Segment, type SeriesSegment } from '../segments/segment.ts';
import type { DecimalCode, ValueCode } from '../segments/value-code.ts';
import { checkFormat, RecordReader } from './record-reader.ts';
import { RowWriter } from './row-writer.ts';

const COLUMNS = [
  'series_id',
  'start_ts',
  'end_ts',
  'v_sum',
  'v_m2',
  'v_min',
  'v_max',
  't_unit',
  't_step',
  't_shift',
  'v_scale',
  'v_base',
  'v_step',
  'v_limit',
  'format',
  'n',
  'v_count',
  't_width',
  'v_width',
  't_codes',
  'v_codes',
  'v_singles',
  'v_doubles',
  'v_odd',
];

/** For what `segmentRows` yields. */
export const COPY_SEGMENTS: string = `COPY :"internal".segments (${COLUMNS.join(', ')}) FROM STDIN (FORMAT binary)`;
/** An expression over a row of `segments` that `segmentFrom` reads; as bytes, because text would cost the bits of a NaN. */
export const SEGMENT_RECORD: string = `record_send(ROW(${COLUMNS.join(', ')}))`;

/** The same as `segmentRows` for segments that are at hand. */
export function* segmentBytes(segments: Iterable<SeriesSegment>): Generator<Buffer> {
  const writer = new RowWriter();
  for (const { seriesId, segment } of segments) {
    writeSegment(writer, seriesId, segment);
    if (writer.isFull) yield writer.take();
  }
  yield writer.end();
}

/** The stream for `COPY_SEGMENTS`, in parts of some 64 kB. */
export async function* segmentRows(
  segments: AsyncIterable<SeriesSegment> | Iterable<SeriesSegment>,
): AsyncGenerator<Buffer> {
  const writer = new RowWriter();
  for await (const { seriesId, segment } of segments) {
    writeSegment(writer, seriesId, segment);
    if (writer.isFull) yield writer.take();
  }
  yield writer.end();
}

function writeSegment(writer: RowWriter, seriesId: number, segment: Segment): void {
  const { length, times, values, statistics } = segment;
  const decimal = values.kind === 'decimal' ? values : null;
  writer.row(COLUMNS.length);
  writer.int8(seriesId);
  writer.timestamptz(times.first);
  writer.timestamptz(times.last);
  writer.float8(statistics.sum);
  writer.float8(statistics.m2);
  writer.float8(statistics.min);
  writer.float8(statistics.max);
  writer.float8(times.unit);
  writer.float8(times.step);
  writer.float8(times.shift);
  writer.float8(decimal?.scale ?? null);
  writer.float8(decimal?.base ?? null);
  writer.float8(decimal?.step ?? null);
  writer.float8(decimal?.limit ?? null);
  writer.int2(FORMAT);
  writer.int2(length);
  writer.int2(statistics.count);
  writer.int2(times.width);
  writer.int2(decimal?.width ?? null);
  writer.varbit(times.codes, length * times.width);
  writer.varbit(decimal?.codes ?? null, length * (decimal?.width ?? 0));
  writer.floats(values.kind === 'single' ? values.values : null);
  writer.floats(values.kind === 'double' ? values.values : null);
  writer.floats(decimal?.odd ?? null);
}

/** A segment from the bytes of `SEGMENT_RECORD`. Throws where a newer version of Tidegate wrote it. */
export function segmentFrom(record: Buffer): SeriesSegment {
  const reader = new RecordReader(record);
  const seriesId = reader.int8() as number;
  const first = reader.timestamptz() as number;
  const last = reader.timestamptz() as number;
  const sum = reader.float8() as number;
  const m2 = reader.float8() as number;
  const min = reader.float8();
  const max = reader.float8();
  const unit = reader.float8() as number;
  const step = reader.float8() as number;
  const shift = reader.float8() as number;
  const line = {
    scale: reader.float8(),
    base: reader.float8(),
    step: reader.float8(),
    limit: reader.float8(),
  };
  checkFormat(reader.int2());
  const length = reader.int2() as number;
  const count = reader.int2() as number;
  const width = reader.int2() as number;
  const valueWidth = reader.int2();
  const codes = reader.varbit();
  const rest = {
    ...line,
    width: valueWidth,
    codes: reader.varbit(),
    singles: reader.singles(),
    doubles: reader.doubles(),
    odd: reader.doubles(),
  };
  return {
    seriesId,
    segment: {
      length,
      times: { first, last, unit, step, shift, width, codes },
      values: valuesFrom(rest),
      statistics: { count, sum, m2, min, max },
    },
  };
}

type ValueFields = { readonly [Key in keyof Omit<DecimalCode, 'kind'>]: DecimalCode[Key] | null } & {
  readonly singles: Float32Array | null;
  readonly doubles: Float64Array | null;
};

function valuesFrom(fields: ValueFields): ValueCode {
  const { singles, doubles, ...decimal } = fields;
  if (singles !== null) return { kind: 'single', values: singles };
  if (doubles !== null) return { kind: 'double', values: doubles };
  return { kind: 'decimal', ...(decimal as Omit<DecimalCode, 'kind'>) };
}
