import type { IPublishPacket } from 'mqtt';
import type { Delivery, DeliveryIdentity } from '../pipeline/types.ts';
import type { Acknowledger } from './acknowledger.ts';
import type { Ledger } from './ledger.ts';
import type { PayloadBlock, PayloadRoom } from './payload-room.ts';

/** A payload from here on has its memory for itself, as it came in several reads of the socket (64 KiB each). */
const LARGE_BYTES = 65_536;

/** A message in hand, and where its acknowledgement goes. */
export class Received implements Delivery {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly duplicate: boolean;
  readonly packetId: number | null;
  readonly receivedAt: number;
  readonly identity: DeliveryIdentity | null;
  readonly backlog: boolean;
  readonly #ledger: Ledger<Received> | null;
  #acknowledger: Acknowledger;
  /** Of the acknowledger; null at QoS 0. */
  #ordinal: number | null;
  /** Where the payload lies; null: in memory that nobody uses again. */
  #block: PayloadBlock | null;

  constructor(
    packet: IPublishPacket,
    receivedAt: number,
    backlog: boolean,
    ledger: Ledger<Received> | null,
    identity: DeliveryIdentity | null,
    acknowledger: Acknowledger,
    ordinal: number | null,
    room: PayloadRoom,
  ) {
    this.topic = packet.topic;
    const payload = payloadOf(packet);
    this.#block = room.blockFor(payload.byteLength);
    this.payload = this.#block?.copy(payload) ?? payload;
    this.qos = ordinal === null ? 0 : 1;
    this.retain = packet.retain;
    this.duplicate = packet.dup;
    this.packetId = ordinal === null ? null : (packet.messageId ?? null);
    this.receivedAt = receivedAt;
    this.backlog = backlog;
    this.identity = identity;
    this.#ledger = ledger;
    this.#acknowledger = acknowledger;
    this.#ordinal = ordinal;
  }

  /** It came once more, on another connection: the acknowledgement is owed there. */
  takeOver(acknowledger: Acknowledger, ordinal: number): void {
    this.#acknowledger = acknowledger;
    this.#ordinal = ordinal;
  }

  ack(): void {
    if (this.identity !== null) this.#ledger?.settle(this.identity);
    if (this.#ordinal !== null) this.#acknowledger.acknowledge(this.#ordinal);
    release(this.payload);
  }

  recycle(): void {
    this.#block?.giveBack();
    this.#block = null;
  }
}

/**
 * Frees the memory of a large payload that nobody needs any more. V8 would only look for it after some hundred
 * megabytes of such garbage. A small one shares its memory with others.
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < LARGE_BYTES || byteLength !== buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** A received payload is always a Buffer; the packet's type also serves packets to be sent. */
export function payloadOf(packet: IPublishPacket): Uint8Array {
  return typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
}
