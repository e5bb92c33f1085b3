/** Bytes that are no number, boolean, text, list or object: no value of a point. */
export class ByteString {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }
}
