import { createInterface } from 'node:readline/promises';
import { TidegateError } from '../errors.ts';
import type { Terminal } from './terminal.ts';

/** Asks on a terminal, and takes `yes` for yes. Throws `confirmation_needed` where it is anything else or nobody to ask. */
export async function confirmed(terminal: Terminal, question: string): Promise<void> {
  if (!terminal.isTerminal) {
    throw new TidegateError('confirmation_needed', 'this is no terminal, so nobody can be asked');
  }
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr, terminal: false });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([
      lines.question(`${question}\nType yes to go on: `, { signal: terminal.stopped }),
      ended,
    ]);
    if (answer.trim().toLowerCase() === 'yes') return;
  } catch (error) {
    if (!terminal.stopped.aborted) throw error;
  } finally {
    lines.close();
  }
  throw new TidegateError('confirmation_needed', 'the answer was not yes; nothing was changed');
}
