import { TidegateError } from '../errors.ts';
import { DeviceNames } from './device-names.ts';
import { type DevicePage, type DeviceSummary, findDevice, listDevices } from './device-series.ts';
import type { QueryPool } from './query-pool.ts';

/** Looks devices up. Rejects as QueryPool does. */
export class DeviceDirectory {
  readonly #pool: QueryPool;

  constructor(pool: QueryPool) {
    this.#pool = pool;
  }

  async list(page: DevicePage): Promise<DeviceSummary[]> {
    return await this.#pool.lend((client) => listDevices(client, this.#pool.names, page));
  }

  /** Throws `device_unknown`, with the name that it has now where that is known. */
  async find(device: string): Promise<DeviceSummary> {
    // PostgreSQL holds no such text.
    if (device.includes('\0')) throw unknown(device, null);
    return await this.#pool.lend(async (client) => {
      const found = await findDevice(client, this.#pool.names, device);
      if (found !== null) return found;
      throw unknown(device, await new DeviceNames(client, this.#pool.names).deviceOf(device));
    });
  }
}

function unknown(device: string, now: string | null): TidegateError {
  const hint = now === null ? '' : `; it is ${JSON.stringify(now)} now`;
  return new TidegateError('device_unknown', `there is no device ${JSON.stringify(device)}${hint}`);
}
