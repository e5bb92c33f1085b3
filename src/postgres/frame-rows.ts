import { type AggregateRows, NUMBER_COLUMNS, type NumberColumn } from '../segments/aggregate-rows.ts';
import type { Frame } from '../segments/frame.ts';
import type { NumberCode } from '../segments/number-code.ts';
import { FORMAT } from '../segments/segment.ts';
import { checkFormat, RecordReader } from './record-reader.ts';
import { RowWriter } from './row-writer.ts';

/** The names of the numbers in SQL. */
const SQL_NAMES: Readonly<Record<NumberColumn, string>> = {
  count: 'count',
  excluded: 'excluded',
  firstValue: 'first_value',
  lastValue: 'last_value',
  min: 'min',
  max: 'max',
  sum: 'sum',
  m2: 'm2',
  increase: 'increase',
  resets: 'resets',
  integral: 'integral',
  seconds: 'seconds',
};

const NAMES = NUMBER_COLUMNS.map((column) => SQL_NAMES[column]);
const NUMBER_PARTS = ['width', 'noise', 'scale', 'base', 'step', 'grain', 'limit', 'codes', 'raw'];
const COLUMNS = [
  'series_id, start_bucket, end_bucket, format, n',
  'bucket_unit, bucket_step, bucket_shift, bucket_width, bucket_codes',
  'first_time_unit, first_time_shift, first_time_width, first_time_codes',
  'last_time_unit, last_time_shift, last_time_width, last_time_codes',
  ...NAMES.flatMap((name) => NUMBER_PARTS.map((part) => `${name}_${part}`)),
].join(', ');
const FIELDS = COLUMNS.split(',').length;

/** For what `frameRows` yields. */
export function copyFrames(level: string): string {
  return `COPY :"internal"."frames_${level}" (${COLUMNS}) FROM STDIN (FORMAT binary)`;
}

/** An expression over a row of a table of frames that `frameFrom` reads. */
export const FRAME_RECORD: string = `record_send(ROW(${COLUMNS}))`;

/** An expression over aggregate rows, hot ones or those of a view of frames, that `readAggregateRow` reads. */
export const AGGREGATE_RECORD: string = `record_send(ROW(series_id, bucket, first_time, last_time, ${NAMES.join(', ')}))`;

/** The stream for `copyFrames`, in parts of some 64 kB. */
export async function* frameRows(frames: AsyncIterable<Frame> | Iterable<Frame>): AsyncGenerator<Buffer> {
  const writer = new RowWriter();
  for await (const frame of frames) {
    writeFrame(writer, frame);
    if (writer.isFull) yield writer.take();
  }
  yield writer.end();
}

function writeFrame(writer: RowWriter, frame: Frame): void {
  const { length, seriesId, buckets, firstTimes, lastTimes, numbers } = frame;
  writer.row(FIELDS);
  writer.int8(seriesId);
  writer.timestamptz(buckets.first);
  writer.timestamptz(buckets.last);
  writer.int2(FORMAT);
  writer.int2(length);
  writer.float8(buckets.unit);
  writer.float8(buckets.step);
  writer.float8(buckets.shift);
  writer.int2(buckets.width);
  writer.varbit(buckets.codes, length * buckets.width);
  for (const times of [firstTimes, lastTimes]) {
    writer.float8(times?.unit ?? null);
    writer.float8(times?.shift ?? null);
    writer.int2(times?.width ?? null);
    writer.varbit(times?.codes ?? null, length * (times?.width ?? 0));
  }
  for (const column of NUMBER_COLUMNS) {
    const code = numbers[column];
    writer.int2(code?.width ?? null);
    writer.int2(code?.noise ?? null);
    writer.float8(code?.scale ?? null);
    writer.float8(code?.base ?? null);
    writer.float8(code?.step ?? null);
    writer.float8(code?.grain ?? null);
    writer.float8(code?.limit ?? null);
    writer.varbit(code?.codes ?? null, length * (code?.width ?? 0));
    writer.floats(code?.raw ?? null);
  }
}

/** A frame from the bytes of `FRAME_RECORD`. Throws where a newer version of Tidegate wrote it. */
export function frameFrom(record: Buffer): Frame {
  const reader = new RecordReader(record);
  const seriesId = reader.int8() as number;
  const first = reader.timestamptz() as number;
  const last = reader.timestamptz() as number;
  checkFormat(reader.int2());
  const length = reader.int2() as number;
  const buckets = {
    first,
    last,
    unit: reader.float8() as number,
    step: reader.float8() as number,
    shift: reader.float8() as number,
    width: reader.int2() as number,
    codes: reader.varbit(),
  };
  const [firstTimes, lastTimes] = [offsetsFrom(reader), offsetsFrom(reader)];
  const numbers = {} as Record<NumberColumn, NumberCode | null>;
  for (const column of NUMBER_COLUMNS) {
    const width = reader.int2();
    const code = {
      noise: reader.int2() ?? 0,
      scale: reader.float8(),
      base: reader.float8(),
      step: reader.float8(),
      grain: reader.float8(),
      limit: reader.float8(),
      codes: reader.varbit(),
      raw: reader.doubles(),
    };
    numbers[column] = width === null ? null : { width, ...code };
  }
  return { length, seriesId, buckets, firstTimes: firstTimes as OffsetFields, lastTimes, numbers };
}

type OffsetFields = Frame['firstTimes'];

function offsetsFrom(reader: RecordReader): OffsetFields | null {
  const unit = reader.float8();
  const shift = reader.float8() as number;
  const width = reader.int2() as number;
  const codes = reader.varbit();
  return unit === null ? null : { unit, shift, width, codes };
}

/** Puts the bytes of an `AGGREGATE_RECORD` into a row. */
export function readAggregateRow(record: Buffer, rows: AggregateRows, row: number): void {
  const reader = new RecordReader(record);
  rows.seriesId[row] = reader.int8() as number;
  for (const column of [rows.bucket, rows.firstTime, rows.lastTime]) {
    column[row] = reader.timestamptz() as number;
  }
  for (const column of NUMBER_COLUMNS) {
    const isWhole = column === 'count' || column === 'excluded' || column === 'resets';
    rows[column][row] = (isWhole ? reader.int8() : reader.float8()) as number;
  }
}
