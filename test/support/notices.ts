import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createFolder } from './folder.ts';

/** For `test(name, needsNotify, ...)`: Node.js has no datagram sockets of the file system, neither to send nor to hear. */
export const needsNotify: { readonly skip: string | false } = {
  skip:
    !(runs('systemd-notify') && runs('python3')) && 'needs systemd-notify and python3, which are not here',
};

export const needsAnalyze: { readonly skip: string | false } = {
  skip: !runs('systemd-analyze') && 'needs systemd-analyze, which is not installed here',
};

/** Prints each datagram as a line of hexadecimal digits. What comes with it, a barrier's descriptor, it lets go at once. */
const HEAR = `
import socket, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(sys.argv[1])
print('ready', flush=True)
while True:
    print(heard.recv(65536).hex(), flush=True)
`;

/** A service manager's ear: a datagram socket, and what came to it. */
export interface Ear extends AsyncDisposable {
  /** For NOTIFY_SOCKET. */
  readonly socket: string;
  /** The assignments of each datagram, in order, without barriers. */
  readonly notices: readonly Readonly<Record<string, string>>[];
}

export async function openEar(): Promise<Ear> {
  const folder = await createFolder();
  const socket = join(folder.path, 'notify');
  const child = spawn('python3', ['-c', HEAR, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const notices: Record<string, string>[] = [];
  let rest = '';
  const ready = Promise.withResolvers<void>();
  child.once('error', ready.reject);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === 'ready') ready.resolve();
      else take(Buffer.from(line, 'hex').toString());
    }
  });
  await ready.promise;
  return {
    socket,
    notices,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await closed;
      await folder[Symbol.asyncDispose]();
    },
  };

  function take(datagram: string): void {
    const notice = Object.fromEntries(
      datagram.split('\n').flatMap((line) => {
        const at = line.indexOf('=');
        return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
      }),
    ) as Record<string, string>;
    if (notice['BARRIER'] === undefined) notices.push(notice);
  }
}

function runs(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
