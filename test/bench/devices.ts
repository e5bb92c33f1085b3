/** What watching devices costs at the receipt of a message, in CPU of this process. */

import { DeviceMonitor } from '../../src/devices/device-monitor.ts';
import { ListeningClock } from '../../src/devices/listening-clock.ts';
import { DeviceTap } from '../../src/pipeline/device-tap.ts';
import { message } from '../unit/pipeline/messages.ts';
import { figure } from './figures.ts';

const FLEETS = [1_000, 100_000];

export async function benchDevices({ rounds, count }: { rounds: number; count: number }): Promise<string[]> {
  const lines = [`${count} messages of one device each, in no order, ${rounds} rounds:`];
  for (const fleet of FLEETS) {
    const clock = new ListeningClock(
      () => performance.now(),
      () => Date.now() * 1_000,
      () => 0,
    );
    const options = { limit: fleet, silentFactor: 3, silentAfterMin: 60_000 };
    const monitor = new DeviceMonitor(options, clock);
    const tap = new DeviceTap(monitor);
    const names = Array.from({ length: fleet }, (_, device) => `device-${device}`);
    const spent: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      monitor.tick();
      const delivery = message(() => {}, { receivedAt: Date.now() * 1_000 });
      const nanoseconds = (1_000 * cpu(() => hear(tap, names, delivery, count))) / count;
      // The first round compiles.
      if (round > 0) spent.push(nanoseconds);
    }
    lines.push(`  ${String(fleet).padStart(7)} devices   ${figure(spent).text('ns a message')}`);
  }
  return lines;
}

function hear(
  tap: DeviceTap,
  names: readonly string[],
  delivery: ReturnType<typeof message>,
  count: number,
): void {
  for (let index = 0; index < count; index++) {
    tap.note(names[(index * 7_919) % names.length] as string, delivery.receivedAt);
    tap.tell(delivery);
  }
}

/** Microseconds. */
function cpu(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user;
}
