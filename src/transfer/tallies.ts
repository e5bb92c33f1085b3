import type { Batch, Series } from '../pipeline/types.ts';
import { addTally, type SeriesTally, SUMMED } from '../postgres/import-check.ts';

/** What a source has of each series, added up batch by batch. */
export class Tallies {
  readonly #byDevice = new Map<string, Map<string, SeriesTally>>();
  #series = 0;

  get series(): number {
    return this.#series;
  }

  /** Microseconds since 1970; null where there is no point. */
  get range(): { readonly first: number; readonly last: number } | null {
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (const tally of this.all()) {
      first = Math.min(first, tally.first);
      last = Math.max(last, tally.last);
    }
    return first > last ? null : { first, last };
  }

  *all(): Generator<SeriesTally> {
    for (const its of this.#byDevice.values()) yield* its.values();
  }

  add({ series, points, texts }: Batch): void {
    const its = series.map(() => emptyTally());
    for (let row = 0; row < points.length; row++) {
      const tally = its[points.seriesIndex[row] as number] as Tally;
      const value = points.value[row] as number;
      count(tally, points.timestamp[row] as number);
      if (!(Math.abs(value) < SUMMED)) continue;
      tally.sum += value;
      tally.absolute += Math.abs(value);
    }
    for (const [row, index] of texts.seriesIndex.entries())
      count(its[index] as Tally, texts.timestamp[row] as number);
    for (const [index, tally] of its.entries())
      if (tally.count > 0) addTally(this.#of(series[index] as Series), tally);
  }

  #of({ deviceId, metricName, text }: Series): SeriesTally {
    let device = this.#byDevice.get(deviceId);
    if (device === undefined) this.#byDevice.set(deviceId, (device = new Map<string, SeriesTally>()));
    // A number and a text of one name are two series.
    const key = text ? `\0${metricName}` : metricName;
    let tally = device.get(key);
    if (tally === undefined) {
      device.set(key, (tally = { deviceId, metricName, text, ...emptyTally() }));
      this.#series++;
    }
    return tally;
  }
}

type Tally = Omit<SeriesTally, 'deviceId' | 'metricName' | 'text'>;

function emptyTally(): Tally {
  return { count: 0, sum: 0, absolute: 0, first: Number.POSITIVE_INFINITY, last: Number.NEGATIVE_INFINITY };
}

function count(tally: Tally, time: number): void {
  tally.count++;
  if (time < tally.first) tally.first = time;
  if (time > tally.last) tally.last = time;
}
