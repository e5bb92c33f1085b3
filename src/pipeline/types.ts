/**
 * The ports between the source (MQTT), the decoder, the pipeline and the sink (PostgreSQL).
 * Every time here is a whole number of microseconds since 1970-01-01T00:00:00Z held in a double,
 * exact between the years 1684 and 2255 (docs/adr/0003).
 */

import type { SpoolDropped, SpoolStatus } from './spool-types.ts';
import type { DeadLetterCode, SpoolError, WriteError } from '../errors.ts';

/** What a numeric series measures; text is a series of its own. */
export type NumberKind = 'gauge' | 'counter' | 'state';
export type SeriesKind = NumberKind | 'text';

/**
 * What makes a QoS 1 message known again when the broker sends it in a later connection of the same session. A packet
 * identifier alone never does: it is used again within the session.
 */
export interface DeliveryIdentity {
  /** One life of the session at the broker; it grows when the broker has none of ours. */
  readonly epoch: number;
  /** Counts the arrivals of that life, from 0. */
  readonly ordinal: number;
  readonly packetId: number;
  /** Of the topic and of the payload, 32 bits each. */
  readonly topicDigest: number;
  readonly payloadDigest: number;
}

/** A settled message in the ledger. */
export interface LedgerEntry extends DeliveryIdentity {
  /** Of the delivery: it was marked as sent again and not known, so that its ordinal says little about the order. */
  readonly duplicate: boolean;
}

/** One received PUBLISH and the duty to settle it exactly once. */
export interface Delivery {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly duplicate: boolean;
  readonly packetId: number | null;
  /** Microseconds since 1970, by `receiptClock`: of two messages the later one's is greater, unless the clock was set back. */
  readonly receivedAt: number;
  /** Null at QoS 0 and without a ledger. */
  readonly identity: DeliveryIdentity | null;
  /** Whether it waited at the broker while no connection of ours was there. */
  readonly backlog: boolean;
  /**
   * Gives the duty back to the broker's account; no more than an end at QoS 0 and once its connection is gone. The
   * memory of `payload` may go with it: nobody reads it afterwards.
   */
  ack(): void;
  /** After `ack`: nobody who was given up reads `payload` either, so that its memory may be written to. */
  recycle?(): void;
}

/** Where deliveries come from. After `start` resolves, deliveries may arrive at any time. */
export interface Source {
  start(onDelivery: (delivery: Delivery) => void): Promise<void>;
  /** Stops reading the connection; must not last longer than half of the keepalive. */
  pause(): void;
  resume(): void;
  /** Leaves the broker until `reconnect`: the session stays, what was not acknowledged comes again. */
  disconnect(reason: string): void;
  reconnect(): void;
  /** Takes no further message but keeps the connection, so that acknowledgements still go out. */
  stopReceiving(): Promise<void>;
  close(): Promise<void>;
}

/** What is known of a series beyond its points; an absent key says nothing, and leaves what is known. */
export interface SeriesMeta {
  /** As sent: UCUM, or the device's own. */
  readonly unit?: string;
  /** Take the place of those known before, all of them. */
  readonly tags?: Readonly<Record<string, string>>;
  /** What people call the series' device; it may change while the device_id stays. */
  readonly deviceName?: string;
}

/** What a decoder writes to: one call a point, in the order of the payload. */
export interface PointWriter {
  /** `timestamp` is NaN where the payload carries none: the arrival is taken then. */
  number(deviceId: string, metricName: string, timestamp: number, value: number, kind: NumberKind): void;
  /**
   * The same for numbers of one series that all have times of their own, in the order of the payload: whoever has it is
   * spared a call a point. The columns are copied.
   */
  numbers?(
    deviceId: string,
    metricName: string,
    timestamps: Float64Array,
    values: Float64Array,
    kind: NumberKind,
  ): void;
  /** `changesOnly`: store only where the text differs from the series' latest one. */
  text(deviceId: string, metricName: string, timestamp: number, value: string, changesOnly: boolean): void;
  /**
   * What the message says of the series of the point that was written just before; nothing where that was a rejection or a
   * drop. The same object as the last time for the series costs nothing: decoders keep it for as long as nothing changes.
   */
  describe(meta: SeriesMeta): void;
  /** A part of the payload that cannot become a point: counted, and the message is kept as a dead letter. */
  reject(code: DeadLetterCode, detail: string): void;
  /** A point that the configuration says not to store: counted. */
  drop(reason: DropReason): void;
  /** What the message says of the edge node that it is from, to be kept with its points. */
  edge?(event: EdgeEvent): void;
}

/** A birth or death of a Sparkplug edge node or device; or that everything of it until then is forgotten. */
export interface EdgeEvent {
  readonly kind: 'birth' | 'death' | 'forgotten';
  /** `<group>/<edge node>` */
  readonly edge: string;
  /** Null: the edge node itself. */
  readonly device: string | null;
  /** Microseconds since 1970; no two of an edge node are at one time. */
  readonly receivedAt: number;
  /** Of the session; null where it is not known. */
  readonly bdSeq: number | null;
  /** Of a birth: the names, aliases and datatypes of its metrics, as a Sparkplug payload without values. */
  readonly definition: Uint8Array | null;
}

/** Turns a payload into points. Never throws for anything that a payload holds. */
export interface Decoder {
  /**
   * Returns the name of the route that took the message, or null where no route matches its topic. `backlog`: whether the
   * message waited at the broker; a route may not want the arrival of such a one for its time. `receivedAt`: when it
   * arrived first, in microseconds since 1970, also where it lay in the spool or was a dead letter since.
   */
  decode(
    topic: string,
    payload: Uint8Array,
    out: PointWriter,
    backlog?: boolean,
    receivedAt?: number,
  ): string | null;
  /** For messages that were received and decoded before: by what was known then. Default: this one. */
  readonly past?: Decoder;
}

/** A series as the process knows it; `id` is the sink's and undefined until it was looked up. */
export interface Series {
  readonly deviceId: string;
  readonly metricName: string;
  readonly text: boolean;
  /** A small whole number that no other series in memory has: columns go by it. Free again once the registry forgot it. */
  readonly place: number;
  /** What the device sent after it the last time: most send their metrics in the same order again and again. */
  next: Series | null;
  /** Batches in hand that have it: while there are any it stays the one object of its names. */
  holds: number;
  kind: SeriesKind;
  /** The route that first brought it to this process; null where none is known. */
  route: string | null;
  id: number | undefined;
  /** The kind that the database holds, so that a change is written once. */
  storedKind: SeriesKind | undefined;
  /** The object that described it last. */
  described: SeriesMeta | null;
  /** The receipt of the message that did, microseconds since 1970: what was received before says nothing any more. Null: none did. */
  describedAt: number | null;
  /** All that is known of it; the same object for as long as nothing changes. */
  meta: SeriesMeta;
  /** What the database holds of it, so that a change is written once. */
  storedMeta: SeriesMeta | undefined;
  /** For a text series: the latest text and its time, where the sink knows them. */
  latestText: { readonly value: string; readonly timestamp: number } | undefined;
  /** For a text series: whether its metric has numbers too, one of which may have come after the latest text. */
  mixed: boolean;
}

/** The point's time is its arrival: a collision moves it by a microsecond instead of making it a duplicate. */
export const ARRIVAL = 1;
/** A text to be stored only where it differs from the one before. */
export const CHANGES_ONLY = 2;

/** Points as columns: row i is (series[seriesIndex[i]], timestamp[i], value[i]) of deliveries[messageIndex[i]]. */
export interface PointColumns {
  readonly length: number;
  readonly seriesIndex: Int32Array;
  readonly messageIndex: Int32Array;
  readonly timestamp: Float64Array;
  readonly value: Float64Array;
  readonly flags: Uint8Array;
}

export interface TextColumns {
  readonly length: number;
  readonly seriesIndex: number[];
  readonly messageIndex: number[];
  readonly timestamp: number[];
  readonly value: string[];
  readonly flags: number[];
}

/** A message, or the part of it, that could not be stored, with the reason. One for each message at most. */
export interface DeadLetter {
  readonly messageIndex: number;
  readonly route: string | null;
  readonly code: DeadLetterCode;
  readonly detail: string;
  /** Points (or values that would have been points) that the message lost. */
  readonly points: number;
}

/** What decoding made of each delivery of a batch, by its index. */
export interface MessageColumns {
  readonly outcome: MessageOutcome[];
  /** Points, and values that could not become points. */
  readonly decoded: number[];
  /** Points that the configuration says not to store. */
  readonly dropped: number[];
}
export type MessageOutcome = 'settled' | 'ignored' | 'dead_lettered';

/** Messages that never came as far as a batch (skipped, dropped), and points that were dropped with theirs. */
export interface ApartCounts {
  readonly ignored: number;
  readonly dropped: number;
  /** Decoded once and dropped later, with a spool that was full. */
  readonly droppedPoints: number;
}

/** A record of the spool, as part of a batch. */
export interface BatchRecord {
  readonly id: string;
  readonly messages: number;
  readonly apart: ApartCounts;
}

/** What is written in one transaction. A message is never split across batches. */
export interface Batch {
  /** A UUID: a COMMIT whose answer was lost is looked up by it, not repeated. */
  readonly id: string;
  readonly series: readonly Series[];
  readonly points: PointColumns;
  readonly texts: TextColumns;
  readonly deadLetters: readonly DeadLetter[];
  /** What its messages say of edge nodes. */
  readonly edgeEvents?: readonly (EdgeEvent & { readonly messageIndex: number })[];
  readonly deliveries: readonly Delivery[];
  readonly messages: MessageColumns;
  /** Counts that commit with this batch although their messages are not in it. */
  readonly apart: ApartCounts;
  /**
   * The records of the spool that it is made of, in order, and its id that of the first; or the one that it is a part of.
   * None outside of the spool.
   */
  readonly records: readonly BatchRecord[];
  /** Bytes this batch holds in memory. */
  readonly bytes: number;
  /** When its first message came into it, in monotonic milliseconds of this process. */
  readonly openedAt: number;
}

/** What became of messages and points; every field counts, none overlaps another. */
export interface BatchTotals {
  messages: { settled: number; ignored: number; dead_lettered: number; dropped: number };
  points: {
    decoded: number;
    stored: number;
    duplicate: number;
    conflict: number;
    dead_lettered: number;
    dropped: number;
  };
}

export interface WriteReport {
  /** The fate of every message and point of the batch. */
  readonly totals: BatchTotals;
  /** Dead letters that the sink itself had to make of points. */
  readonly refused: readonly DeadLetter[];
  /** Texts not stored because they repeat the one before; part of `totals.points.dropped`. */
  readonly unchanged: number;
  /** Points and texts not stored because retention deletes what is so old; part of `totals.points.dropped`. */
  readonly expired: number;
  /** Points not stored because they were deleted by hand while they lay in the spool; part of `totals.points.dropped`. */
  readonly deleted?: number;
  /** Committed by an earlier life of the daemon: its counts were there at the start. */
  readonly earlier?: boolean;
}

/** Resolves only once every point is durable. Rejects with a WriteError. */
export interface Sink {
  write(batch: Batch, signal: AbortSignal): Promise<WriteReport>;
}

/** The part of the ledger that outlives the process, kept where the points are. */
export interface SessionStore {
  /**
   * The epoch (0 before the first) and the entries of it, in ascending order of ordinals; what the session may be subscribed
   * to, as `subscribed` was told last.
   */
  load(): Promise<{
    readonly epoch: number;
    readonly entries: readonly LedgerEntry[];
    readonly filters: readonly string[];
  }>;
  /** Before the broker is asked for more than these, and once it was made to forget the others. */
  subscribed(filters: readonly string[]): Promise<void>;
  /** Begins an epoch; durable when it resolves. */
  begin(epoch: number): Promise<void>;
  /** Nothing below this ordinal of the epoch, nor of earlier epochs, will be asked for again. */
  forget(epoch: number, below: number): void;
}

export type DropReason =
  | 'text_dropped'
  | 'text_unchanged'
  | 'expired'
  | 'deleted'
  | 'qos0_overflow'
  | 'retained_skipped'
  | 'own_message'
  | 'resent'
  | 'redelivered'
  | 'backlog_skipped'
  | 'repeated'
  | 'transient'
  | 'stale_death'
  | 'spool_overflow'
  | 'spool_damaged';

/** Why a batch was closed; each is counted. */
export type SealTrigger = 'points' | 'bytes' | 'time' | 'idle' | 'drain';

/** The balance sheet: received = settled + ignored + dead_lettered + dropped + in_flight + spooled, and the like for points. */
export interface IngestStats {
  /** ISO 8601: since when the totals count. */
  readonly since: string;
  /** Whether both sides add up. */
  readonly balanced: boolean;
  readonly messages: BatchTotals['messages'] & { received: number; in_flight: number; spooled: number };
  readonly points: BatchTotals['points'] & { in_flight: number; spooled: number };
}

/** What the pipeline holds right now. */
export interface PipelineState {
  readonly stats: IngestStats;
  /** Of what `stats` counts as dropped: what the database will be told by a record of the spool. */
  readonly untold: SpoolDropped;
  readonly queue: { readonly points: number; readonly bytes: number; readonly batches: number };
  readonly maximum: { readonly points: number; readonly bytes: number };
  /** Open: taking all. Full: QoS 0 waits or is dropped. Away: left the broker until there is room. */
  readonly pressure: 'open' | 'full' | 'away';
  /** Microseconds since 1970 of the last commit; null before the first. */
  readonly lastCommitAt: number | null;
  /** The receipt of the oldest message that is not settled; null where nothing is in flight. */
  readonly oldestInFlightAt: number | null;
  /** Seconds that it has waited, by a clock that nobody sets; 0 where nothing is in flight. */
  readonly oldestWaits: number;
  /** Seconds for which nothing was heard of what the spool's drain is at; 0 where it is at nothing. */
  readonly drainWaits: number;
  /** Null without a spool. */
  readonly spool: SpoolStatus | null;
}

/** Told of what happens in the pipeline: metrics and logs hang on it. */
export interface PipelineObserver {
  sealed(trigger: SealTrigger, batch: Batch): void;
  /** `commitSeconds` from the first attempt's start to the COMMIT's answer; `lagSeconds` from the oldest receipt to it. */
  committed(batch: Batch, report: WriteReport, commitSeconds: number, lagSeconds: number): void;
  writeFailed(error: WriteError, attempt: number, retryInSeconds: number | null): void;
  /** Points dropped by policy or message dropped under pressure. */
  dropped(reason: DropReason, count: number): void;
  deadLettered(code: DeadLetterCode, count: number): void;
  /** The batch is durable in the spool, which `seconds` it took. */
  spooled(batch: Batch, seconds: number): void;
  /** The spool failed, or is full. */
  spoolFailed(error: SpoolError): void;
}

/** Told which devices the messages are of, as each is decoded at its receipt; must cost next to nothing. */
export interface DeviceObserver {
  /** Once for each device of a message. `timestamp`: the newest time that the message gives it, NaN where it gives none. */
  heard(deviceId: string, delivery: Delivery, timestamp: number): void;
}

/** The part of a pino logger that the modules use. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
