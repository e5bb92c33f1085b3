/** Units that messages say apart from the values: of the series whose points come later. */

import type { SeriesMeta } from '../pipeline/types.ts';
import { isLabel } from './series-notes.ts';

/** Strangers' endless names must not fill the memory (about 20 MB). */
const MOST = 50_000;

export class SeriesUnits {
  readonly #ofDevice = new Map<string, Map<string, SeriesMeta>>();
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** False where the unit is no label. `noted`: what the route says of the series beside it. */
  set(deviceId: string, metricName: string, unit: string, noted: SeriesMeta | null): boolean {
    if (!isLabel(unit)) return false;
    let metrics = this.#ofDevice.get(deviceId);
    const known = metrics?.get(metricName);
    const meta = { ...noted, unit };
    // The same object for as long as nothing changes, as `PointWriter.describe` wants it.
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(meta)) return true;
    if (known === undefined && ++this.#count > MOST) {
      this.#ofDevice.clear();
      this.#count = 1;
      metrics = undefined;
    }
    if (metrics === undefined) this.#ofDevice.set(deviceId, (metrics = new Map()));
    metrics.set(metricName, meta);
    return true;
  }

  /** Null where nobody said one. */
  of(deviceId: string, metricName: string): SeriesMeta | null {
    if (this.#count === 0) return null;
    return this.#ofDevice.get(deviceId)?.get(metricName) ?? null;
  }
}
