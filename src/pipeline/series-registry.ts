import type { Series, SeriesKind } from './types.ts';

/**
 * Interns series, so that a point costs two map look-ups and no allocation. Bounded: two generations, of which the
 * older is forgotten when the younger has grown to half of the bound; what is still in use moves to the younger.
 * A forgotten series is only looked up again, never lost: batches hold the objects themselves.
 */
export class SeriesRegistry {
  readonly #half: number;
  #young = new Map<string, DeviceSeries>();
  #old = new Map<string, DeviceSeries>();
  /** Series of the young generation, and of the old one when it turned. */
  #size = 0;
  #oldSize = 0;

  constructor(bound: number) {
    this.#half = Math.max(1, Math.ceil(bound / 2));
  }

  /** Series in memory, roughly: one that moved to the young generation counts in both. */
  get size(): number {
    return this.#size + this.#oldSize;
  }

  /** The series' one object; a changed kind (a switch that becomes a number) is taken over. */
  intern(deviceId: string, metricName: string, kind: SeriesKind): Series {
    const device = this.#device(deviceId);
    const known = kind === 'text' ? device.texts : device.numbers;
    const series = known.get(metricName);
    if (series !== undefined) {
      series.kind = kind;
      return series;
    }
    const text = kind === 'text';
    const created: Series = {
      deviceId,
      metricName,
      text,
      kind,
      id: undefined,
      storedKind: undefined,
      latestText: undefined,
    };
    known.set(metricName, created);
    if (++this.#size >= this.#half) this.#turn();
    return created;
  }

  #device(deviceId: string): DeviceSeries {
    const young = this.#young.get(deviceId);
    if (young !== undefined) return young;
    const old = this.#old.get(deviceId);
    const device = old ?? { numbers: new Map<string, Series>(), texts: new Map<string, Series>() };
    if (old !== undefined) {
      this.#old.delete(deviceId);
      this.#size += old.numbers.size + old.texts.size;
    }
    this.#young.set(deviceId, device);
    return device;
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#oldSize = this.#size;
    this.#size = 0;
  }
}

interface DeviceSeries {
  readonly numbers: Map<string, Series>;
  readonly texts: Map<string, Series>;
}
