/** A point that is stored. Its time is in microseconds since 1970. */
export interface LivePoint {
  readonly deviceId: string;
  readonly metricName: string;
  readonly value: number | string;
  readonly timestamp: number;
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
