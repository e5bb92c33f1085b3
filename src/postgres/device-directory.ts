import { type DevicePage, type DeviceSummary, findDevice, listDevices } from './device-series.ts';
import type { QueryPool } from './query-pool.ts';
import { noSuchDevice, unknownDevice, type Visible } from './unknown-device.ts';

/** Looks devices up. Rejects as QueryPool does. */
export class DeviceDirectory {
  readonly #pool: QueryPool;

  constructor(pool: QueryPool) {
    this.#pool = pool;
  }

  async list(page: DevicePage): Promise<DeviceSummary[]> {
    return await this.#pool.lend((client) => listDevices(client, this.#pool.names, page));
  }

  /** Throws `device_unknown`, with the name that it has now where that is known and may be seen. */
  async find(device: string, visible: Visible): Promise<DeviceSummary> {
    // PostgreSQL holds no such text.
    if (device.includes('\0')) throw noSuchDevice(device);
    return await this.#pool.lend(async (client) => {
      const found = await findDevice(client, this.#pool.names, device, visible);
      if (found !== null) return found;
      throw await unknownDevice(client, this.#pool.names, device, visible);
    });
  }
}
