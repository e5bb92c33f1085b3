/** What a drill found, and whether it is what we promise. */
export interface Certificate {
  readonly tidegate: string;
  /** As the server names itself. */
  readonly postgresql: string;
  readonly engine: string;
  /** Without the password. */
  readonly broker: string;
  /** ISO 8601. */
  readonly started_at: string;
  readonly seconds: number;
  /** Repeats the moments of the faults. */
  readonly seed: number;
  readonly published: number;
  readonly published_with_time: number;
  /** By the broker, to the publisher. */
  readonly acknowledged: number;
  /** Messages whose value is there, at the right time where they had one. */
  readonly stored: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Kept as dead letters; none of the stream should be. */
  readonly dead_letters: number;
  readonly kills: number;
  readonly database_restarts: number;
  /** Seconds from a fault to the first commit after it; null where there was no fault. */
  readonly longest_recovery_seconds: number | null;
}

export function passes(certificate: Certificate): boolean {
  const { published, acknowledged, lost, duplicates, dead_letters: deadLetters } = certificate;
  return published > 0 && acknowledged === published && lost + duplicates + deadLetters === 0;
}

/** What is lost before we see it; by far the most frequent cause. */
const HINT = `  While the daemon is down the broker keeps its messages only within limits of its own; what it drops nobody can store.
  mosquitto keeps 1,000 by default (max_queued_messages), and its log says "Outgoing messages are being dropped".`;

/** For people. */
export function describeCertificate(certificate: Certificate): string {
  const untimed = certificate.published - certificate.published_with_time;
  const recovery = certificate.longest_recovery_seconds;
  const rows: [string, string, string?][] = [
    [
      'published',
      number(certificate.published),
      `${number(certificate.published_with_time)} with a time of their own, ${number(untimed)} without`,
    ],
    ['acknowledged', number(certificate.acknowledged), 'by the broker'],
    ['stored', number(certificate.stored)],
    ['lost', number(certificate.lost)],
    ['duplicates', number(certificate.duplicates)],
    ['dead letters', number(certificate.dead_letters)],
    ['daemon killed', number(certificate.kills), 'times, by SIGKILL'],
    ['database restarted', number(certificate.database_restarts), 'times'],
    [
      'longest recovery',
      recovery === null ? '-' : `${recovery.toFixed(2)} s`,
      'from the fault to the first commit after it',
    ],
  ];
  const width = Math.max(...rows.map(([, value]) => value.length));
  const lines = rows.map(([name, value, note = '']) =>
    `  ${name.padEnd(18)}  ${value.padStart(width)}  ${note}`.trimEnd(),
  );
  const { tidegate, postgresql, engine, broker, started_at: at, seconds, seed } = certificate;
  return [
    passes(certificate) ? 'PASSED: nothing lost, nothing twice' : 'FAILED',
    `  Tidegate ${tidegate}, ${postgresql} (engine ${engine}), ${broker}`,
    `  ${at}, ${seconds.toFixed(0)} s, seed ${seed}`,
    ...lines,
    ...(certificate.lost > 0 ? [HINT] : []),
  ].join('\n');
}

function number(count: number): string {
  return count.toLocaleString('en');
}
