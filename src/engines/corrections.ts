import type { Client } from 'pg';
import { TidegateError } from '../errors.ts';
import { corrected, looked, recordCorrection } from '../postgres/correction.ts';
import { countDeadLetters, deadLetterOrigins, removeDeadLetters } from '../postgres/dead-letter-removal.ts';
import { type DeviceMetric, metricsOf } from '../postgres/device-metrics.ts';
import { DeviceNames } from '../postgres/device-names.ts';
import {
  type DeviceSeries,
  type DeviceSummary,
  listDevices,
  seriesOf,
  type Tags,
} from '../postgres/device-series.ts';
import { moveDeviceRows } from '../postgres/device-rows.ts';
import { type SchemaNames, withNames } from '../postgres/names.ts';
import { countRows, markDirty, removeRows } from '../postgres/point-removal.ts';
import type { OnDuplicate } from '../postgres/rows.ts';
import { restateSeries } from '../postgres/series-statistics.ts';
import { mergeDescriptions } from './description-merge.ts';
import { countShared, mergeSeries } from './series-merge.ts';
import type { PointPlaces, Target } from './point-places.ts';

export interface CorrectionReport {
  readonly action: 'delete' | 'rename' | 'merge';
  readonly subject: Readonly<Record<string, string | null>>;
  /** Whether nothing was changed. */
  readonly dry_run: boolean;
  readonly counts: Readonly<Record<string, number>>;
}

export interface CorrectionContext {
  readonly names: SchemaNames;
  readonly places: PointPlaces;
  readonly onDuplicate: OnDuplicate;
  /** Who does it, for the audit. */
  readonly actor: string;
  /** Which device a message is of, by its route and topic; null where that does not tell. */
  readonly deviceOf: (route: string, topic: string) => string | null;
}

/** A device; or of it the metrics that match a glob; or of those the points of from <= time < to (ISO 8601, UTC). */
export interface Deletion {
  readonly device: string;
  readonly metric: string | null;
  readonly from: string | null;
  readonly to: string | null;
}

type Subject = CorrectionReport['subject'];
type Counts = CorrectionReport['counts'];

/**
 * Corrections by hand, on every engine: each goes through all that is kept of a device, in one transaction with its record
 * in the audit. A dry run counts the same in the state of one moment and changes nothing. What is spooled is
 * corrected on its way into the database: its series are resolved then, and what a deletion meant is left out.
 */
export class Corrections {
  readonly #client: Client;
  readonly #context: CorrectionContext;
  readonly #devices: DeviceNames;

  constructor(client: Client, context: CorrectionContext) {
    this.#client = client;
    this.#context = context;
    this.#devices = new DeviceNames(client, context.names);
  }

  async list(glob: string, tags: Tags | null = null): Promise<DeviceSummary[]> {
    const all = { match: glob, state: null, tags, after: null, limit: null, visible: null };
    return await listDevices(this.#client, this.#context.names, all);
  }

  /** Of each series what is known of it, and its latest point. Throws `device_unknown`. */
  async metrics(device: string): Promise<DeviceMetric[]> {
    await this.#seriesOf(device, '*');
    return await metricsOf(this.#client, this.#context.names, device);
  }

  /** Throws `device_unknown`. */
  async delete(deletion: Deletion, dryRun: boolean): Promise<CorrectionReport> {
    const { device, metric, from, to } = deletion;
    return await this.#correct('delete', { device, metric, from, to }, dryRun, async () => {
      const found = await this.#seriesOf(device, metric ?? '*');
      const target = {
        series: found.map(({ id }) => id),
        from: from ?? '-infinity',
        to: to ?? 'infinity',
        whole: from === null && to === null,
      };
      const counts = dryRun ? await this.#count(target) : await this.#remove(target);
      if (metric !== null || !target.whole) return counts;
      return { ...counts, ...(await this.#forget(device, dryRun)) };
    });
  }

  /** Throws `device_unknown`, `device_exists`. */
  async rename(device: string, name: string, dryRun: boolean): Promise<CorrectionReport> {
    return await this.#correct('rename', { device, name }, dryRun, async () => {
      const found = await this.#seriesOf(device, '*');
      await this.#demandFree(name, device);
      const aliases = (await this.#devices.count(device)) + 1;
      if (!dryRun) await this.#hand(device, name);
      return { series: found.length, aliases };
    });
  }

  /** Throws `device_unknown`, `usage`. */
  async merge(device: string, into: string, dryRun: boolean): Promise<CorrectionReport> {
    const { names } = this.#context;
    if (device === into) throw new TidegateError('usage', 'a device cannot be merged into itself');
    return await this.#correct('merge', { device, into }, dryRun, async () => {
      const found = await this.#seriesOf(device, '*');
      const there = await this.#seriesOf(into, '*');
      const aliases = (await this.#devices.count(device)) + 1;
      const pairs = found.flatMap((one) => {
        const other = there.find(({ metric, text }) => metric === one.metric && text === one.text);
        return other === undefined ? [] : [[one, other] as const];
      });
      const units = await mergeDescriptions(this.#client, names, pairs, dryRun);
      let points = 0;
      let dropped = 0;
      for (const [one, other] of pairs) {
        const counts = await this.#mergeSeries(one, other, dryRun);
        points += counts.points;
        dropped += counts.dropped;
      }
      if (!dryRun) await this.#hand(device, into);
      return {
        series: found.length,
        merged_series: pairs.length,
        points,
        dropped,
        ...(units > 0 && { units }),
        aliases,
      };
    });
  }

  async #correct(
    action: CorrectionReport['action'],
    subject: Subject,
    dryRun: boolean,
    work: () => Promise<Counts>,
  ): Promise<CorrectionReport> {
    const { names, places, actor } = this.#context;
    if (dryRun) {
      return { action, subject, dry_run: true, counts: await looked(this.#client, work) };
    }
    return await corrected(this.#client, names, async () => {
      await places.prepare(this.#client);
      const counts = await work();
      await recordCorrection(this.#client, names, { actor, action, subject, counts });
      return { action, subject, dry_run: false, counts };
    });
  }

  async #seriesOf(device: string, metrics: string): Promise<DeviceSeries[]> {
    const found = await seriesOf(this.#client, this.#context.names, device, metrics);
    if (found.length > 0) return found;
    const other = await this.#devices.deviceOf(device);
    const what = metrics === '*' ? '' : ` with a metric ${JSON.stringify(metrics)}`;
    const hint = other === null ? '' : `; it is ${JSON.stringify(other)} now`;
    throw new TidegateError('device_unknown', `${JSON.stringify(device)}${what}${hint}`);
  }

  /** A former name of the device itself may be taken again. */
  async #demandFree(name: string, device: string): Promise<void> {
    const { names } = this.#context;
    const leadsTo = await this.#devices.deviceOf(name);
    if ((await seriesOf(this.#client, names, name)).length > 0) {
      throw new TidegateError('device_exists', JSON.stringify(name));
    }
    if (leadsTo !== null && leadsTo !== device) {
      throw new TidegateError(
        'device_exists',
        `${JSON.stringify(name)} is a former name of ${JSON.stringify(leadsTo)}`,
      );
    }
  }

  async #count(target: Target): Promise<Counts> {
    const { names, places } = this.#context;
    const rows = await countRows(this.#client, names, target);
    const compressed = await places.countCompressed(this.#client, target);
    const { buckets, frozen } = await places.countBuckets(this.#client, target);
    return deletionCounts(target, rows, compressed, buckets, frozen);
  }

  async #remove(target: Target): Promise<Counts> {
    const { names, places } = this.#context;
    const { frozen } = await places.countBuckets(this.#client, target);
    if (!target.whole) await markDirty(this.#client, names, target);
    const rows = await removeRows(this.#client, names, target);
    const compressed = await places.removeCompressed(this.#client, target);
    const buckets = target.whole ? await places.removeBuckets(this.#client, target.series) : 0;
    await restateSeries(this.#client, names, target.series, places.compressedSummary);
    if (target.whole) await this.#dropSeries(target.series);
    return deletionCounts(target, rows, compressed, buckets, frozen);
  }

  /** What is left of a device whose series are gone. */
  async #forget(device: string, dryRun: boolean): Promise<Counts> {
    const { names, deviceOf } = this.#context;
    const origins = await deadLetterOrigins(this.#client, names);
    const its = origins.filter(({ route, topic }) => deviceOf(route, topic) === device);
    if (!dryRun) {
      await moveDeviceRows(this.#client, names, device, null);
    }
    return dryRun
      ? {
          dead_letters: await countDeadLetters(this.#client, names, its),
          aliases: await this.#devices.count(device),
        }
      : {
          dead_letters: await removeDeadLetters(this.#client, names, its),
          aliases: await this.#devices.end(device),
        };
  }

  async #mergeSeries(
    one: DeviceSeries,
    other: DeviceSeries,
    dryRun: boolean,
  ): Promise<{ points: number; dropped: number }> {
    const { names, places, onDuplicate } = this.#context;
    const target = { series: [one.id], from: '-infinity', to: 'infinity', whole: true };
    const { points, late, texts } = await countRows(this.#client, names, target);
    const total = points + late + texts + (await places.countCompressed(this.#client, target));
    if (dryRun) {
      const dropped = await countShared(this.#client, names, one, other);
      return { points: total - dropped, dropped };
    }
    await markDirty(this.#client, names, target, other.id);
    const dropped = await mergeSeries(this.#client, names, places, { from: one, into: other, onDuplicate });
    await places.moveBuckets(this.#client, one.id, other.id);
    await restateSeries(this.#client, names, [one.id, other.id], places.compressedSummary);
    await this.#dropSeries([one.id]);
    return { points: total - dropped, dropped };
  }

  /** The series that a device still has, its names, and what will be written under them. */
  async #hand(device: string, to: string): Promise<void> {
    await this.#client.query(
      withNames(
        'UPDATE :"internal".series SET device_id = $2, policy_version = NULL WHERE device_id = $1',
        this.#context.names,
      ),
      [device, to],
    );
    await moveDeviceRows(this.#client, this.#context.names, device, to);
    await this.#devices.follow(device, to);
  }

  async #dropSeries(series: readonly number[]): Promise<void> {
    await this.#client.query(
      withNames('DELETE FROM :"internal".series WHERE series_id = ANY ($1)', this.#context.names),
      [series],
    );
  }
}

function deletionCounts(
  { series }: Target,
  rows: { readonly points: number; readonly late: number; readonly texts: number },
  compressed: number,
  buckets: number,
  frozen: number,
): Counts {
  return {
    series: series.length,
    points: rows.points + rows.late + compressed,
    late_points: rows.late,
    compressed_points: compressed,
    texts: rows.texts,
    buckets,
    frozen_buckets: frozen,
  };
}
