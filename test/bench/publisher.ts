/**
 * A publisher that costs little. A process of its own: `node publisher.ts PORT FLOW` (FLOW as JSON) makes all packets, prints
 * `ready`, waits for a line on standard input, and writes them at QoS 1, many in one write; PUBACKs are counted by their length
 * alone. Once all are acknowledged it prints what it took (`Published`) and exits. With a rate, messages are made as they are sent.
 */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Flow, type FlowMessage, isShared, messagesOf, payloadOf, topicOf } from './flow-shapes.ts';

/** Packets of one write, and their bytes. */
const CHUNK = 100;
const CHUNK_BYTES = 256 * 1024;
/** Unacknowledged at most: messages, and about so many bytes. */
const WINDOW = 2000;
const WINDOW_BYTES = 16 * 2 ** 20;

interface Chunk {
  readonly parts: readonly Uint8Array[];
  readonly messages: number;
}

const [port, argument] = process.argv.slice(2) as [string, string];
const flow = JSON.parse(argument) as Flow;
const chunks = flow.rate === undefined ? [...chunked(flow)] : [];
const largest = Math.max(...chunks.map(({ parts, messages }) => sizeOf(parts) / messages), 1);
const window = Math.max(CHUNK, Math.min(WINDOW, Math.floor(WINDOW_BYTES / largest)));

const socket = createConnection({ host: '127.0.0.1', port: Number(port), noDelay: true });
await once(socket, 'connect');
socket.write(connect(`bench-${process.pid}`));
await once(socket, 'data');
process.stdout.write('ready\n');
await once(process.stdin, 'data');

const begun = performance.now();
const before = process.cpuUsage();
let sent = 0;
let acknowledged = 0;
let bytes = 0;
const { promise: finished, resolve } = Promise.withResolvers<void>();
socket.on('data', (chunk: Buffer) => {
  bytes += chunk.length;
  acknowledged = bytes >> 2;
  if (acknowledged === flow.count) resolve();
  else if (flow.rate === undefined) send();
});
if (flow.rate === undefined) send();
else await pace(flow, flow.rate);
await finished;
const { user, system } = process.cpuUsage(before);
process.stdout.write(
  JSON.stringify({ seconds: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 }),
);
socket.end();
process.stdin.destroy();

function send(): void {
  while (chunks.length > 0 && sent - acknowledged < window) {
    const { parts, messages } = chunks.pop() as Chunk;
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
    sent += messages;
  }
}

/** Each message at its moment, to about a millisecond. */
async function pace(flow: Flow, rate: number): Promise<void> {
  for (const message of messagesOf(flow)) {
    if ((performance.now() - begun) * rate < sent * 1000) {
      socket.uncork();
      while ((performance.now() - begun) * rate < sent * 1000) await delay(1);
      // Those whose moment is over go together.
      socket.cork();
    }
    const time = Math.round((performance.timeOrigin + performance.now()) * 1000);
    for (const part of packet(sent, message, payloadOf(flow, { ...message, time }))) socket.write(part);
    sent++;
  }
  socket.uncork();
}

/** The last chunk first, so that the next one is taken from the end. */
function chunked(flow: Flow): Chunk[] {
  const made: Chunk[] = [];
  let parts: Uint8Array[] = [];
  let messages = 0;
  let index = 0;
  let shared: { turn: number; payload: Uint8Array } | null = null;
  for (const message of messagesOf(flow)) {
    if (!isShared(flow) || shared?.turn !== message.turn) {
      shared = { turn: message.turn, payload: payloadOf(flow, message) };
    }
    parts.push(...packet(index++, message, shared.payload));
    messages++;
    if (messages < CHUNK && sizeOf(parts) < CHUNK_BYTES && index < flow.count) continue;
    made.push({ parts: isShared(flow) ? parts : [Buffer.concat(parts)], messages });
    parts = [];
    messages = 0;
  }
  return made.toReversed();
}

/** PUBLISH at QoS 1 (MQTT 3.1.1, 3.3): everything before the payload, and the payload. */
function packet(index: number, message: FlowMessage, payload: Uint8Array): [Uint8Array, Uint8Array] {
  const topic = topicOf(flow, message);
  let rest = 2 + topic.length + 2 + payload.length;
  const head = [0x32];
  for (; rest > 127; rest >>= 7) head.push((rest & 127) | 128);
  head.push(rest, topic.length >> 8, topic.length & 255);
  const id = (index % 65_535) + 1;
  return [
    Buffer.concat([Buffer.from(head), Buffer.from(topic, 'latin1'), Buffer.from([id >> 8, id & 255])]),
    payload,
  ];
}

/** CONNECT (MQTT 3.1.1, 3.1): clean session, no keepalive. */
function connect(clientId: string): Buffer {
  const head = [0x10, 12 + clientId.length, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 0, 0, clientId.length];
  return Buffer.concat([Buffer.from(head), Buffer.from(clientId, 'latin1')]);
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
