import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** What the scripted broker answers; a number array is sent byte for byte. */
export interface Script {
  /** To CONNECT, from the first to the last, which goes on; default: success, no session (MQTT 5). */
  readonly connack?: readonly number[] | readonly (readonly number[])[];
  /** To a CONNECT with a will, where that is another answer. */
  readonly willConnack?: readonly number[];
  /** Reason codes of SUBACK; default: QoS 1 for one filter. Null: none is sent. */
  readonly suback?: readonly number[] | null;
  readonly protocolVersion?: 4 | 5;
}

/** A broker that says what real ones say rarely. It understands just enough MQTT to find the packets. */
export interface ScriptedBroker extends AsyncDisposable {
  readonly url: string;
  /** Sends bytes to every client. */
  send(bytes: readonly number[]): void;
  /** Ends every connection. */
  cut(): void;
  /** Resolves to the next packet of this type (the high four bits of its first byte) that no one asked for yet. */
  packet(type: number): Promise<Buffer>;
}

export const CONNACK = 2;
export const PUBACK = 4;
export const SUBSCRIBE = 8;
export const PINGREQ = 12;

export const NO_SESSION: readonly number[] = [0x20, 3, 0, 0, 0];
export const SESSION_PRESENT: readonly number[] = [0x20, 3, 1, 0, 0];
export const PINGRESP: readonly number[] = [0xd0, 0];

/** PUBLISH at QoS 1, MQTT 5, without properties; topic and payload are short. */
export function publication(
  packetId: number,
  payload: string,
  { dup = false, topic = 't' }: { readonly dup?: boolean; readonly topic?: string } = {},
): number[] {
  const body = [
    0,
    topic.length,
    ...Buffer.from(topic),
    packetId >> 8,
    packetId & 0xff,
    0,
    ...Buffer.from(payload),
  ];
  return [dup ? 0x3a : 0x32, body.length, ...body];
}

export async function startScriptedBroker(script: Script = {}): Promise<ScriptedBroker> {
  const version = script.protocolVersion ?? 5;
  const connack = script.connack ?? (version === 5 ? NO_SESSION : [0x20, 2, 0, 0]);
  const connacks = [...(typeof connack[0] === 'number' ? [connack] : connack)] as (readonly number[])[];
  const codes = script.suback === undefined ? [1] : script.suback;
  const sockets = new Set<Socket>();
  const received: Buffer[] = [];
  let notify = (): void => {};
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    let buffered: Buffer = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      buffered = Buffer.concat([buffered, bytes]);
      for (let length = packetLength(buffered); length <= buffered.length; length = packetLength(buffered)) {
        const packet = buffered.subarray(0, length);
        buffered = buffered.subarray(length);
        received.push(packet);
        const type = (packet[0] ?? 0) >> 4;
        // The flags of CONNECT follow the protocol's name (MQTT) and version.
        const hasWill = type === 1 && ((packet[packet.indexOf('MQTT') + 5] ?? 0) & 0x04) !== 0;
        if (type === 1) {
          socket.write(Buffer.from((hasWill ? script.willConnack : undefined) ?? connacks[0] ?? []));
          if (connacks.length > 1) connacks.shift();
        }
        if (type === SUBSCRIBE && codes !== null) {
          const properties = version === 5 ? [0] : [];
          const body = [packet[2] ?? 0, packet[3] ?? 0, ...properties, ...codes];
          socket.write(Buffer.from([0x90, body.length, ...body]));
        }
      }
      notify();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    send: (bytes) => {
      for (const socket of sockets) socket.write(Buffer.from(bytes));
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    packet: async (type) => {
      for (;;) {
        const at = received.findIndex((packet) => (packet[0] ?? 0) >> 4 === type);
        if (at !== -1) return received.splice(at, 1)[0] ?? Buffer.alloc(0);
        await new Promise<void>((resolve) => {
          notify = resolve;
        });
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Of the first packet, its header included (MQTT 5, 1.5.5 and 2.1.4); Infinity while the header is not whole. */
function packetLength(bytes: Buffer): number {
  let length = 0;
  for (let at = 1; at < 5; at++) {
    const byte = bytes[at];
    if (byte === undefined) return Number.POSITIVE_INFINITY;
    length += (byte & 0x7f) * 128 ** (at - 1);
    if (byte < 0x80) return 1 + at + length;
  }
  throw new Error('not MQTT');
}
