import type { Client } from 'pg';
import { type DeviceMetric, metricsOf } from './device-metrics.ts';
import { type DevicePage, type DeviceSummary, listDevices } from './device-series.ts';
import { isoTime } from './iso-time.ts';
import { withNames } from './names.ts';
import type { QueryPool } from './query-pool.ts';
import { noSuchDevice, unknownDevice, type Visible } from './unknown-device.ts';

type Heard = Pick<
  DeviceSummary,
  'device_name' | 'state' | 'last_arrival' | 'expected_interval' | 'clock_skew'
>;
export type DeviceDetail = DeviceSummary & { readonly metrics: readonly DeviceMetric[] };

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
  async find(device: string, visible: Visible): Promise<DeviceDetail> {
    // PostgreSQL holds no such text.
    if (device.includes('\0')) throw noSuchDevice(device);
    return await this.#pool.lend(async (client) => {
      const seen = visible === null || visible.some((prefix) => device.startsWith(prefix));
      const metrics = seen ? await metricsOf(client, this.#pool.names, device) : [];
      if (metrics.length === 0) throw await unknownDevice(client, this.#pool.names, device, visible);
      const times = (key: 'first_seen' | 'last_seen') =>
        metrics.flatMap((metric) => metric[key] ?? []).sort();
      const heard = await this.#heard(client, device);
      return {
        device_id: device,
        series: metrics.length,
        points: metrics.reduce((sum, { points }) => sum + points, 0),
        first_seen: times('first_seen')[0] ?? null,
        last_seen: times('last_seen').at(-1) ?? null,
        ...heard,
        metrics,
      };
    });
  }

  /** Its name, and the rest by the daemon that heard it last. */
  async #heard(client: Client, device: string): Promise<Heard> {
    const { rows } = await client.query<Heard>(
      withNames(
        `SELECT n.name AS device_name, h.state, h.last_arrival::text AS last_arrival, h.expected_interval, h.clock_skew
         FROM (SELECT $1::text AS device_id) d
         LEFT JOIN :"internal".device_names n USING (device_id)
         LEFT JOIN LATERAL (
           SELECT * FROM :"internal".device_states s WHERE s.device_id = d.device_id ORDER BY s.last_arrival DESC LIMIT 1
         ) h ON true`,
        this.#pool.names,
      ),
      [device],
    );
    const [found] = rows;
    const { last_arrival: arrival } = found ?? {};
    return {
      device_name: found?.device_name ?? null,
      state: found?.state ?? null,
      last_arrival: typeof arrival === 'string' ? isoTime(arrival) : null,
      expected_interval: found?.expected_interval ?? null,
      clock_skew: found?.clock_skew ?? null,
    };
  }
}
