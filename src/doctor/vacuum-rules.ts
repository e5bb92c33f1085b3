import type { TableFacts } from '../postgres/server-facts.ts';
import { count, duration } from './amounts.ts';
import type { Finding } from './finding.ts';
import { judged, type ServerInput, type SettingRule } from './server-workload.ts';

/** Dead rows of a table that autovacuum should have come for. */
const MANY_DEAD = 50_000;
const DEAD_SHARE = 0.2;
/** Rows that the planner does not know of. */
const MANY_UNKNOWN = 1_000_000;
/** Seconds of a transaction that vacuum should not have to wait for. */
const LONG = 1_800;

const RULES: Readonly<Record<string, SettingRule>> = {
  autovacuum: ({ shown }) => ({
    level: shown === 'on' ? 'ok' : 'problem',
    should: 'on',
    why: 'Tables that are written to and deleted from all the time (the journal, the ledger, open partitions) grow without end otherwise.',
    set: shown === 'on' ? null : 'on',
  }),
  track_counts: ({ shown }) => ({
    level: shown === 'on' ? 'ok' : 'problem',
    should: 'on',
    why: 'Autovacuum goes by these counts and does nothing without them.',
    set: shown === 'on' ? null : 'on',
  }),
};

/** Whether autovacuum keeps up with what is written. */
export function vacuumFindings(input: ServerInput): Finding[] {
  return [
    ...judged(RULES, input),
    hotTables(input.facts.tables),
    oldestTransaction(input.facts.oldestTransaction),
  ];
}

function hotTables(tables: readonly TableFacts[]): Finding {
  const finding = {
    area: 'server',
    what: 'autovacuum on hot partitions',
    should: 'dead rows below a fifth, statistics taken',
  } as const;
  const off = tables.filter(({ vacuumOff }) => vacuumOff);
  if (off.length > 0) {
    return {
      ...finding,
      is: `turned off for ${off.map(({ name }) => name).join(', ')}`,
      why: 'Somebody turned it off for these tables; they grow, and questions read what is dead.',
      remedy: off.map(({ name }) => `ALTER TABLE ${name} RESET (autovacuum_enabled);`).join(' '),
      level: 'problem',
    };
  }
  const dead = tables.filter((table) => table.dead > MANY_DEAD && table.dead > DEAD_SHARE * table.live);
  const unknown = tables.filter(
    (table) => table.unanalyzed > MANY_UNKNOWN && table.unanalyzed > 0.5 * table.live,
  );
  const [behind] = dead.length > 0 ? dead : unknown;
  if (behind === undefined) {
    return {
      ...finding,
      is: `${tables.length} tables and partitions, all looked after`,
      why: 'A partition that is written to by key must have its dead rows taken away and its statistics taken.',
      remedy: null,
      level: 'ok',
    };
  }
  return {
    ...finding,
    is:
      dead.length > 0
        ? `${behind.name} has ${count(behind.dead)} dead rows to ${count(behind.live)}`
        : `${behind.name} has ${count(behind.unanalyzed)} rows that its statistics do not know`,
    why: 'Autovacuum does not keep up: it rests after so much work, and may do more at a time.',
    remedy: `ALTER SYSTEM SET autovacuum_vacuum_cost_limit = '2000'; ALTER SYSTEM SET autovacuum_naptime = '15s'; SELECT pg_reload_conf();`,
    level: 'warning',
  };
}

function oldestTransaction(seconds: number): Finding {
  const long = seconds > LONG;
  return {
    area: 'server',
    what: 'oldest transaction',
    is: seconds === 0 ? 'none' : duration(seconds),
    should: `shorter than ${duration(LONG)}`,
    why: 'No row that died after it began can be taken away, in any table.',
    remedy: long
      ? 'SELECT pid, usename, application_name, state, xact_start, query FROM pg_stat_activity WHERE backend_xmin IS NOT NULL ORDER BY xact_start; -- then pg_terminate_backend(pid)'
      : null,
    level: long ? 'warning' : 'ok',
  };
}
