/** Codes of one width side by side, the most significant bit first: PostgreSQL's varbit (src/backend/utils/adt/varbit.c). */

const TWO_24 = 16_777_216;

/** The bits that a whole number from 0 to 2^53 - 1 takes; 0 takes none. */
export function bitsOf(largest: number): number {
  if (largest < 4_294_967_296) return 32 - Math.clz32(largest);
  return 64 - Math.clz32(Math.floor(largest / 4_294_967_296));
}

/** Whole numbers from 0 to 2^width - 1; the width is at most 52. The last byte ends in zeros, as varbit asks. */
export function packBits(codes: Float64Array, width: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((codes.length * width) / 8));
  if (width <= 24) packNarrow(codes, width, bytes);
  else packWide(codes, width, bytes);
  return bytes;
}

function packNarrow(codes: Float64Array, width: number, bytes: Uint8Array): void {
  let at = 0;
  let pending = 0; // fewer than 8 bits between two codes
  let count = 0;
  for (let index = 0; index < codes.length; index++) {
    pending = (pending << width) | (codes[index] as number);
    count += width;
    while (count >= 8) {
      count -= 8;
      bytes[at++] = pending >>> count;
    }
    pending &= 255 >>> (8 - count);
  }
  if (count > 0) bytes[at] = pending << (8 - count);
}

function packWide(codes: Float64Array, width: number, bytes: Uint8Array): void {
  let at = 0;
  let pending = 0; // fewer than 8 bits between two codes
  let count = 0;
  for (let index = 0; index < codes.length; index++) {
    let rest = codes[index] as number;
    let left = width;
    // Pieces of 24 bits, so that they and the pending ones stay within the 32 of JavaScript's operators.
    while (left > 0) {
      const size = left > 24 ? ((left - 1) % 24) + 1 : left;
      left -= size;
      const unit = left === 0 ? 1 : left === 24 ? TWO_24 : TWO_24 * TWO_24;
      const piece = left === 0 ? rest : Math.floor(rest / unit);
      rest -= piece * unit;
      pending = (pending << size) | piece;
      count += size;
      while (count >= 8) {
        count -= 8;
        bytes[at++] = pending >>> count;
      }
      pending &= 255 >>> (8 - count);
    }
  }
  if (count > 0) bytes[at] = pending << (8 - count);
}

/** What `packBits` packed, `length` codes of it; into an array of zeros, where there is one. */
export function unpackBits(
  bytes: Uint8Array,
  length: number,
  width: number,
  codes: Float64Array = new Float64Array(length),
): Float64Array {
  if (width === 0) return codes;
  let at = 0;
  let pending = 0;
  let count = 0;
  for (let index = 0; index < length; index++) {
    let code = 0;
    let left = width;
    while (left > 0) {
      const size = left > 24 ? ((left - 1) % 24) + 1 : left;
      left -= size;
      while (count < size) {
        pending = (pending << 8) | (bytes[at++] as number);
        count += 8;
      }
      count -= size;
      code = code * (1 << size) + ((pending >>> count) & ((1 << size) - 1));
      pending &= (1 << count) - 1;
    }
    codes[index] = code;
  }
  return codes;
}
