/** The log: JSON lines for machines, colours for a terminal, priorities for the journal. */

import type { Writable } from 'node:stream';
import { type LevelWithSilent, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { maskUrls } from '../mask.ts';

export interface LogOptions {
  readonly level: LevelWithSilent;
  /** `auto`: pretty on a terminal, else JSON. */
  readonly format: 'auto' | 'json' | 'pretty';
  readonly stream: Writable;
  readonly isTerminal: boolean;
  /** Whether systemd's journal reads the stream (`$JOURNAL_STREAM` is set). */
  readonly journal: boolean;
}

/** A logger that never throws and never waits: a line is written in the call that logs it. */
export function createLogger(options: LogOptions): Logger {
  const { stream, journal } = options;
  const pretty = options.format === 'pretty' || (options.format === 'auto' && options.isTerminal);
  const format = pretty
    ? prettyFactory({ colorize: options.isTerminal, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' })
    : null;
  // A reader that went away must not end the daemon.
  stream.on('error', () => undefined);
  const destination = {
    // Asks pino to leave the level of each line in `lastLevel`.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string): void {
      const masked = maskUrls(line);
      const text = format === null ? masked : format(masked);
      if (!stream.destroyed) stream.write(journal ? withPriority(text, this.lastLevel) : text);
    },
  };
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err, err: stdSerializers.err },
    },
    destination,
  );
}

/** sd-daemon(3): a line that starts with `<N>` has the syslog priority N. */
function withPriority(text: string, level: number): string {
  const priority = level >= 60 ? 2 : level >= 50 ? 3 : level >= 40 ? 4 : level >= 30 ? 6 : 7;
  return text.replaceAll(/^(?=.)/gm, `<${priority}>`);
}
