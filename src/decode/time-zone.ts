const DAY = 86_400;
/** Ten years of days; a device whose clock runs wild only makes the cache start anew. */
const CACHED_DAYS = 3_660;

/** Turns local times of an IANA zone into UTC. Times are whole seconds, local ones counted as if they were UTC. */
export class TimeZone {
  /** When the message whose times are read was received, seconds since 1970; NaN where nobody says. */
  heardAt = Number.NaN;
  readonly #format: Intl.DateTimeFormat | null;
  /** The zone's offset by local day; NaN near a day on which it changes. */
  readonly #offsets = new Map<number, number>();

  /** Throws a RangeError for a zone that does not exist. */
  constructor(name: string) {
    this.#format =
      name === 'UTC'
        ? null
        : new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  /**
   * A local time that occurs twice (daylight saving time) means the second where that is when it was heard, to half an hour,
   * else the first; one that is skipped is read with the offset before the gap, so that it moves forward by the gap: 02:30
   * becomes 03:30.
   */
  toUtc(local: number): number {
    if (this.#format === null) {
      return local;
    }
    const day = Math.floor(local / DAY);
    let offset = this.#offsets.get(day);
    if (offset === undefined) {
      const before = this.#offsetAt((day - 1) * DAY);
      offset = before === this.#offsetAt((day + 2) * DAY) ? before : Number.NaN;
      if (this.#offsets.size >= CACHED_DAYS) {
        this.#offsets.clear();
      }
      this.#offsets.set(day, offset);
    }
    return local - (Number.isNaN(offset) ? this.#offsetNear(local) : offset);
  }

  #offsetNear(local: number): number {
    const before = this.#offsetAt(local - DAY);
    const after = this.#offsetAt(local + DAY);
    const isLater = before !== after && this.#offsetAt(local - after) === after;
    if (!isLater) return before;
    const isEarlier = this.#offsetAt(local - before) === before;
    // Half of the hour between the two.
    const isHeard = Math.abs(this.heardAt - (local - after)) < Math.abs(before - after) / 2;
    return isEarlier && !isHeard ? before : after;
  }

  /** Seconds east of Greenwich at a time in UTC. */
  #offsetAt(utc: number): number {
    const parts = this.#format?.formatToParts(utc * 1000) ?? [];
    const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
    const offset = /([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(name);
    if (offset === null) {
      return 0; // "GMT"
    }
    const seconds = Number(offset[2]) * 3600 + Number(offset[3]) * 60 + Number(offset[4] ?? 0);
    return offset[1] === '-' ? -seconds : seconds;
  }
}
