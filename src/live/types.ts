/** A point that is stored. Its time is in microseconds since 1970. */
export interface LivePoint {
  readonly deviceId: string;
  readonly metricName: string;
  readonly value: number | string;
  readonly timestamp: number;
}

/** Whether points of a series are wanted; always the same for the same names. */
export type Wanted = (deviceId: string, metricName: string) => boolean;
