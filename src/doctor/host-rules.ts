import { count, size } from './amounts.ts';
import type { Finding } from './finding.ts';
import { daysUntilFull, type Growth } from './growth.ts';

export interface Disk {
  readonly path: string;
  readonly free: number;
  readonly total: number;
}

export interface HostInput {
  /** Bytes; `available` is null where the system does not say. */
  readonly memory: { readonly total: number; readonly available: number | null };
  /** Files that a process of ours may have open; null where that cannot be seen. */
  readonly openFiles: number | null;
  /** Null where nobody says. */
  readonly isClockSynchronised: boolean | null;
  /** Milliseconds that PostgreSQL's clock is ahead; null where it was not asked. */
  readonly databaseClock: number | null;
  /** Null where PostgreSQL is on another machine, or its disk cannot be seen. */
  readonly dataDisk: Disk | null;
  /** Null where nothing came in of late. */
  readonly growth: Growth | null;
  /** Null without a spool. `maxBytes`: spool.max_bytes. */
  readonly spool: (Disk & { readonly maxBytes: number }) | null;
  /** What the configuration lets the daemon hold in hand: ingest.queue.max_bytes. */
  readonly queueBytes: number;
}

const MIB = 2 ** 20;
/** Connections, segments and the log: a tenth of it is usual. */
const OPEN_FILES = 1_024;
/** Resident memory of the daemon besides what it holds in hand. */
const DAEMON = 192 * MIB;
/** Milliseconds that clocks may be apart. */
const APART = 1_000;
/** Days. */
const SOON = 30;
const NOW = 7;

export function hostFindings(input: HostInput): Finding[] {
  return [openFiles, memory, synchronised, clocks, dataDisk, spoolDisk].flatMap((rule) => rule(input) ?? []);
}

function openFiles({ openFiles: limit }: HostInput): Finding | null {
  if (limit === null) return null;
  const few = limit < OPEN_FILES;
  return {
    area: 'host',
    what: 'open files',
    is: Number.isFinite(limit) ? count(limit) : 'unlimited',
    should: `${count(OPEN_FILES)} or more`,
    why: 'Every connection and every file of the spool is one; this is the limit of the shell, a service has its own.',
    remedy: few ? `systemctl edit tidegate   # [Service] LimitNOFILE=65536` : null,
    level: few ? 'warning' : 'ok',
  };
}

function memory({ memory: { total, available }, queueBytes }: HostInput): Finding {
  const wanted = DAEMON + queueBytes;
  const tight = available !== null && available < wanted;
  return {
    area: 'host',
    what: 'memory',
    is: available === null ? size(total) : `${size(available)} available of ${size(total)}`,
    should: `${size(wanted)} for the daemon`,
    why: 'What is in hand is bounded by ingest.queue.max_bytes; the rest is Node.js and the code.',
    remedy: tight ? 'ingest: {queue: {max_bytes: 16MiB}}   # or free some memory' : null,
    level: tight ? 'warning' : 'ok',
  };
}

function synchronised({ isClockSynchronised: is }: HostInput): Finding | null {
  if (is === null) return null;
  return {
    area: 'host',
    what: 'clock',
    is: is ? 'synchronised' : 'not synchronised',
    should: 'synchronised',
    why: 'A message without a time of its own gets that of its arrival here.',
    remedy: is ? null : 'timedatectl set-ntp true   # or install chrony',
    level: is ? 'ok' : 'warning',
  };
}

function clocks({ databaseClock: ahead }: HostInput): Finding | null {
  if (ahead === null) return null;
  const apart = Math.abs(ahead) > APART;
  return {
    area: 'host',
    what: 'clock of PostgreSQL',
    is: apart
      ? `${(Math.abs(ahead) / 1_000).toFixed(1)} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine`
      : 'as this machine',
    should: `within ${APART / 1_000} s`,
    why: 'Retention, compression and `now()` in questions go by its clock, times of arrival by this one.',
    remedy: apart ? 'timedatectl set-ntp true   # on both machines' : null,
    level: apart ? 'warning' : 'ok',
  };
}

function dataDisk({ dataDisk: disk, growth }: HostInput): Finding | null {
  if (disk === null) return growth === null ? null : unseenDisk(growth);
  const days = growth === null ? null : daysUntilFull(disk.free, growth);
  const free = `${size(disk.free)} free of ${size(disk.total)}`;
  const full = disk.free < disk.total / 20 && disk.free < 10 * 2 ** 30;
  const level =
    days !== null && days < NOW ? 'problem' : full || (days !== null && days < SOON) ? 'warning' : 'ok';
  return {
    area: 'host',
    what: 'disk of the database',
    is: days === null ? free : `${free}; ${daysText(days)} at the rate of the last day`,
    should: `room for ${SOON} days or more`,
    why: growth === null ? 'Where nothing came in of late nothing can be foreseen.' : reckoning(growth),
    remedy:
      level === 'ok'
        ? null
        : 'policies: {compression: {after: "1 day"}, retention: {raw: 90d}}   # compress sooner, keep less, or give it a larger disk',
    level,
  };
}

/** Where the disk is another machine's: what it has to hold. */
function unseenDisk(growth: Growth): Finding {
  const { pointsPerDay, hotBytes, coldBytes } = growth;
  return {
    area: 'host',
    what: 'growth of the database',
    is: `${size(pointsPerDay * hotBytes)} a day, later ${size(pointsPerDay * coldBytes)}`,
    should: 'known to whoever looks after its disk',
    why: reckoning(growth),
    remedy: null,
    level: 'ok',
  };
}

function reckoning({ pointsPerDay, hotBytes, coldBytes, isMeasured }: Growth): string {
  const guessed = isMeasured ? '' : ' (usual sizes: there are too few points yet to measure)';
  return `${count(pointsPerDay)} points a day, at ${perPoint(hotBytes)} until they are compressed and ${perPoint(coldBytes)} after it, aggregates included${guessed}.`;
}

function spoolDisk({ spool }: HostInput): Finding | null {
  if (spool === null) return null;
  const small = spool.free < spool.maxBytes;
  return {
    area: 'host',
    what: 'disk of the spool',
    is: `${size(spool.free)} free at ${spool.path}`,
    should: `${size(spool.maxBytes)} (spool.max_bytes)`,
    why: 'While the database is away messages go there; on a full disk they are no longer taken.',
    remedy: small ? `spool: {max_bytes: ${Math.floor((spool.free * 0.8) / MIB)}MiB}` : null,
    level: small ? 'warning' : 'ok',
  };
}

function daysText(days: number): string {
  if (days > 3_650) return 'more than ten years until it is full';
  return `${days < 10 ? days.toFixed(1) : Math.floor(days)} days until it is full`;
}

function perPoint(bytes: number): string {
  return `${Number(bytes.toPrecision(3))} bytes`;
}
