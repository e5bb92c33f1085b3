/**
 * Text as the bytes that are sent. Rows of numbers are written straight into them: as strings they would be garbage of
 * megabytes a second to a heap that is kept small (ADR 9), which cost more than all else that an answer takes.
 */

const MINUTE = 60_000_000;
const DAY = 1_440 * MINUTE;
/** No number, no time and no mark around them is longer. */
const LONGEST = 40;
const ZERO = 48;
const MINUS = 45;
const DOT = 46;
const COLON = 58;
const ZULU = 90;
/** Decimal places that are tried before the slow way. */
const SCALES = Float64Array.of(1, 10, 100, 1e3, 1e4, 1e5, 1e6);
/** A number that is written digit by digit: its product with a scale is below 10^15. */
const LARGEST_PLAIN = 1e9;

export class ByteText {
  #bytes: Buffer;
  #at = 0;
  /** The day that was written last, since 1970, and its text up to the hours. */
  #day = Number.NaN;
  #date: Uint8Array = new Uint8Array();

  constructor(room: number) {
    this.#bytes = Buffer.allocUnsafe(room);
  }

  get length(): number {
    return this.#at;
  }

  get room(): number {
    return this.#bytes.length;
  }

  /** What was written, as a copy. The next text begins anew. */
  take(): Buffer {
    const taken = Buffer.from(this.written());
    this.clear();
    return taken;
  }

  /** What was written, until anything else is. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  clear(): void {
    this.#at = 0;
  }

  text(text: string): void {
    this.#reserve(text.length * 3);
    this.#at += this.#bytes.write(text, this.#at);
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    if (bytes.length > LONGEST) this.#bytes.set(bytes, this.#at);
    else copy(bytes, this.#bytes, this.#at);
    this.#at += bytes.length;
  }

  /** A finite one, so that it is read as the same double. */
  number(value: number): void {
    this.#reserve(LONGEST);
    const bytes = this.#bytes;
    const size = Math.abs(value);
    if (size < LARGEST_PLAIN && !Object.is(value, -0)) {
      for (let places = 0; places < SCALES.length; places++) {
        const scale = SCALES[places] as number;
        const whole = Math.round(size * scale);
        // The quotient of whole numbers is rounded once, as the decimal is when it is read.
        if (whole / scale !== size) continue;
        if (value < 0) bytes[this.#at++] = MINUS;
        this.#at =
          whole < 2 ** 31
            ? writeShort(bytes, this.#at, whole, places)
            : writeLong(bytes, this.#at, whole, places);
        return;
      }
    }
    this.#at += bytes.write(Object.is(value, -0) ? '-0' : String(value), this.#at, 'latin1');
  }

  /** Microseconds since 1970 in ISO 8601: UTC with six digits. */
  time(time: number): void {
    const day = Math.floor(time / DAY);
    if (day !== this.#day) {
      this.#day = day;
      this.#date = Buffer.from(new Date((day * DAY) / 1000).toISOString().slice(0, -13));
    }
    this.#reserve(LONGEST);
    const bytes = this.#bytes;
    copy(this.#date, bytes, this.#at);
    const at = this.#at + this.#date.length;
    const ofDay = time - day * DAY;
    const minute = Math.floor(ofDay / MINUTE);
    const hour = (minute / 60) | 0;
    writeTwo(bytes, at, hour);
    bytes[at + 2] = COLON;
    writeTwo(bytes, at + 3, minute - hour * 60);
    bytes[at + 5] = COLON;
    let rest = (ofDay - minute * MINUTE) | 0;
    for (let place = at + 14; place > at + 8; place--) {
      const tenth = (rest / 10) | 0;
      bytes[place] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    writeTwo(bytes, at + 6, rest);
    bytes[at + 8] = DOT;
    bytes[at + 15] = ZULU;
    this.#at = at + 16;
  }

  #reserve(wanted: number): void {
    if (this.#at + wanted <= this.#bytes.length) return;
    const bytes = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + wanted));
    this.#bytes.copy(bytes, 0, 0, this.#at);
    this.#bytes = bytes;
  }
}

/** Of few bytes: quicker than a call of what copies many. */
function copy(from: Uint8Array, to: Uint8Array, at: number): void {
  for (let index = 0; index < from.length; index++) to[at + index] = from[index] as number;
}

/** A number below 100. */
function writeTwo(bytes: Uint8Array, at: number, value: number): void {
  const tens = (value / 10) | 0;
  bytes[at] = ZERO + tens;
  bytes[at + 1] = ZERO + value - tens * 10;
}

/** whole / 10^places, whole below 2^31. Returns where it ends. */
function writeShort(bytes: Uint8Array, from: number, whole: number, places: number): number {
  let digits = 1;
  for (let limit = 10; digits <= places || (whole >= limit && digits < 10); limit *= 10) digits++;
  const end = from + digits + (places > 0 ? 1 : 0);
  let rest = whole | 0;
  let left = places;
  for (let at = end - 1; at >= from; at--) {
    if (places > 0 && left-- === 0) {
      bytes[at] = DOT;
      continue;
    }
    const tenth = (rest / 10) | 0;
    bytes[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}

/** The same for whole numbers from 2^31 on, below 10^16. */
function writeLong(bytes: Uint8Array, from: number, whole: number, places: number): number {
  const unit = SCALES[places] as number;
  const above = Math.floor(whole / unit);
  const end = writeShort(bytes, from, above, 0);
  if (places === 0) return end;
  bytes[end] = DOT;
  let rest = whole - above * unit;
  for (let at = end + places; at > end; at--) {
    const tenth = Math.floor(rest / 10);
    bytes[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return end + 1 + places;
}
