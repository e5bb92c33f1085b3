/** Devices as they are watched. Durations in seconds, times in microseconds since 1970. */

/** Learning: its cadence is not known yet, and its silence means nothing. */
export type DeviceState = 'learning' | 'ok' | 'silent';

/** What is known of a device, as it outlives the process. */
export interface DeviceRecord {
  readonly deviceId: string;
  readonly state: DeviceState;
  readonly lastArrival: number;
  /** Messages that were heard from it. */
  readonly messages: number;
  /** Between its latest messages, the oldest first. */
  readonly intervals: readonly number[];
  /** Arrival less the device's own time, of its latest messages, the oldest first. */
  readonly skews: readonly number[];
  /** What the intervals come to; null while it is learned. */
  readonly expectedInterval: number | null;
  /** What the skews come to; null where it sends no times. */
  readonly clockSkew: number | null;
}

/** A device, and when it was heard before that. */
export interface DeviceEvent {
  readonly deviceId: string;
  readonly lastArrival: number;
  readonly expectedInterval: number;
}

/** What became known since it was last asked for. */
export interface DeviceNews {
  readonly silent: readonly DeviceEvent[];
  readonly back: readonly DeviceEvent[];
  /** Devices whose cadence is known now. */
  readonly learned: readonly string[];
}

/** What was done to devices by hand. */
export interface DeviceCorrections {
  /** The device that each former name leads to now; null: as it was. */
  readonly aliases: ReadonlyMap<string, string> | null;
  readonly deleted: readonly string[];
}

/** Where records are kept. Rejects where the database is away. */
export interface DeviceStore {
  /** The latest heard ones, at most `limit`. */
  load(limit: number): Promise<readonly DeviceRecord[]>;
  /** Resolves to the devices that were written: one that no series has is not. */
  save(records: readonly DeviceRecord[]): Promise<ReadonlySet<string>>;
  /** What was corrected since it was last asked. */
  corrections(): Promise<DeviceCorrections>;
}
