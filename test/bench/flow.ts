/**
 * Publishes one-point JSON messages without an end, as fast as the broker takes them: `node flow.ts PORT DEVICES`. A tenth
 * at QoS 1, whose acknowledgements are read and not waited for. At SIGTERM it prints how many it wrote, by QoS.
 */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

const [port, devices] = process.argv.slice(2).map(Number) as [number, number];
/** Packets of one write. */
const CHUNK = 200;
/** A millisecond for each message, so that no two have a key in common. */
const FIRST_TIME = Date.now() - 86_400_000;

const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
await once(socket, 'connect');
socket.write(Buffer.from('\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04flow', 'latin1')); // CONNECT, MQTT 3.1.1, clean session, no keepalive
await once(socket, 'data');
socket.resume();

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const sent = [0, 0];
for (let index = 0; !stop.signal.aborted; ) {
  const packets: Buffer[] = [];
  for (const end = index + CHUNK; index < end; index++) packets.push(publish(index));
  if (!socket.write(Buffer.concat(packets))) await once(socket, 'drain');
  await turn();
}
socket.end();
process.stdout.write(JSON.stringify({ qos0: sent[0], qos1: sent[1] }));

function publish(index: number): Buffer {
  const qos = index % 10 === 0 ? 1 : 0;
  sent[qos] = (sent[qos] ?? 0) + 1;
  const topic = `devices/device-${index % devices}/temperature`;
  const payload = `{"value":${index},"timestamp":${FIRST_TIME + index}}`;
  const packet = Buffer.allocUnsafe(4 + topic.length + qos * 2 + payload.length);
  packet[0] = 0x30 | (qos << 1);
  packet[1] = packet.length - 2;
  packet.writeUInt16BE(topic.length, 2);
  packet.write(topic, 4, 'latin1');
  if (qos === 1) packet.writeUInt16BE(((index / 10) % 65_535) + 1, 4 + topic.length);
  packet.write(payload, 4 + topic.length + qos * 2, 'latin1');
  return packet;
}
