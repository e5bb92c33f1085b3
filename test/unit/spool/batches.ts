import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { SpooledBatch, SpooledMessage } from '../../../src/pipeline/spool-types.ts';
import type { Logger } from '../../../src/pipeline/types.ts';
import type { FileSpool } from '../../../src/spool/file-spool.ts';
import { openSpool } from '../../../src/spool/open.ts';

const word32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const count = fc.integer({ min: 0, max: 2 ** 48 });
/** Objects as the code makes them, for deepEqual. */
const PLAIN = { noNullPrototype: true } as const;
const packetId = fc.integer({ min: 1, max: 65535 });

const spooledMessage: fc.Arbitrary<SpooledMessage> = fc.record(
  {
    topic: fc.string({ unit: 'grapheme', maxLength: 40 }),
    payload: fc.uint8Array({ maxLength: 200 }),
    qos: fc.constantFrom(0 as const, 1 as const),
    retain: fc.boolean(),
    duplicate: fc.boolean(),
    packetId: fc.option(packetId),
    receivedAt: fc.integer({ min: -(2 ** 53), max: 2 ** 53 }),
    identity: fc.option(
      fc.record(
        { epoch: count, ordinal: count, packetId, topicDigest: word32, payloadDigest: word32 },
        PLAIN,
      ),
    ),
    backlog: fc.boolean(),
  },
  PLAIN,
);

export const spooledBatch: fc.Arbitrary<SpooledBatch> = fc.record(
  {
    id: fc.uuid(),
    epoch: fc.option(count),
    messages: fc.array(spooledMessage, { maxLength: 12 }),
    decoded: count,
    apart: fc.record({ ignored: count, dropped: count, droppedPoints: count }, PLAIN),
  },
  PLAIN,
);

/** One message of `bytes`, three points. */
export function batchOf(name: string, bytes = 100, receivedAt = 1_700_000_000_000_000): SpooledBatch {
  return {
    id: name,
    epoch: 3,
    messages: [
      {
        topic: `devices/${name}`,
        payload: Buffer.alloc(bytes, name),
        qos: 1,
        retain: false,
        duplicate: false,
        packetId: 7,
        receivedAt,
        identity: { epoch: 3, ordinal: 9, packetId: 7, topicDigest: 1, payloadDigest: 2 },
        backlog: false,
      },
    ],
    decoded: 3,
    apart: { ignored: 1, dropped: 0, droppedPoints: 0 },
  };
}

/** Payloads as plain bytes, so that batches compare whatever they are views of. */
export function plain(batch: SpooledBatch | null): unknown {
  if (batch === null) return null;
  return {
    ...batch,
    messages: batch.messages.map((message) => ({ ...message, payload: [...message.payload] })),
  };
}

export interface TestFolder {
  readonly path: string;
  /** What the spool logged, in order. */
  readonly logged: { readonly level: string; readonly message: string }[];
  open(options?: { maxBytes?: number; onFull?: 'block' | 'drop_oldest' }): Promise<FileSpool>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function spoolFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'tidegate-spool-'));
  const logged: TestFolder['logged'] = [];
  const to =
    (level: string) =>
    (_: object, message: string): void => {
      logged.push({ level, message });
    };
  const logger: Logger = { debug: to('debug'), info: to('info'), warn: to('warn'), error: to('error') };
  return {
    path,
    logged,
    open: async ({ maxBytes = 1024 ** 2, onFull = 'block' } = {}) =>
      await openSpool({ path, maxBytes, onFull, logger }),
    [Symbol.asyncDispose]: async () => await rm(path, { recursive: true }),
  };
}

/** Takes out all that there is. */
export async function drained(spool: FileSpool): Promise<SpooledBatch[]> {
  const batches: SpooledBatch[] = [];
  for (let next = await spool.next(); next.length > 0; next = await spool.next()) {
    batches.push(...next);
    await spool.consume();
  }
  return batches;
}
