import { count, settingSize, size } from './amounts.ts';
import type { ServerInput, SettingRule } from './server-workload.ts';

const GIB = 2 ** 30;
/** Bytes of WAL that a stored point brings, its share of the key and of full pages included (docs/benchmarks.md). */
const WAL_PER_POINT = 200;
/** A checkpoint is begun when this part of max_wal_size is written: 1 / (1 + checkpoint_completion_target). */
const BEGUN_AT = 1 / 1.9;
/** Seconds between checkpoints that are worth having. */
const CHECKPOINT = 900;
/** WAL between two checkpoints that no disk minds. */
const LITTLE = 64 * 2 ** 20;
/** Of checkpoints that WAL asked for, so many are no accident. */
const SEVERAL = 10;

/** What makes writing safe, and what makes it cheap. */
export const WRITE_RULES: Readonly<Record<string, SettingRule>> = {
  fsync: ({ shown }) => ({
    level: shown === 'on' ? 'ok' : 'problem',
    should: 'on',
    why: 'Without it a crash of the machine can destroy the database, and with it what was acknowledged.',
    set: shown === 'on' ? null : 'on',
  }),
  full_page_writes: ({ shown }) => ({
    level: shown === 'on' ? 'ok' : 'problem',
    should: 'on',
    why: 'Without it a crash in the middle of a page destroys what the page held, unless the file system writes pages whole.',
    set: shown === 'on' ? null : 'on',
  }),
  synchronous_commit: () => ({
    level: 'ok',
    should: 'any',
    why: 'Tidegate sets it on in its own sessions: it acknowledges what is on disk. What else you write goes by this setting.',
    set: null,
  }),
  max_wal_size: ({ amount }, input) => {
    const { timed, requested } = input.facts.checkpoints;
    const rate = walRate(input);
    const wanted = walSize(input);
    const should = `${settingSize(wanted)} or more`;
    const why = `At ${size(rate)} of WAL a second ${minutes(CHECKPOINT)} between checkpoints need it; each checkpoint makes the pages behind it be logged whole once more.`;
    if (amount >= wanted) return { level: 'ok', should, why, set: null };
    const often = requested >= SEVERAL && requested > timed;
    return {
      level: often ? 'warning' : 'advice',
      should,
      why: often
        ? `${count(requested)} checkpoints came because WAL was full, ${count(timed)} in their time. ${why}`
        : why,
      set: settingSize(wanted),
    };
  },
  checkpoint_timeout: ({ amount }, input) => {
    const should = '15min to 1h';
    const why = 'A page that changes is logged whole once after each checkpoint: fewer of them write less.';
    const little = walRate(input) * (amount / 1_000) < LITTLE;
    if (amount < CHECKPOINT * 1_000 && !little) return { level: 'advice', should, why, set: '15min' };
    if (amount > 3_600_000) {
      return {
        level: 'advice',
        should,
        why: 'After a crash PostgreSQL writes all of it again before it answers.',
        set: '1h',
      };
    }
    return {
      level: 'ok',
      should: little ? 'any: little is written' : should,
      why,
      set: null,
    };
  },
  wal_compression: ({ shown, choices }) => {
    const wanted = choices?.includes('lz4') === true ? 'lz4' : 'on';
    const off = shown === 'off';
    return {
      level: off ? 'advice' : 'ok',
      should: wanted,
      why: 'Packs the pages that are logged whole after a checkpoint, most of them keys: less to write, to archive and to send to a standby, for little CPU.',
      set: off ? wanted : null,
    };
  },
};

/** Bytes a second: what was written, or what the busiest minute of the last day brought, if that is more. */
function walRate({ facts, peakPoints }: ServerInput): number {
  return Math.max(facts.walRate, peakPoints * WAL_PER_POINT);
}

/** A power of two of GB, within a tenth of the disk. */
function walSize(input: ServerInput): number {
  const seconds = Math.max(CHECKPOINT, (input.facts.settings.get('checkpoint_timeout')?.amount ?? 0) / 1_000);
  const needed = (walRate(input) * Math.min(seconds, 3_600)) / BEGUN_AT;
  const rounded = GIB * 2 ** Math.max(0, Math.ceil(Math.log2(needed / GIB)));
  const most = Math.max(GIB, Math.floor((input.disk ?? 640 * GIB) / 10 / GIB) * GIB);
  return Math.min(rounded, most);
}

function minutes(seconds: number): string {
  return `${seconds / 60} minutes`;
}
