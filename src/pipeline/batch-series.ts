import { mergedMeta, NOTHING_SAID } from './series-meta.ts';
import type { SeriesRegistry } from './series-registry.ts';
import type { Series, SeriesKind, SeriesMeta } from './types.ts';

const FIRST_PLACES = 1024;
/**
 * What a series takes that only this batch may hold, beside its name: its object, its place among those of its device, and the quarter that
 * V8 lets come to it before it collects. And what the device takes that it is the first one of.
 */
const SERIES_BYTES = 290;
const DEVICE_BYTES = 300;

/** The series of the open batch, in the order of their first points, and what its messages say of them. */
export class BatchSeries {
  readonly #registry: SeriesRegistry;
  #list: Series[] = [];
  /** By the series' place, and true where the list has the series there: nothing has to be cleared for a new batch. */
  #indexOf = new Int32Array(FIRST_PLACES);
  /** Up to there the list's series have their route: the decoder names it when a message is through. */
  #routed = 0;
  /** Of series that nobody knew before: a million of them may come at once. */
  #bytes = 0;
  #newDevice = '';
  #lastDevice = '';
  #lastMetric = '';
  #lastKind: SeriesKind | '' = '';
  #lastIndex = -1;
  #lastKnown = NOTHING_SAID;
  #lastSaid = NOTHING_SAID;
  #lastMerged = NOTHING_SAID;

  constructor(registry: SeriesRegistry) {
    this.#registry = registry;
  }

  /** The place of the series in the list; points of one series often follow one another. */
  place(deviceId: string, metricName: string, kind: SeriesKind): number {
    if (metricName === this.#lastMetric && kind === this.#lastKind && deviceId === this.#lastDevice) {
      // What drains beside us may have found it of another kind meanwhile.
      this.at(this.#lastIndex).kind = kind;
      return this.#lastIndex;
    }
    const series = this.#registry.intern(deviceId, metricName, kind);
    const index = this.#indexOfSeries(series);
    this.#lastDevice = deviceId;
    this.#lastMetric = metricName;
    this.#lastKind = kind;
    this.#lastIndex = index;
    return index;
  }

  #indexOfSeries(series: Series): number {
    const { place } = series;
    const list = this.#list;
    if (place >= this.#indexOf.length) this.#grow(place);
    const known = this.#indexOf[place] as number;
    if (known < list.length && list[known] === series) return known;
    this.#indexOf[place] = list.length;
    this.#registry.hold(series);
    if (series.id === undefined) this.#count(series);
    return list.push(series) - 1;
  }

  #count({ deviceId, metricName }: Series): void {
    this.#bytes += SERIES_BYTES + metricName.length;
    // Those of a device mostly follow one another.
    if (deviceId === this.#newDevice) return;
    this.#newDevice = deviceId;
    this.#bytes += DEVICE_BYTES + deviceId.length;
  }

  #grow(place: number): void {
    const larger = new Int32Array(Math.max(place + 1, this.#indexOf.length * 2));
    larger.set(this.#indexOf);
    this.#indexOf = larger;
  }

  /** In memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#list.length;
  }

  at(index: number): Series {
    return this.#list[index] as Series;
  }

  /** What a message that arrived then says of the latest point's series; microseconds since 1970. */
  describe(meta: SeriesMeta, receivedAt: number): void {
    if (this.#lastIndex === -1) return;
    const series = this.at(this.#lastIndex);
    if (series.described === meta) return;
    if (series.describedAt !== null && receivedAt < series.describedAt) {
      // Out of the spool: what came since is newer, but may not have said everything.
      series.meta = mergedMeta(series.meta, mergedMeta(meta, series.meta));
      return;
    }
    series.described = meta;
    series.describedAt = receivedAt;
    series.meta = this.#merged(series.meta, meta);
  }

  /** What is said of one series is often said of those that follow. */
  #merged(known: SeriesMeta, said: SeriesMeta): SeriesMeta {
    if (known !== this.#lastKnown || said !== this.#lastSaid) {
      this.#lastKnown = known;
      this.#lastSaid = said;
      this.#lastMerged = mergedMeta(known, said);
    }
    return this.#lastMerged;
  }

  /** What is described next is of no point. */
  forgetLast(): void {
    this.#lastKind = '';
    this.#lastIndex = -1;
  }

  /** The message is through, by that route. */
  setRoute(route: string | null): void {
    const list = this.#list;
    for (let index = this.#routed; index < list.length; index++) {
      const series = list[index] as Series;
      series.route ??= route;
    }
    this.#routed = list.length;
  }

  /** Of a batch that was sealed. */
  release(list: readonly Series[]): void {
    this.#registry.release(list);
  }

  /** Hands over the list, to be released when nobody has it in hand any more, and begins a new one. */
  take(): Series[] {
    const list = this.#list;
    this.#list = [];
    this.#routed = 0;
    this.#bytes = 0;
    this.#newDevice = '';
    this.forgetLast();
    return list;
  }
}
