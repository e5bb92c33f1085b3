/**
 * A publisher that costs little: whole windows of QoS 1 PUBLISH packets in one write each, PUBACKs counted by their
 * length alone. A process of its own: `node publisher.ts PORT COUNT DEVICES [RATE]`, waits for a line on standard input,
 * then publishes one-point JSON messages, RATE a second or as fast as they are taken, and exits once all are acknowledged.
 */
import { once } from 'node:events';
import { createConnection } from 'node:net';

const [port, count, devices, rate = Number.POSITIVE_INFINITY] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number?,
];
const WINDOW = 2000;
const FIRST_TIME = Date.now() - count;
/** Milliseconds between two sendings where there is a rate. */
const PAUSE = 4;

const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
await once(socket, 'connect');
socket.write(Buffer.from('\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05bench', 'latin1')); // CONNECT, MQTT 3.1.1, clean session
await once(socket, 'data');
process.stdout.write('ready\n');
await once(process.stdin, 'data');

/** Null: without a rate. */
const begun = Number.isFinite(rate) ? performance.now() : null;
const FIRST_DUE = Date.now();
let sent = 0;
let acknowledged = 0;
const { promise, resolve } = Promise.withResolvers<void>();
let bytes = 0;
socket.on('data', (chunk: Buffer) => {
  bytes += chunk.length;
  acknowledged = bytes >> 2;
  if (acknowledged === count) resolve();
  else if (sent - acknowledged <= WINDOW / 2) send();
});

function send(): void {
  const packets: Buffer[] = [];
  const due = begun === null ? count : Math.min(count, ((performance.now() - begun) / 1000) * rate);
  for (; sent < due && sent - acknowledged < WINDOW; sent++) packets.push(publish(sent));
  if (packets.length > 0) socket.write(Buffer.concat(packets));
}

function publish(index: number): Buffer {
  const topic = `devices/device-${index % devices}/temperature`;
  const time = begun === null ? FIRST_TIME + index : FIRST_DUE + Math.floor((index / rate) * 1000);
  const payload = `{"value":${(20 + (index % 100) / 10).toFixed(1)},"timestamp":${time}}`;
  const packet = Buffer.allocUnsafe(2 + 2 + topic.length + 2 + payload.length);
  packet[0] = 0x32;
  packet[1] = packet.length - 2;
  packet.writeUInt16BE(topic.length, 2);
  packet.write(topic, 4, 'latin1');
  packet.writeUInt16BE((index % 65_535) + 1, 4 + topic.length);
  packet.write(payload, 6 + topic.length, 'latin1');
  return packet;
}

const timer = begun === null ? undefined : setInterval(send, PAUSE);
send();
await promise;
clearInterval(timer);
socket.end();
process.stdin.destroy();
