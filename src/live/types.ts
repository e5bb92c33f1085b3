/** A point that is stored. Its time is in microseconds since 1970. */
export interface LivePoint {
  readonly deviceId: string;
  readonly metricName: string;
  readonly value: number | string;
  readonly timestamp: number;
}

/**
 * So many points of a series, all that a batch or a few brought of it, which came late among others from which they cannot be
 * told. Times in microseconds since 1970, both included.
 */
export interface LateArrival {
  readonly deviceId: string;
  readonly metricName: string;
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** Of which series points are wanted: all of these must hold. */
export interface LiveQuestion {
  /** Null: all. */
  readonly devices: readonly string[] | null;
  readonly metrics: readonly string[] | null;
  /** Of names of devices; `*` stands for any characters. */
  readonly match: string;
  /** How the ids begin of the devices that may be seen; null: of any. */
  readonly visible: readonly string[] | null;
}
