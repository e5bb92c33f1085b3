/** The columns of rows of one aggregate level, sorted by (series, bucket). Times in microseconds since 1970. */
export interface AggregateRows {
  readonly length: number;
  readonly seriesId: Float64Array;
  readonly bucket: Float64Array;
  readonly firstTime: Float64Array;
  readonly lastTime: Float64Array;
  readonly count: Float64Array;
  readonly excluded: Float64Array;
  readonly sum: Float64Array;
  readonly m2: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly firstValue: Float64Array;
  readonly lastValue: Float64Array;
  readonly increase: Float64Array;
  readonly resets: Float64Array;
  readonly integral: Float64Array;
  readonly seconds: Float64Array;
}

/** The columns of numbers. A column that equals another one before it, or a constant, takes no room in a frame. */
export const NUMBER_COLUMNS = [
  'count',
  'excluded',
  'firstValue',
  'lastValue',
  'min',
  'max',
  'sum',
  'm2',
  'increase',
  'resets',
  'integral',
  'seconds',
] as const;

export type NumberColumn = (typeof NUMBER_COLUMNS)[number];

/** What a column without a code is: a number, or the column that it equals. */
export const DEFAULTS: Readonly<Record<NumberColumn, number | NumberColumn>> = {
  count: 1,
  excluded: 0,
  firstValue: 0,
  lastValue: 'firstValue',
  min: 'firstValue',
  max: 'firstValue',
  sum: 'firstValue',
  m2: 0,
  increase: 0,
  resets: 0,
  integral: 0,
  seconds: 0,
};

/** Room for rows, all zero. */
export function emptyRows(length: number): AggregateRows {
  const column = (): Float64Array => new Float64Array(length);
  return {
    length,
    seriesId: column(),
    bucket: column(),
    firstTime: column(),
    lastTime: column(),
    count: column(),
    excluded: column(),
    sum: column(),
    m2: column(),
    min: column(),
    max: column(),
    firstValue: column(),
    lastValue: column(),
    increase: column(),
    resets: column(),
    integral: column(),
    seconds: column(),
  };
}
