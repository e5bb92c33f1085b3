import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { publish, type TestBroker } from './broker.ts';

const installed = spawnSync('mosquitto_pub', ['--help']).error === undefined;

/** Publishes each line as a message at QoS 1: with `mosquitto_pub -l`, or by ourselves where that is not installed. */
export async function publishLines(
  broker: TestBroker,
  topic: string,
  lines: readonly string[],
): Promise<void> {
  if (!installed) {
    await publish(
      broker.url,
      lines.map((payload) => ({ topic, payload })),
    );
    return;
  }
  const child = spawn(
    'mosquitto_pub',
    ['-h', '127.0.0.1', '-p', `${broker.port}`, '-q', '1', '-t', topic, '-l'],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  );
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`mosquitto_pub ended with ${code}`);
}
