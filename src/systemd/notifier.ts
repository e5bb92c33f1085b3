import { execFile } from 'node:child_process';
import type { Logger } from '../pipeline/types.ts';

/** What systemd set in the environment of a service: sd_notify(3), sd_watchdog_enabled(3). */
export interface NotifyEnvironment {
  /** Where it listens: a path, or `@` and an abstract name. */
  readonly socket: string;
  /** Milliseconds within which it wants a sign of life; null: it wants none. */
  readonly watchdogMs: number | null;
  /** Where `systemd-notify` is looked for. */
  readonly path: string;
}

/** Assignments of sd_notify(3), in one datagram. */
export type NotifyState = Readonly<Record<string, string>>;

/** Milliseconds for one message: a manager that does not answer must not leave processes behind. */
const PATIENCE = 10_000;

/** Null where no service manager wants to be told. */
export function notifyEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): NotifyEnvironment | null {
  const socket = env['NOTIFY_SOCKET'] ?? '';
  if (socket === '') return null;
  const watchdog = Number(env['WATCHDOG_USEC'] ?? Number.NaN);
  return {
    socket,
    watchdogMs: watchdog > 0 ? watchdog / 1000 : null,
    path: env['PATH'] ?? '/usr/bin:/bin',
  };
}

/**
 * Tells systemd what becomes of the service. Node.js has no datagram sockets of the file system, so each message is
 * sent by `systemd-notify`, which is wherever systemd is; the unit lets it (NotifyAccess=all).
 */
export class Notifier {
  readonly #environment: NotifyEnvironment;
  readonly #logger: Logger;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #failed = false;

  constructor(environment: NotifyEnvironment, logger: Logger) {
    this.#environment = environment;
    this.#logger = logger;
  }

  /** Whether a message is still on its way. */
  get busy(): boolean {
    return this.#waiting > 0;
  }

  /** In order. Resolves once systemd has it, or could not be told, which is logged once. */
  send(state: NotifyState): Promise<void> {
    this.#waiting++;
    this.#last = this.#after(this.#last, state);
    return this.#last;
  }

  async #after(last: Promise<void>, state: NotifyState): Promise<void> {
    await last;
    await this.#send(state);
    this.#waiting--;
  }

  #send(state: NotifyState): Promise<void> {
    const { socket, path } = this.#environment;
    // A line break would begin another assignment.
    const words = Object.entries(state).map(([name, value]) => `${name}=${value.replaceAll(/\s+/g, ' ')}`);
    const options = { env: { NOTIFY_SOCKET: socket, PATH: path }, timeout: PATIENCE };
    return new Promise((resolve) => {
      execFile('systemd-notify', words, options, (error) => {
        if (error !== null && !this.#failed) {
          const text = 'systemd cannot be told how the service does: systemd-notify failed';
          this.#logger.warn({ error: error.message }, text);
        }
        this.#failed = error !== null;
        resolve();
      });
    });
  }
}
