import type { CorrectionReport } from '../engines/corrections.ts';
import type { DeviceMetric } from '../postgres/device-metrics.ts';
import type { DeviceSummary } from '../postgres/device-series.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

export function describeDevices(devices: readonly DeviceSummary[]): string {
  return table(
    ['device', 'name', 'series', 'points', 'first', 'last', 'state', 'every', 'clock skew'],
    devices.map(({ device_id, device_name, series, points, first_seen, last_seen, ...watched }) => [
      device_id,
      device_name,
      String(series),
      String(points),
      first_seen,
      last_seen,
      watched.state,
      seconds(watched.expected_interval),
      seconds(watched.clock_skew),
    ]),
  );
}

export function describeMetrics(metrics: readonly DeviceMetric[]): string {
  return table(
    ['metric', 'kind', 'unit', 'tags', 'points', 'latest', 'time'],
    metrics.map(({ metric_name, kind, unit, tags, points, value, timestamp }) => [
      metric_name,
      kind,
      unit,
      Object.entries(tags)
        .map(([key, tag]) => `${key}:${tag}`)
        .join(' '),
      String(points),
      kind === 'text' && value !== null ? JSON.stringify(value) : value === null ? null : String(value),
      timestamp,
    ]),
  );
}

function seconds(duration: number | null): string | null {
  return duration === null ? null : `${Number(duration.toPrecision(3))} s`;
}

const PAST = { delete: 'Deleted', rename: 'Renamed', merge: 'Merged' };
const FUTURE = { delete: 'Would delete', rename: 'Would rename', merge: 'Would merge' };

/** What each count says, in the order in which it is said. */
const WORDS: Readonly<Record<string, string>> = {
  series: 'series',
  merged_series: 'series that both have',
  points: 'points',
  late_points: 'of them late',
  compressed_points: 'of them compressed',
  texts: 'texts',
  dropped: 'dropped, because both have their time',
  units: 'series whose units differ: that of the device that stays is kept',
  buckets: 'rows of aggregates',
  frozen_buckets: 'rows of aggregates stay: retention deleted their points',
  dead_letters: 'dead letters',
  aliases: 'former names',
};

/** One line that says what was done, or would be, and one for each count that is not 0. */
export function describeCorrection({ action, subject, dry_run, counts }: CorrectionReport): string {
  const { device, metric, from, to, name, into } = subject;
  const what = [
    printable(device ?? ''),
    ...(metric ? [`metric ${printable(metric)}`] : []),
    ...(from ? [`from ${from}`] : []),
    ...(to ? [`to ${to}`] : []),
    ...(name ? [`to ${printable(name)}`] : []),
    ...(into ? [`into ${printable(into)}`] : []),
  ].join(' ');
  const lines = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([key, count]) => `${count.toLocaleString('en-US').padStart(15)} ${WORDS[key] ?? key}`);
  return [`${(dry_run ? FUTURE : PAST)[action]} ${what}:`, ...lines].join('\n');
}
