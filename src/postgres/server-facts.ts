import type { Client } from 'pg';
import { type SchemaNames, withNames } from './names.ts';

/** One setting as sessions of this role begin with it. */
export interface ServerSetting {
  /** As the server prints it: `128MB`. */
  readonly shown: string;
  /** Bytes, milliseconds or a plain number; NaN for words. */
  readonly amount: number;
  /** The words that this server takes; null where it is no choice. */
  readonly choices: readonly string[] | null;
  readonly needsRestart: boolean;
}

/** One of Tidegate's tables or partitions that are written to. */
export interface TableFacts {
  /** With its schema, quoted where it has to be. */
  readonly name: string;
  readonly live: number;
  readonly dead: number;
  /** Rows changed since its statistics were taken. */
  readonly unanalyzed: number;
  /** Whether the table itself forbids it. */
  readonly vacuumOff: boolean;
}

export interface ServerFacts {
  /** server_version_num: 180004. */
  readonly version: number;
  readonly settings: ReadonlyMap<string, ServerSetting>;
  readonly databaseBytes: number;
  /** Whether it was built with JIT. */
  readonly hasJit: boolean;
  /** Bytes of WAL a second since the server's statistics began; of less than an hour as if it had been one. */
  readonly walRate: number;
  /** Why checkpoints began since then. */
  readonly checkpoints: { readonly timed: number; readonly requested: number };
  /** Age in seconds of what keeps vacuum from removing dead rows: the oldest transaction. */
  readonly oldestTransaction: number;
  /** Those with most dead rows first. */
  readonly tables: readonly TableFacts[];
  /** Milliseconds that its clock is ahead of ours, to half of what the quickest answer took. */
  readonly clockAhead: number;
  /** Of the process that serves us. */
  readonly backendPid: number;
  /** Null where the role may not see it. */
  readonly dataDirectory: string | null;
}

/** What came in of late, from the minutes that the journal keeps. */
export interface IngestFacts {
  /** Seconds that the sums cover, a day at most. */
  readonly seconds: number;
  readonly points: number;
  readonly messages: number;
  /** The most of one minute, a second. */
  readonly peakPoints: number;
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 2 ** 10,
  '8kB': 2 ** 13,
  MB: 2 ** 20,
  ms: 1,
  s: 1_000,
  min: 60_000,
};

const CLOCK_QUESTIONS = 3;

/** `reset_val`: what the session began with, before Tidegate set its own. */
const SETTINGS = `SELECT name, reset_val AS value, unit, vartype, enumvals, context FROM pg_settings`;

const TABLES = `SELECT format('%I.%I', s.schemaname, s.relname) AS name, n_live_tup AS live, n_dead_tup AS dead, n_mod_since_analyze AS unanalyzed,
    coalesce(c.reloptions && ARRAY['autovacuum_enabled=false', 'autovacuum_enabled=off'], false) AS vacuum_off
  FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
  WHERE s.schemaname = $1 OR EXISTS (
    SELECT FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace n ON n.oid = p.relnamespace
    WHERE i.inhrelid = s.relid AND n.nspname = $1)
  ORDER BY n_dead_tup DESC, s.relname`;

const SERVER = `SELECT current_setting('server_version_num')::int AS version, pg_backend_pid() AS pid,
    pg_database_size(current_database())::float8 AS bytes, pg_jit_available()::int AS jit,
    (SELECT wal_bytes::float8 / greatest(3600, extract(epoch FROM now() - coalesce(stats_reset, pg_postmaster_start_time())))::float8
      FROM pg_stat_wal) AS wal_rate,
    (SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float8 FROM pg_stat_activity
      WHERE backend_xmin IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid()) AS oldest`;

export async function readServer(client: Client, { internal }: SchemaNames): Promise<ServerFacts> {
  const { rows } =
    await client.query<Record<'version' | 'pid' | 'bytes' | 'jit' | 'wal_rate' | 'oldest', number>>(SERVER);
  const [server] = rows;
  if (server === undefined) throw new Error('no answer about the server');
  const settings = await client.query<SettingRow>(SETTINGS);
  const tables = await client.query<TableRow>(TABLES, [internal]);
  // PostgreSQL 17 moved them.
  const { rows: checkpoints } = await client.query<{ timed: string; requested: string }>(
    server.version >= 170_000
      ? 'SELECT num_timed AS timed, num_requested AS requested FROM pg_stat_checkpointer'
      : 'SELECT checkpoints_timed AS timed, checkpoints_req AS requested FROM pg_stat_bgwriter',
  );
  return {
    version: server.version,
    settings: new Map(settings.rows.map((row) => [row.name, settingFrom(row)])),
    databaseBytes: server.bytes,
    hasJit: server.jit === 1,
    walRate: server.wal_rate,
    checkpoints: { timed: Number(checkpoints[0]?.timed), requested: Number(checkpoints[0]?.requested) },
    oldestTransaction: server.oldest,
    tables: tables.rows.map((row) => ({
      name: row.name,
      live: Number(row.live),
      dead: Number(row.dead),
      unanalyzed: Number(row.unanalyzed),
      vacuumOff: row.vacuum_off,
    })),
    clockAhead: await clockAhead(client),
    backendPid: server.pid,
    dataDirectory: settings.rows.find(({ name }) => name === 'data_directory')?.value ?? null,
  };
}

/** Null where nothing was stored within the last day. */
export async function readIngest(client: Client, names: SchemaNames): Promise<IngestFacts | null> {
  const { rows } = await client.query<Record<'seconds' | 'points' | 'messages' | 'peak', number | null>>(
    withNames(
      `SELECT extract(epoch FROM now() - min(minute))::float8 AS seconds, sum(points)::float8 AS points,
         sum(messages)::float8 AS messages, max(points)::float8 / 60 AS peak
       FROM (
         SELECT minute, sum(points_stored) AS points,
           sum(messages_settled + messages_ignored + messages_dead_lettered + messages_dropped) AS messages
         FROM :"internal".ingest_minutes WHERE minute > now() - interval '1 day' GROUP BY minute
       ) m`,
      names,
    ),
  );
  const { seconds, points, messages, peak } = rows[0] ?? {};
  if (!seconds || !points) return null;
  return { seconds, points, messages: messages ?? 0, peakPoints: peak ?? 0 };
}

interface SettingRow {
  readonly name: string;
  readonly value: string | null;
  readonly unit: string | null;
  readonly vartype: string;
  readonly enumvals: readonly string[] | null;
  readonly context: string;
}

interface TableRow extends Record<'name' | 'live' | 'dead' | 'unanalyzed', string> {
  readonly vacuum_off: boolean;
}

function settingFrom({ value, unit, vartype, enumvals, context }: SettingRow): ServerSetting {
  const numeric = vartype === 'integer' || vartype === 'real';
  const amount = numeric ? Number(value) * (UNITS[unit ?? ''] ?? 1) : Number.NaN;
  const shown = numeric && amount > 0 ? withUnit(amount, unit) : (value ?? '');
  return { shown, amount, choices: enumvals, needsRestart: context === 'postmaster' };
}

/** In the largest unit that needs no fraction, as SHOW does it. */
function withUnit(amount: number, unit: string | null): string {
  if (unit === null) return String(amount);
  const units = unit.endsWith('B') ? SIZES : TIMES;
  const [name, size] = units.find(([, each]) => amount % each === 0) ?? ['', 1];
  return `${amount / size}${name}`;
}

const SIZES: readonly (readonly [string, number])[] = [
  ['TB', 2 ** 40],
  ['GB', 2 ** 30],
  ['MB', 2 ** 20],
  ['kB', 2 ** 10],
  ['B', 1],
];
const TIMES: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** Asked several times: the quickest answer is the most exact. */
async function clockAhead(client: Client): Promise<number> {
  let [ahead, least] = [0, Number.POSITIVE_INFINITY];
  for (let time = 0; time < CLOCK_QUESTIONS; time++) {
    const [now, begin] = [Date.now(), performance.now()];
    const { rows } = await client.query<{ now: number }>(
      'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now',
    );
    const took = performance.now() - begin;
    if (took < least) [ahead, least] = [Number(rows[0]?.now) - now - took / 2, took];
  }
  return ahead;
}
