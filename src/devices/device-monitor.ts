import type { Delivery, DeviceObserver } from '../pipeline/types.ts';
import { DeviceTable, LEARNING, OK, SILENT } from './device-table.ts';
import type { ListeningClock } from './listening-clock.ts';
import type { DeviceCorrections, DeviceEvent, DeviceNews, DeviceRecord, DeviceState } from './types.ts';

export interface DeviceMonitorOptions {
  /** Devices that are watched at most. */
  readonly limit: number;
  /** A device is silent after so many of its intervals, */
  readonly silentFactor: number;
  /** and not before so many milliseconds. */
  readonly silentAfterMin: number;
}

/** Messages so many milliseconds after the first of several are one with it. */
const BURST = 1_000;

/** After an outage of ours a device has so many of its intervals to be heard again. */
const GRACE = 1.5;

/** Milliseconds of listening after which a device whose cadence was never learned makes room for others. */
const FORGOTTEN_AFTER = 3_600_000;

/** Milliseconds of listening in which a record that could not be written yet is tried again. */
const UNWRITTEN_FOR = 60_000;

const MICROSECONDS = 1_000_000;

/** Knows of each device when it was heard, how often that is, whether it fell silent, and how wrong its clock is. */
export class DeviceMonitor implements DeviceObserver {
  readonly #options: DeviceMonitorOptions;
  readonly #clock: ListeningClock;
  readonly #table: DeviceTable;
  #aliases: ReadonlyMap<string, string> = new Map();
  #back: DeviceEvent[] = [];
  #learned: string[] = [];
  #unwatched = 0;
  /** The rows whose state changed: they are written first. */
  readonly #urgent = new Set<number>();
  /** Where the next records to write are looked for. */
  #cursor = 0;

  constructor(options: DeviceMonitorOptions, clock: ListeningClock) {
    this.#options = options;
    this.#clock = clock;
    this.#table = new DeviceTable(options.limit);
  }

  /** Messages of devices that were too many. */
  get unwatched(): number {
    return this.#unwatched;
  }

  counts(): Readonly<Record<DeviceState, number>> {
    const counts = [0, 0, 0];
    for (let row = 0; row < this.#table.size; row++) {
      if (this.#table.nameOf(row) === null) continue;
      const state = this.#table.state(row);
      counts[state] = (counts[state] as number) + 1;
    }
    return { learning: counts[LEARNING] ?? 0, ok: counts[OK] ?? 0, silent: counts[SILENT] ?? 0 };
  }

  /** A message that waited somewhere says nothing of when its device was there. */
  heard(
    deviceId: string,
    delivery: Pick<Delivery, 'retain' | 'backlog' | 'duplicate' | 'receivedAt'>,
    timestamp: number,
  ): void {
    if (delivery.retain || delivery.backlog || delivery.duplicate) return;
    const table = this.#table;
    const name = this.#aliases.size === 0 ? deviceId : (this.#aliases.get(deviceId) ?? deviceId);
    let row = table.find(name);
    if (row === -1) row = table.add(name);
    if (row === -1) {
      this.#unwatched++;
      return;
    }
    if (timestamp === timestamp) table.addSkew(row, (delivery.receivedAt - timestamp) / MICROSECONDS);
    const now = this.#clock.timeOf(delivery.receivedAt);
    const before = table.heardAt(row);
    const lastArrival = table.lastArrival(row);
    table.countArrival(row, delivery.receivedAt);
    if (now >= before && now - before < BURST) return;
    table.setHeardAt(row, now);
    // One that an outage of ours lies in is no interval.
    if (before >= this.#clock.since && now > before) table.addInterval(row, (now - before) / 1_000);
    const state = table.state(row);
    if (state === OK) return;
    const expectedInterval = table.cadence(row);
    if (expectedInterval === null) return;
    if (state === SILENT) this.#back.push({ deviceId: name, lastArrival, expectedInterval });
    else this.#learned.push(name);
    this.#change(row, OK);
  }

  /** To be called every second. */
  tick(): DeviceNews {
    this.#clock.look();
    const [back, learned] = [this.#back, this.#learned];
    this.#back = [];
    this.#learned = [];
    return { silent: this.#clock.running ? this.#silent() : [], back, learned };
  }

  /** Records of an earlier life; before the first message. */
  restore(records: readonly DeviceRecord[]): void {
    for (const record of records) this.#table.restore(record);
  }

  /** Takes records that are to be written, at most `limit`: those whose state changed, then in turn. */
  takeChanged(limit: number): DeviceRecord[] {
    const table = this.#table;
    const records: DeviceRecord[] = [];
    const take = (row: number): void => {
      this.#urgent.delete(row);
      if (!table.isChanged(row)) return;
      table.setChanged(row, false);
      records.push(table.record(row));
    };
    for (const row of this.#urgent) {
      if (records.length >= limit) return records;
      take(row);
    }
    for (let looked = 0; looked < table.size && records.length < limit; looked++) {
      this.#cursor = this.#cursor + 1 >= table.size ? 0 : this.#cursor + 1;
      take(this.#cursor);
    }
    return records;
  }

  /** They could not be written. */
  putBack(records: readonly DeviceRecord[]): void {
    for (const { deviceId } of records) {
      const row = this.#table.find(deviceId);
      if (row !== -1) this.#table.setChanged(row, true);
    }
  }

  /** Devices without a series: it may come with a batch that is under way, or never. */
  putBackRecent(records: readonly DeviceRecord[]): void {
    this.putBack(
      records.filter(({ deviceId }) => {
        const row = this.#table.find(deviceId);
        return row !== -1 && this.#clock.time - this.#table.heardAt(row) < UNWRITTEN_FOR;
      }),
    );
  }

  /** Follows what was done by hand; returns the names under which there is no device any more. */
  correct({ aliases, deleted }: DeviceCorrections): string[] {
    const gone: string[] = [];
    for (const deviceId of deleted) {
      const row = this.#table.find(deviceId);
      if (row !== -1) this.#remove(row);
      gone.push(deviceId);
    }
    if (aliases === null) return gone;
    this.#aliases = aliases;
    for (const [alias, deviceId] of aliases) {
      const row = this.#table.find(alias);
      if (row === -1) continue;
      gone.push(alias);
      if (this.#table.find(deviceId) !== -1) this.#remove(row);
      else {
        this.#table.rename(row, deviceId);
        this.#change(row, this.#table.state(row));
        if (this.#table.state(row) !== LEARNING) this.#learned.push(deviceId);
      }
    }
    return gone;
  }

  /** What is known of it; null of one that is not watched. */
  find(deviceId: string): DeviceRecord | null {
    const row = this.#table.find(deviceId);
    return row === -1 ? null : this.#table.record(row);
  }

  /** The devices whose cadence is known. */
  *known(): Generator<string> {
    for (let row = 0; row < this.#table.size; row++) {
      const name = this.#table.nameOf(row);
      if (name !== null && this.#table.state(row) !== LEARNING) yield name;
    }
  }

  #silent(): DeviceEvent[] {
    const { time: now, since } = this.#clock;
    const { limit, silentFactor, silentAfterMin } = this.#options;
    const table = this.#table;
    const full = table.count >= limit;
    const silent: DeviceEvent[] = [];
    if (now - since < silentAfterMin) return silent;
    for (let row = 0; row < table.size; row++) {
      const quiet = now - table.heardAt(row);
      if (quiet < silentAfterMin) continue;
      if (table.state(row) === LEARNING && full && quiet > FORGOTTEN_AFTER) this.#remove(row);
      if (table.state(row) !== OK) continue;
      const expectedInterval = table.cadence(row);
      if (expectedInterval === null) continue;
      const cadence = expectedInterval * 1_000;
      if (quiet <= cadence * silentFactor || now - since <= cadence * GRACE) continue;
      this.#change(row, SILENT);
      silent.push({
        deviceId: table.nameOf(row) ?? '',
        lastArrival: table.lastArrival(row),
        expectedInterval,
      });
    }
    return silent;
  }

  #change(row: number, state: number): void {
    this.#table.setState(row, state);
    this.#urgent.add(row);
  }

  #remove(row: number): void {
    this.#urgent.delete(row);
    this.#table.remove(row);
  }
}
