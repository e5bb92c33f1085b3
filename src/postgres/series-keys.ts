import { hash, randomBytes } from 'node:crypto';
import { BoundedMap } from '../bounded-map.ts';
import type { Series } from '../pipeline/types.ts';

/** 64 bits that stand for names, in two halves. */
export interface SeriesKey {
  readonly low: number;
  readonly high: number;
}

/** Names of metrics whose bits are remembered, some 150 bytes each. */
const METRICS = 1_000;

/**
 * Keys of series: the first 64 bits of the SHA-256 of a secret and the name of the device, XOR those of the metric. So two series meet no more
 * often than if both names were hashed as one, and hardly a name has to be: a device's metrics follow one another, and come again
 * with the next device.
 */
export class SeriesKeys {
  readonly #secret = randomBytes(16).toString('latin1');
  readonly #numbers = new BoundedMap<string, SeriesKey>(METRICS);
  readonly #texts = new BoundedMap<string, SeriesKey>(METRICS);
  #deviceId = '';
  #device = this.#bits('d', '');
  readonly #key = { low: 0, high: 0 };

  /** To be looked at before it is asked for the next one. */
  of({ deviceId, metricName, text }: Series): SeriesKey {
    if (deviceId !== this.#deviceId) {
      this.#deviceId = deviceId;
      this.#device = this.#bits('d', deviceId);
    }
    const metric = this.#metric(metricName, text);
    this.#key.low = this.#device.low ^ metric.low;
    this.#key.high = this.#device.high ^ metric.high;
    return this.#key;
  }

  #metric(name: string, text: boolean): SeriesKey {
    const known = text ? this.#texts : this.#numbers;
    let bits = known.get(name);
    if (bits === undefined) known.set(name, (bits = this.#bits(text ? 't' : 'n', name)));
    return bits;
  }

  /** `of`: names of one kind mean nothing beside those of another. */
  #bits(of: 'd' | 'n' | 't', name: string): SeriesKey {
    // A text of bytes, as a buffer would be four objects.
    const digest = hash('sha256', `${this.#secret}${of}${name}`, 'binary');
    return { low: word(digest, 0), high: word(digest, 4) };
  }
}

/** The 32 bits from that byte on. */
function word(bytes: string, at: number): number {
  let bits = 0;
  for (let byte = at; byte < at + 4; byte++) bits = (bits << 8) | bytes.charCodeAt(byte);
  return bits;
}
