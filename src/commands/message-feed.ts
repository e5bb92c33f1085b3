/** Where `explain` has its messages from. */

import { createReadStream, readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import type { Config } from '../config/load.ts';
import { TidegateError } from '../errors.ts';
import { DeadLetters } from '../letters/dead-letters.ts';
import { actor } from './actor.ts';
import { type CapturedMessage, readCapture } from './capture.ts';
import { checkFilter, lookOn } from './onlooker.ts';
import type { Terminal } from './terminal.ts';

/** Hands over message after message until there is none, or it is told false. */
export type MessageFeed = (each: (message: CapturedMessage) => boolean) => Promise<void>;

/** `payload`: text, `@file` or `-`; its arrival is now. */
export function oneMessage(topic: string, payload: string, terminal: Terminal): MessageFeed {
  return async (each) => {
    const bytes = await payloadFrom(payload, terminal);
    each({ topic, payload: bytes, qos: 1, retain: false, receivedAt: Date.now() * 1_000 });
  };
}

/** `file`: a capture, or `-`. */
export function capturedMessages(file: string, terminal: Terminal): MessageFeed {
  return async (each) => {
    const stream = file === '-' ? terminal.stdin : createReadStream(file);
    try {
      for await (const message of readCapture(stream, file)) {
        if (!each(message) || terminal.stopped.aborted) return;
      }
    } catch (error) {
      if (error instanceof TidegateError) throw error;
      throw new TidegateError('usage', `--messages ${file}: ${(error as Error).message}`, { cause: error });
    } finally {
      stream.destroy();
    }
  };
}

export function liveMessages(
  filter: string,
  url: string | undefined,
  config: Config,
  terminal: Terminal,
): MessageFeed {
  checkFilter(filter);
  return (each) => lookOn(terminal, config, { purpose: 'explain', url, filters: [filter] }, each);
}

/** The latest dead letters, the oldest of them first. */
export function deadMessages(limit: number, config: Config, terminal: Terminal): MessageFeed {
  return (each) => new DeadLetters(config, actor()).latest(limit, each, terminal.stopped);
}

async function payloadFrom(argument: string, terminal: Terminal): Promise<Uint8Array> {
  if (argument === '-') return await buffer(terminal.stdin);
  if (!argument.startsWith('@')) return Buffer.from(argument);
  try {
    return readFileSync(argument.slice(1));
  } catch (error) {
    throw new TidegateError('usage', `payload ${argument}: ${(error as Error).message}`, { cause: error });
  }
}
