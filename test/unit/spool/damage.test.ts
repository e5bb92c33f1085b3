import assert from 'node:assert/strict';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { SpooledBatch } from '../../../src/pipeline/spool-types.ts';
import { encodeFileHead, FILE_HEAD, newMarker, RECORD_HEAD } from '../../../src/spool/frame.ts';
import { randomFrom } from '../../support/random.ts';
import { batchOf, drained, plain, spoolFolder, type TestFolder } from './batches.ts';

/** Of different lengths. */
const BATCHES = [
  batchOf('a', 10),
  batchOf('b', 0),
  { ...batchOf('c'), messages: [] },
  batchOf('d', 33),
  batchOf('e', 5),
];

interface Written {
  readonly file: string;
  readonly bytes: Buffer;
  /** Where each record ends. */
  readonly ends: readonly number[];
}

/** A folder with one file of all batches, its spool closed. */
async function written(folder: TestFolder): Promise<Written> {
  const spool = await folder.open();
  const ends: number[] = [];
  for (const batch of BATCHES) {
    await spool.append(batch);
    ends.push(spool.state.bytes);
  }
  await spool.close();
  const [file] = await spoolFiles(folder);
  return { file: file as string, bytes: await readFile(file as string), ends };
}

async function spoolFiles(folder: TestFolder): Promise<string[]> {
  const names = await readdir(folder.path);
  return names.filter((name) => name.endsWith('.spool')).map((name) => join(folder.path, name));
}

/** Beyond this an offset in a record's body is like its neighbours: heads and checksums are within. */
const NEAR = RECORD_HEAD + 8;

/** Offsets from 0 to `length`: each near the head of the file or either end of a record, and one of sixteen of the others. */
function places(length: number, ends: readonly number[]): number[] {
  const borders = [0, FILE_HEAD, ...ends];
  return Array.from({ length: length + 1 }, (_, at) => at).filter(
    (at) => at % 16 === 0 || borders.some((border) => at >= border - 8 && at <= border + NEAR),
  );
}

/** The last of `all` counts what the damaged one held, as dropped. */
function assertTold(all: readonly SpooledBatch[], damaged: SpooledBatch | null): void {
  const told = all.filter((batch) => batch.lost !== undefined);
  if (damaged === null) {
    assert.deepEqual(told, []);
    return;
  }
  const { messages, decoded, apart } = damaged;
  assert.deepEqual([told.length, told[0]], [1, all.at(-1)]);
  assert.deepEqual(told[0]?.lost, { messages: messages.length, points: decoded });
  assert.deepEqual(told[0]?.apart, {
    ignored: apart.ignored,
    dropped: apart.dropped + messages.length,
    droppedPoints: apart.droppedPoints + decoded,
  });
}

suite('damage', () => {
  test('a file that is cut anywhere keeps the records before the cut', async () => {
    await using folder = await spoolFolder();
    const { file, bytes, ends } = await written(folder);
    for (const length of places(bytes.length, ends).toReversed()) {
      await rm(join(folder.path, 'cursor'));
      await writeFile(file, bytes.subarray(0, length));
      folder.logged.length = 0;
      const spool = await folder.open();
      const whole = ends.filter((end) => end <= length).length;
      assert.equal(spool.state.batches, whole, `cut at ${length}`);
      const torn = length > FILE_HEAD && length !== ends[whole - 1];
      assert.equal(folder.logged.filter(({ message }) => message.startsWith('cut off')).length, torn ? 1 : 0);
      assert.deepEqual(spool.damaged, { records: 0, bytes: 0 });
      assert.deepEqual((await drained(spool)).map(plain), BATCHES.slice(0, whole).map(plain));
      await spool.close();
    }
  });

  test('after a torn end, appending goes on', async () => {
    await using folder = await spoolFolder();
    const { file, bytes } = await written(folder);
    await truncate(file, bytes.length - 3);
    let spool = await folder.open();
    await spool.append(batchOf('f'));
    await spool.close();
    spool = await folder.open();
    assert.deepEqual(
      (await drained(spool)).map(({ id }) => id),
      ['a', 'b', 'c', 'd', 'f'],
    );
    await spool.close();
  });

  test('a file whose last blocks were never filled is cut', async () => {
    await using folder = await spoolFolder();
    const { file, bytes } = await written(folder);
    await writeFile(file, Buffer.concat([bytes, Buffer.alloc(9000)]));
    const spool = await folder.open();
    assert.deepEqual(spool.damaged, { records: 0, bytes: 0 });
    assert.equal(spool.state.bytes, bytes.length);
    assert.equal((await drained(spool)).length, BATCHES.length);
    await spool.close();
  });

  for (const when of ['before it is opened', 'while it is open']) {
    test(`any flipped bit costs at most the record that it hits: ${when}`, async () => {
      await using folder = await spoolFolder();
      const { file, bytes, ends } = await written(folder);
      const draw = randomFrom(7);
      for (const at of places(bytes.length - 1, ends)) {
        const flipped = Buffer.from(bytes);
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << Math.floor(draw() * 8)), at);
        const hit = at < FILE_HEAD ? -1 : ends.findIndex((end) => at < end);
        folder.logged.length = 0;
        await rm(join(folder.path, 'cursor'));
        await writeFile(file, when === 'while it is open' ? bytes : flipped);
        const spool = await folder.open();
        await writeFile(file, flipped);
        const sound = BATCHES.filter((_, index) => index !== hit);
        const all = await drained(spool);
        const whole = all.filter((batch) => batch.lost === undefined);
        assert.deepEqual(whole.map(plain), sound.map(plain), `byte ${at}`);
        // What is damaged at the opening was never counted in this life.
        const counted = hit >= 0 && when === 'while it is open';
        assertTold(all, counted ? (BATCHES[hit] as SpooledBatch) : null);
        const lost = hit < 0 ? 0 : (ends[hit] as number) - (ends[hit - 1] ?? FILE_HEAD);
        assert.deepEqual(spool.damaged, { records: hit < 0 ? 0 : 1, bytes: lost }, `byte ${at}`);
        assert.equal(folder.logged.filter(({ level }) => level === 'error').length, hit < 0 ? 0 : 1);
        assert.equal(spool.state.batches, 0);
        assert.equal(spool.state.messages, 0);
        await spool.close();
      }
      assert.ok((await readdir(folder.path)).some((name) => name.endsWith('.spool.damaged')));
    });
  }

  test('several damaged records in a large file, many of them within what is read at once', async () => {
    await using folder = await spoolFolder();
    let spool = await folder.open({ maxBytes: 2 ** 24 });
    const sizes = [400_000, 100, 300_000, 5, 700_000, 262_144, 1, 90_000];
    const ends = [FILE_HEAD];
    for (const [index, size] of sizes.entries()) {
      await spool.append(batchOf(`${index}`, size));
      ends.push(spool.state.bytes);
    }
    await spool.close();
    const [file] = await spoolFiles(folder);
    const bytes = await readFile(file as string);
    for (const index of [0, 1, 4, 6])
      bytes.writeUInt8(0xff ^ bytes.readUInt8((ends[index] as number) + 9), (ends[index] as number) + 9);
    await writeFile(file as string, bytes);
    spool = await folder.open({ maxBytes: 2 ** 24 });
    assert.deepEqual(
      (await drained(spool)).map(({ id }) => id),
      ['2', '3', '5', '7'],
    );
    // Two neighbours are one place.
    assert.equal(spool.damaged.records, 3);
    await spool.close();
  });

  test('a payload that looks like a record is none, even where the record around it is damaged', async () => {
    await using folder = await spoolFolder();
    const { file: other, bytes: image } = await written(folder);
    await writeFile(other, '');
    let spool = await folder.open();
    const [message] = batchOf('outer').messages;
    await spool.append({
      ...batchOf('outer'),
      messages: [{ ...(message as object), payload: image } as never],
    });
    await spool.append(batchOf('after'));
    await spool.close();
    const [file] = await spoolFiles(folder);
    const bytes = await readFile(file as string);
    bytes.writeUInt8(0xff ^ bytes.readUInt8(FILE_HEAD + 9), FILE_HEAD + 9);
    await writeFile(file as string, bytes);
    spool = await folder.open();
    assert.deepEqual(
      (await drained(spool)).map(({ id }) => id),
      ['after'],
    );
    await spool.close();
  });

  test('files of another program or a newer version are refused, and left as they are', async () => {
    for (const [content, reason] of [
      [Buffer.from('a'.repeat(100)), /0000000000000007\.spool is not a file of the spool/],
      [encodeFileHead(newMarker(), 2), /0000000000000007\.spool has format 2, which a newer Tidegate wrote/],
    ] as const) {
      await using folder = await spoolFolder();
      const { file, bytes } = await written(folder);
      const alien = join(folder.path, '0000000000000007.spool');
      await writeFile(alien, content);
      await assert.rejects(folder.open(), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'spool_unusable');
        assert.match(error.message, reason);
        return true;
      });
      assert.deepEqual([await readFile(file), await readFile(alien)], [bytes, content]);
    }
  });

  test('a cursor that is damaged costs nothing: what was consumed comes again', async () => {
    await using folder = await spoolFolder();
    await written(folder);
    let spool = await folder.open();
    for (let index = 0; index < 2; index++) {
      await spool.next();
      await spool.consume();
    }
    await spool.close();
    const cursor = join(folder.path, 'cursor');
    const bytes = await readFile(cursor);
    // The newest slot alone: the one before it holds.
    await writeFile(cursor, Buffer.concat([Buffer.alloc(4096), bytes.subarray(4096)]));
    spool = await folder.open();
    assert.equal((await spool.next())[0]?.id, 'b');
    await spool.close();
    await writeFile(cursor, 'rubbish');
    spool = await folder.open();
    assert.deepEqual((await drained(spool)).map(plain), BATCHES.map(plain));
    await spool.close();
  });
});
