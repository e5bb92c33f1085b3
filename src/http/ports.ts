import type { Readable } from 'node:stream';
import type { Static } from 'typebox';
import type { IngestStats } from '../pipeline/types.ts';
import type { JobRunAnswer, JobsAnswer } from '../scheduler/answer.ts';
import type { JobReport } from '../scheduler/types.ts';
import type { AGGREGATES, FILLS } from './metric-schemas.ts';
import type { Explained } from './explain-schemas.ts';
import type { AnomaliesSchema } from './anomaly-schemas.ts';
import type { DeviceMetricSchema } from './device-schemas.ts';
import type { LatestPointSchema } from './latest-schemas.ts';
import type {
  DropSchema,
  LetterGroupSchema,
  LetterHeadSchema,
  ReplaySchema,
  ShownLetterSchema,
} from './letter-schemas.ts';
import type { ChunkSchema, CompressionSchema, DeviceSchema } from './schemas.ts';
import type { Bucket } from './times.ts';
import type {
  AccountQuerySchema,
  CollectedSchema,
  IngestStatsSchema,
  QueryPerformanceSchema,
  RateSchema,
} from './stats-schemas.ts';

export interface Check {
  readonly ok: boolean;
  /** Where tokens are wanted, for those who have one of all devices only. */
  readonly detail: string;
}

export interface Readiness {
  readonly ready: boolean;
  /** By name: broker, database, queue, scheduler. */
  readonly checks: Readonly<Record<string, Check>>;
}

/** Chunks as the engine tells of them; names that it does not know are a `chunk_unknown`. `asker`: who orders, and from where. */
interface ChunkPorts {
  list(): Promise<readonly ChunkShown[]>;
  compress(name: string, asker: string): Promise<JobReport>;
  decompress(name: string, asker: string): Promise<JobReport>;
  compression(): Promise<readonly CompressionShown[]>;
}
type ChunkShown = Static<typeof ChunkSchema>;
type CompressionShown = Static<typeof CompressionSchema>['data'][number];

export type AccountWanted = Static<typeof AccountQuerySchema>;
type AccountSchema = Static<typeof IngestStatsSchema>;
type AccountShown = {
  readonly [Part in 'minutes' | 'conflicts' | 'devices']?: readonly NonNullable<
    AccountSchema[Part]
  >[number][];
};

/** Which dead letters are meant: all of these must hold. Times in ISO 8601, topic is an MQTT filter. */
export interface LetterQuery {
  readonly ids?: readonly number[];
  readonly code?: string;
  readonly route?: string;
  readonly topic?: string;
  readonly since?: string;
  readonly until?: string;
}

interface LetterOrder {
  readonly limit: number;
  readonly dryRun: boolean;
  /** Who orders, and from where. */
  readonly asker: string;
}

/** Ids that are not there are a `dead_letter_unknown`, topics that are no filter a `usage`. */
interface LetterPorts {
  groups(query: LetterQuery): Promise<readonly Static<typeof LetterGroupSchema>[]>;
  list(
    query: LetterQuery,
    limit: number,
    before: number | null,
  ): Promise<readonly Static<typeof LetterHeadSchema>[]>;
  show(id: number): Promise<Omit<Static<typeof ShownLetterSchema>, 'success'>>;
  payload(id: number): Promise<Readable>;
  replay(query: LetterQuery, order: LetterOrder): Promise<Omit<Static<typeof ReplaySchema>, 'success'>>;
  drop(query: LetterQuery, order: LetterOrder): Promise<Omit<Static<typeof DropSchema>, 'success'>>;
}

/** How the ids begin of the devices that may be seen; null: of any. */
type Visible = readonly string[] | null;

/** Which devices, by name, after that of the page before. */
export interface DeviceQuestion {
  readonly match: string;
  readonly state: 'learning' | 'ok' | 'silent' | null;
  /** That one series has; null: any. */
  readonly tags: Readonly<Record<string, string>> | null;
  readonly after: string | null;
  readonly limit: number;
  readonly visible: Visible;
}

/** Names that it does not know are a `device_unknown`. */
interface DevicePorts {
  list(question: DeviceQuestion): Promise<readonly DeviceShown[]>;
  find(
    deviceId: string,
    visible: Visible,
  ): Promise<DeviceShown & { readonly metrics: readonly MetricShown[] }>;
}
type MetricShown = Omit<Static<typeof DeviceMetricSchema>, 'kind'> & { readonly kind: string };

/** Which series, after the last one of the page before; null: all. */
export interface LatestQuestion {
  readonly devices: readonly string[] | null;
  readonly metrics: readonly string[] | null;
  readonly match: string;
  readonly tags: Readonly<Record<string, string>> | null;
  readonly visible: Visible;
  readonly after: SeriesPlace | null;
  readonly limit: number;
}
interface SeriesPlace {
  readonly deviceId: string;
  readonly metricName: string;
  readonly text: boolean;
}

/** A series as it is shown: the same object as long as it is the same. */
export type SeriesShown = Omit<Static<typeof LatestPointSchema>, 'kind' | 'value' | 'timestamp'> & {
  readonly kind: string;
};

interface LatestPorts {
  page(question: LatestQuestion): Promise<{
    readonly series: readonly SeriesShown[];
    /** Microseconds since 1970. */
    readonly times: Float64Array;
    readonly values: readonly Static<typeof LatestPointSchema>['value'][];
    /** The last series of a page that is not the last one. */
    readonly next: SeriesPlace | null;
  }>;
}
export type DeviceShown = Omit<Static<typeof DeviceSchema>, 'state'> & { readonly state: string | null };

/** A row of an answer: of which series, and its time in microseconds since 1970. */
export interface MetricPosition {
  readonly device: string;
  readonly metric: string;
  readonly text: boolean;
  readonly time: number;
}

/** Which aggregate of which buckets; in place of a length, the most rows of a series where it is to be chosen. */
export interface MetricBuckets {
  readonly bucket: Bucket | { readonly maxPoints: number };
  readonly agg: (typeof AGGREGATES)[number];
  readonly fill: (typeof FILLS)[number];
  readonly tz: string;
}

/** Of all pairs of devices and metrics, points or buckets of from <= time < to (microseconds since 1970). */
export interface MetricQuestion {
  readonly devices: readonly string[];
  readonly metrics: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly wanted: { readonly limit: number | null; readonly after: MetricPosition | null } | MetricBuckets;
}

/** Some rows of one series, in order. */
export interface MetricRows {
  readonly device: string;
  readonly metric: string;
  readonly text: boolean;
  /** Microseconds since 1970. */
  readonly times: Float64Array;
  /** Texts where `text` says so. */
  readonly values: Float64Array | readonly string[];
  /** 1 for each row whose value is null; null: there is none. */
  readonly empty: Uint8Array | null;
}

interface MetricAnswer {
  /** raw, or the name of the buckets. */
  readonly granularity: string;
  /** By device, metric and time. Read while they are taken. */
  readonly rows: AsyncIterable<MetricRows>;
  /** After all rows were taken: the last of them where there are more. */
  next(): MetricPosition | null;
}

/** A device that is not there is a `device_unknown`, what cannot be asked a `usage` with the parameter's name. */
interface MetricPorts {
  ask(question: MetricQuestion, signal: AbortSignal): Promise<MetricAnswer>;
}

/** How much is collected, and how long questions take. */
interface StatisticsPorts {
  collection(): Promise<{
    readonly hour: Static<typeof CollectedSchema>;
    readonly ever: Static<typeof CollectedSchema>;
    /** When it was added up, in ISO 8601. */
    readonly asOf: string;
  }>;
  /** Of so many whole minutes, in order. */
  rates(minutes: number): Promise<readonly Static<typeof RateSchema>[]>;
  queries(): Promise<readonly Static<typeof QueryPerformanceSchema>[]>;
}

/** Which points of a series are looked at, and what is far. */
export interface AnomalyQuestion {
  readonly deviceId: string;
  readonly metricName: string;
  /** Microseconds back from now. */
  readonly baseline: number;
  readonly window: number;
  readonly threshold: number;
  readonly method: 'zscore' | 'mad';
  readonly limit: number;
  readonly visible: Visible;
}

export interface LivePorts {
  /** Those of the points that are stored from now on; null where as many listen already as may. */
  listen(question: Omit<LatestQuestion, 'tags' | 'after' | 'limit'>): LiveListener | null;
}
interface LiveListener {
  /** Resolves once there is news, or after so many milliseconds to none; to null once it is closed. */
  take(patience: number): Promise<{
    /** Points that were left out. */
    readonly lost: number;
    /** As ISO 8601: late points that were stored since then may be missing. */
    readonly unseen: string | null;
    /** Points that came late among others of their series, which they cannot be told from. */
    readonly late: readonly {
      readonly deviceId: string;
      readonly metricName: string;
      /** Microseconds since 1970, both included. */
      readonly first: number;
      readonly last: number;
      readonly count: number;
    }[];
    readonly points: readonly {
      readonly deviceId: string;
      readonly metricName: string;
      readonly value: number | string;
      /** Microseconds since 1970. */
      readonly timestamp: number;
    }[];
  } | null>;
  close(): void;
}

/** Names of devices that it does not know are a `device_unknown`, metrics of texts a `usage`. */
interface AnomalyPorts {
  /** Rejects with the reason of `signal` where it aborts. */
  find(
    question: AnomalyQuestion,
    signal: AbortSignal,
  ): Promise<{
    readonly baseline: Static<typeof AnomaliesSchema>['baseline'];
    readonly anomalies: readonly {
      readonly timestamp: string;
      readonly value: number;
      readonly mean: number;
      readonly stddev: number;
      readonly z_score: number;
    }[];
  }>;
}

/** A question that was answered. */
interface Answered {
  /** What was asked: metrics_raw, latest and the like. */
  readonly type: string;
  readonly durationMs: number;
  /** Rows of the answer. */
  readonly count: number;
}

/** What the endpoints show; whoever composes the daemon hands it in. */
export interface HttpPorts {
  ready(): Readiness;
  metricsText(): Promise<{ readonly body: string; readonly contentType: string }>;
  ingestStats(wanted: AccountWanted): Promise<IngestStats & AccountShown>;
  /** With at most so many runs of each job. */
  jobs(history: number): Promise<JobsAnswer>;
  readonly chunks: ChunkPorts;
  readonly deadLetters: LetterPorts;
  readonly devices: DevicePorts;
  readonly metrics: MetricPorts;
  readonly statistics: StatisticsPorts;
  /** Nothing is published or stored. Of a Sparkplug topic rejects with a TidegateError where the database is away. */
  explain(topic: string, payload: Uint8Array): Promise<Explained>;
  readonly latest: LatestPorts;
  readonly live: LivePorts;
  readonly anomalies: AnomalyPorts;
  /** Takes note of it, and lets nobody wait. */
  logQuery(answered: Answered): void;
  /** Runs a job to its end. `asker`: who orders, and from where. */
  runJob(name: string, asker: string): Promise<JobRunAnswer | 'unknown' | 'running'>;
}
