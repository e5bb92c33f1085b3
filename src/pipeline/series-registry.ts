import { TextMap } from '../text-map.ts';
import { NOTHING_SAID } from './series-meta.ts';
import type { Series, SeriesKind } from './types.ts';

/** A device of so many times the bound has some to forget: looking for a few among many each time would cost more than they take. */
const BEYOND = 1.25;

/**
 * Interns series, so that a point costs a glance at what followed the last time, or two map look-ups, and no allocation. Two generations: new series turn the
 * younger into the older when it has grown to half of the bound, and what the older held is forgotten then; a device
 * in use moves to the younger with its series. Series in use stay up to the bound, and never are there twice as many.
 * Those that batches in hand have are not forgotten, so that for as long as anybody compares them a series is one object:
 * where they are more than the bound, they are it. A forgotten series is only looked up again, never lost.
 */
export class SeriesRegistry {
  readonly #least: number;
  #young = new TextMap<DeviceSeries>();
  #old = new TextMap<DeviceSeries>();
  #youngSize = 0;
  #oldSize = 0;
  /** Series that batches in hand have. */
  #held = 0;
  #latestId = '';
  #latest: DeviceSeries | null = null;
  /** Below it all places were given out; those of series that are forgotten are given out again. */
  #places = 0;
  readonly #free: number[] = [];

  constructor(bound: number) {
    this.#least = Math.max(2, bound);
  }

  /** Series in memory. */
  get size(): number {
    return this.#youngSize + this.#oldSize;
  }

  get #bound(): number {
    return Math.max(this.#least, this.#held);
  }

  /** A batch has it now, until `release`. */
  hold(series: Series): void {
    if (series.holds++ === 0) this.#held++;
  }

  /** Of a batch that nobody has in hand any more. */
  release(list: readonly Series[]): void {
    for (const series of list) if (--series.holds === 0) this.#held--;
  }

  /** The series' one object; a changed kind (a switch that becomes a number) is taken over. */
  intern(deviceId: string, metricName: string, kind: SeriesKind): Series {
    const device =
      this.#latest !== null && deviceId === this.#latestId ? this.#latest : this.#device(deviceId);
    const text = kind === 'text';
    const before = device.latest;
    const guess = before === null ? null : before.next;
    if (guess !== null && guess.metricName === metricName && guess.text === text) {
      if (guess.kind !== kind) guess.kind = kind;
      device.latest = guess;
      return guess;
    }
    const series = find(device, metricName, text) ?? this.#create(device, deviceId, metricName, kind);
    series.kind = kind;
    if (before !== null) before.next = series;
    device.latest = series;
    return series;
  }

  #create(device: DeviceSeries, deviceId: string, metricName: string, kind: SeriesKind): Series {
    const text = kind === 'text';
    const created: Series = {
      deviceId,
      metricName,
      text,
      place: this.#free.pop() ?? this.#places++,
      next: null,
      holds: 0,
      kind,
      route: null,
      id: undefined,
      storedKind: undefined,
      described: null,
      // As a number it would be an object, one for each series.
      describedAt: null,
      meta: NOTHING_SAID,
      storedMeta: undefined,
      latestText: undefined,
      mixed: false,
    };
    add(device, created);
    if (++this.#youngSize >= this.#bound / 2) this.#turn();
    return created;
  }

  #device(deviceId: string): DeviceSeries {
    const device = this.#inUse(deviceId);
    this.#latestId = deviceId;
    this.#latest = device;
    return device;
  }

  #inUse(deviceId: string): DeviceSeries {
    const young = this.#young.get(deviceId);
    if (young !== undefined) return young;
    const old = this.#old.get(deviceId);
    const device = old === undefined ? newDevice() : this.#leaveOld(deviceId, old);
    this.#young.set(deviceId, device);
    return device;
  }

  /** A device that alone goes beyond the bound starts anew: names without end must not stay for being in use. */
  #leaveOld(deviceId: string, device: DeviceSeries): DeviceSeries {
    const before = device.series.length;
    this.#old.delete(deviceId);
    this.#oldSize -= before;
    const size = before >= this.#bound * BEYOND ? this.#forget(device) : before;
    if (this.#youngSize + size > this.#bound) this.#turn();
    this.#youngSize += size;
    return device;
  }

  #turn(): void {
    const leaving = this.#old;
    // It is to move to the younger generation when it is used the next time.
    this.#latest = null;
    this.#old = this.#young;
    this.#oldSize = this.#youngSize;
    this.#young = new TextMap();
    this.#youngSize = 0;
    for (const [deviceId, device] of leaving) {
      const left = this.#forget(device);
      if (left === 0) continue;
      this.#old.set(deviceId, device);
      this.#oldSize += left;
    }
  }

  /** All of its series that no batch has; returns how many are left. */
  #forget(device: DeviceSeries): number {
    const { series } = device;
    device.series = [];
    device.maps = null;
    device.latest = null;
    for (const one of series) {
      // It may be one that is forgotten.
      one.next = null;
      if (one.holds > 0) add(device, one);
      else this.#free.push(one.place);
    }
    return device.series.length;
  }
}

/** Up to so many series of a device are looked through: a map of ten takes more than a third of what these take. */
const FEW = 16;

interface DeviceSeries {
  series: Series[];
  /** By their names; null while they are few. */
  maps: { readonly numbers: TextMap<Series>; readonly texts: TextMap<Series> } | null;
  /** Of which the latest point was. */
  latest: Series | null;
}

function newDevice(): DeviceSeries {
  return { series: [], maps: null, latest: null };
}

function find({ series, maps }: DeviceSeries, metricName: string, text: boolean): Series | undefined {
  if (maps !== null) return (text ? maps.texts : maps.numbers).get(metricName);
  return series.find((one) => one.metricName === metricName && one.text === text);
}

function add(device: DeviceSeries, one: Series): void {
  // An array that grows has room for 17 at once.
  if (device.series.length === 0) device.series = [one];
  else device.series.push(one);
  const { series } = device;
  if (device.maps === null) {
    if (series.length <= FEW) return;
    device.maps = { numbers: new TextMap(), texts: new TextMap() };
    for (const each of series)
      (each.text ? device.maps.texts : device.maps.numbers).set(each.metricName, each);
  } else (one.text ? device.maps.texts : device.maps.numbers).set(one.metricName, one);
}
