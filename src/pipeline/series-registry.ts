import { TextMap } from '../text-map.ts';
import { NOTHING_SAID } from './series-meta.ts';
import type { Series, SeriesKind } from './types.ts';

/**
 * Interns series, so that a point costs a glance at what followed the last time, or two map look-ups, and no allocation. Two generations: new series turn the
 * younger into the older when it has grown to half of the bound, and what the older held is forgotten then; a device
 * in use moves to the younger with its series. Series in use stay up to the bound, and never are there twice as many.
 * A forgotten series is only looked up again, never lost: batches hold the objects themselves.
 */
export class SeriesRegistry {
  readonly #bound: number;
  #young = new TextMap<DeviceSeries>();
  #old = new TextMap<DeviceSeries>();
  #youngSize = 0;
  #oldSize = 0;
  #latestId = '';
  #latest: DeviceSeries | null = null;
  /** Below it all places were given out; those of series that are forgotten are given out again. */
  #places = 0;
  readonly #free: number[] = [];

  constructor(bound: number) {
    this.#bound = Math.max(2, bound);
  }

  /** Series in memory. */
  get size(): number {
    return this.#youngSize + this.#oldSize;
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
    const known = text ? device.texts : device.numbers;
    const series = known?.get(metricName) ?? this.#create(device, deviceId, metricName, kind);
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
      kind,
      route: null,
      id: undefined,
      storedKind: undefined,
      described: null,
      describedAt: Number.NEGATIVE_INFINITY,
      meta: NOTHING_SAID,
      storedMeta: undefined,
      latestText: undefined,
    };
    if (text) (device.texts ??= new TextMap()).set(metricName, created);
    else device.numbers.set(metricName, created);
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

  /** A device that alone fills the bound starts anew: names without end must not stay for being in use. */
  #leaveOld(deviceId: string, device: DeviceSeries): DeviceSeries {
    const size = device.numbers.size + (device.texts?.size ?? 0);
    this.#old.delete(deviceId);
    this.#oldSize -= size;
    if (size >= this.#bound) {
      this.#forget(device);
      return newDevice();
    }
    if (this.#youngSize + size > this.#bound) this.#turn();
    this.#youngSize += size;
    return device;
  }

  #turn(): void {
    for (const device of this.#old.values()) this.#forget(device);
    // It is to move to the younger generation when it is used the next time.
    this.#latest = null;
    this.#old = this.#young;
    this.#young = new TextMap();
    this.#oldSize = this.#youngSize;
    this.#youngSize = 0;
  }

  #forget({ numbers, texts }: DeviceSeries): void {
    for (const { place } of numbers.values()) this.#free.push(place);
    for (const { place } of texts?.values() ?? []) this.#free.push(place);
  }
}

interface DeviceSeries {
  readonly numbers: TextMap<Series>;
  /** Null: it sent none. */
  texts: TextMap<Series> | null;
  /** Of which the latest point was. */
  latest: Series | null;
}

function newDevice(): DeviceSeries {
  return { numbers: new TextMap(), texts: null, latest: null };
}
