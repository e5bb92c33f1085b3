/** A moment that the payload itself marks as one, whatever the route's unit of times: CBOR's tag 1, MessagePack's -1. */
export class Instant {
  /** Microseconds since 1970, cut off towards the past; NaN or infinite where they are none or do not fit. */
  readonly micros: number;

  constructor(micros: number) {
    this.micros = micros;
  }
}
