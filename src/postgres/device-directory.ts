import { TidegateError } from '../errors.ts';
import { DeviceNames } from './device-names.ts';
import { type DevicePage, type DeviceSummary, findDevice, listDevices } from './device-series.ts';
import { type SchemaNames, schemaNames } from './names.ts';
import type { DatabaseUrl } from './connection.ts';
import { withConnection } from './session.ts';

export interface DirectoryOptions {
  readonly url: DatabaseUrl;
  readonly schema: string;
  /** Milliseconds. */
  readonly statementTimeout: number;
}

/** Looks devices up, over a connection for each question. Rejects with a TidegateError where the database is away. */
export class DeviceDirectory {
  readonly #options: DirectoryOptions;
  readonly #names: SchemaNames;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#names = schemaNames(options.schema);
  }

  async list(page: DevicePage): Promise<DeviceSummary[]> {
    return await withConnection(this.#connection, (client) => listDevices(client, this.#names, page));
  }

  /** Throws `device_unknown`, with the name that it has now where that is known. */
  async find(device: string): Promise<DeviceSummary> {
    // PostgreSQL holds no such text.
    if (device.includes('\0')) throw unknown(device, null);
    return await withConnection(this.#connection, async (client) => {
      const found = await findDevice(client, this.#names, device);
      if (found !== null) return found;
      throw unknown(device, await new DeviceNames(client, this.#names).deviceOf(device));
    });
  }

  get #connection() {
    const { url, statementTimeout } = this.#options;
    return { url, statementTimeout, applicationName: 'tidegate devices' };
  }
}

function unknown(device: string, now: string | null): TidegateError {
  const hint = now === null ? '' : `; it is ${JSON.stringify(now)} now`;
  return new TidegateError('device_unknown', `there is no device ${JSON.stringify(device)}${hint}`);
}
