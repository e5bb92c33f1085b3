/**
 * Loaded into a daemon before its own modules (NODE_OPTIONS=--import): the host's clock and name service, which fail as
 * the file says that TEST_HOST_FILE names. It is read again at SIGUSR2, and a line on standard error says so.
 */
import dns from 'node:dns';
import { readFileSync } from 'node:fs';

/** What the file holds, as JSON. */
interface HostState {
  /** Milliseconds that the clock is ahead; negative: behind. */
  readonly clock: number;
  /** The code that every look-up of a name fails with; null: each is this machine. */
  readonly names: 'ENOTFOUND' | 'EAI_AGAIN' | null;
  /** Tells one state from the next. */
  readonly turn: number;
}

const file = process.env['TEST_HOST_FILE'] as string;
let state = read();

function read(): HostState {
  return JSON.parse(readFileSync(file, 'utf8')) as HostState;
}

process.on('SIGUSR2', () => {
  state = read();
  process.stderr.write(`test host: turn ${state.turn}\n`);
});

const RealDate = Date;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, values: unknown[], self) =>
    Reflect.construct(target, values.length === 0 ? [target.now()] : values, self) as Date,
  apply: (target) => new target(target.now()).toString(),
});
const realNow = RealDate.now;
RealDate.now = () => realNow() + state.clock;

type Found = (error: Error | null, address?: unknown, family?: number) => void;
const realLookup = dns.lookup as (...values: unknown[]) => unknown;
dns.lookup = ((name: string, options: { all?: boolean } | Found, found?: Found) => {
  if (!name.endsWith('.test')) {
    realLookup(name, options, found);
    return;
  }
  const callback = (typeof options === 'function' ? options : found) as Found;
  const all = typeof options === 'object' && options.all === true;
  setImmediate(() => {
    if (state.names !== null) {
      const error = new Error(`getaddrinfo ${state.names} ${name}`);
      callback(Object.assign(error, { code: state.names, syscall: 'getaddrinfo', hostname: name }));
    } else if (all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else callback(null, '127.0.0.1', 4);
  });
}) as typeof dns.lookup;
