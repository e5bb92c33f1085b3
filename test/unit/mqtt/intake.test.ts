import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { IPublishPacket } from 'mqtt';
import { Acknowledger } from '../../../src/mqtt/acknowledger.ts';
import { Intake, type IntakeOptions } from '../../../src/mqtt/intake.ts';
import type { Delivery } from '../../../src/pipeline/types.ts';

function publication(fields: Partial<IPublishPacket> = {}): IPublishPacket {
  return {
    cmd: 'publish',
    topic: 'a',
    payload: Buffer.from('1'),
    qos: 0,
    retain: false,
    dup: false,
    ...fields,
  };
}

/** An intake, what it delivered and counted, and a parser that counts how often it was freed. */
function setUp(retained: IntakeOptions['retained'] = 'store', onDelivery?: (delivery: Delivery) => void) {
  const seen = { deliveries: [] as Delivery[], dropped: 0, resent: 0, errors: 0, freed: [] as boolean[] };
  const nothing = (): void => {};
  const intake = new Intake(
    {
      retained,
      ledger: null,
      now: () => 1_700_000_000_000_000,
      logger: { debug: nothing, info: nothing, warn: nothing, error: () => seen.errors++ },
      observer: { dropped: (_, count) => (seen.dropped += count), resent: () => seen.resent++ },
    },
    (delivery) => {
      seen.deliveries.push(delivery);
      onDelivery?.(delivery);
    },
  );
  const written: number[] = [];
  const acknowledger = new Acknowledger((packets) => {
    for (let at = 2; at < packets.length; at += 4) written.push(packets.readUInt16BE(at));
  });
  const take = (packet: IPublishPacket): void =>
    intake.take(packet, acknowledger, (error) => seen.freed.push(error !== undefined));
  return { intake, seen, acknowledger, written, take };
}

suite('Intake', () => {
  test('hands a message on and frees the parser before it is acknowledged', () => {
    const { seen, take, written, acknowledger } = setUp();
    take(publication({ qos: 1, messageId: 7, dup: true, topic: 'x/y' }));
    assert.deepEqual(seen.freed, [true], 'with an error, so that MQTT.js does not acknowledge');
    const [delivery] = seen.deliveries;
    assert.partialDeepStrictEqual(delivery, {
      topic: 'x/y',
      qos: 1,
      duplicate: true,
      retain: false,
      packetId: 7,
      receivedAt: 1_700_000_000_000_000,
    });
    delivery?.ack();
    delivery?.ack();
    acknowledger.flush();
    assert.deepEqual(written, [7]);
  });

  test('a payload is what it was until its memory is given back, whatever becomes of the bytes that were read', () => {
    const { seen, take } = setUp();
    const read = Buffer.alloc(4_000, 'a');
    take(publication({ payload: read.subarray(0, 2_000) }));
    take(publication({ payload: read.subarray(2_000) }));
    read.fill('b');
    const [first, second] = seen.deliveries;
    const bytes = (delivery: Delivery | undefined) => Buffer.from(delivery?.payload ?? []).toString();
    assert.deepEqual([bytes(first), bytes(second)], ['a'.repeat(2_000), 'a'.repeat(2_000)]);
    // Twice is once.
    first?.recycle?.();
    first?.recycle?.();
    for (let index = 0; index < 2; index++) take(publication({ payload: Buffer.alloc(2_000, 'c') }));
    assert.equal(bytes(second), 'a'.repeat(2_000));
  });

  test('QoS 0 has nothing to acknowledge', () => {
    const { seen, take, acknowledger, written } = setUp();
    take(publication());
    assert.partialDeepStrictEqual(seen.deliveries[0], { qos: 0, packetId: null });
    seen.deliveries[0]?.ack();
    acknowledger.flush();
    assert.deepEqual(written, []);
  });

  test('while paused it holds the parser, not the message before', () => {
    const { intake, seen, take } = setUp();
    intake.pause();
    take(publication());
    assert.deepEqual([seen.deliveries.length, seen.freed.length], [0, 0]);
    intake.resume();
    assert.deepEqual([seen.deliveries.length, seen.freed.length], [1, 1]);
  });

  test('paused from inside of a delivery it holds the parser after it', () => {
    const { intake, seen, take } = setUp('store', () => intake.pause());
    take(publication());
    assert.deepEqual([seen.deliveries.length, seen.freed.length], [1, 0]);
    intake.resume();
    assert.deepEqual([seen.deliveries.length, seen.freed.length], [1, 1]);
  });

  test('stopped it hands nothing on, acknowledges nothing and frees a held parser', () => {
    const { intake, seen, take, acknowledger } = setUp();
    intake.pause();
    take(publication({ qos: 1, messageId: 1 }));
    intake.stop();
    take(publication({ qos: 1, messageId: 2 }));
    assert.deepEqual([seen.deliveries.length, seen.freed.length, acknowledger.pending], [0, 2, 0]);
  });

  test('nothing of a connection that is gone is handed on', () => {
    const { intake, seen, take, acknowledger } = setUp();
    intake.pause();
    take(publication());
    acknowledger.close();
    intake.release();
    assert.deepEqual([seen.deliveries.length, seen.freed.length], [0, 1]);
    assert.equal(intake.quietMs(0), null, 'the next connection is still paused');
  });

  test('a message that is still in hand is not handed on again', () => {
    const { seen, take } = setUp();
    take(publication({ qos: 1, messageId: 1 }));
    take(publication({ qos: 1, messageId: 1, dup: true }));
    assert.deepEqual([seen.deliveries.length, seen.resent, seen.freed.length], [1, 1, 2]);
  });

  test('a new message under an identifier that is in hand is handed on', () => {
    const { seen, take } = setUp();
    take(publication({ qos: 1, messageId: 1 }));
    take(publication({ qos: 1, messageId: 1, payload: Buffer.from('2') }));
    assert.deepEqual([seen.deliveries.length, seen.resent], [2, 0]);
  });

  test('with more owed than a broker may send it holds the parser until there is room', async () => {
    const { seen, take, acknowledger } = setUp();
    while (!acknowledger.full) take(publication({ qos: 1, messageId: seen.deliveries.length + 1 }));
    const taken = seen.deliveries.length;
    take(publication({ qos: 1, messageId: taken + 1 }));
    assert.deepEqual([seen.deliveries.length, seen.freed.length], [taken, taken]);
    for (const delivery of seen.deliveries) delivery.ack();
    await new Promise(setImmediate);
    assert.deepEqual([seen.deliveries.length, seen.freed.length], [taken + 1, taken + 1]);
  });

  test('an exception leaves its message unacknowledged, and the parser and the others go on', () => {
    const { seen, take, acknowledger, written } = setUp('store', (delivery) => {
      if (delivery.packetId === 1) throw new Error('broken');
    });
    take(publication({ qos: 1, messageId: 1 }));
    take(publication({ qos: 1, messageId: 2 }));
    seen.deliveries[1]?.ack();
    acknowledger.flush();
    assert.deepEqual([seen.errors, seen.freed.length], [1, 2]);
    assert.deepEqual(written, [2]);
  });

  test('retained skip: acknowledges and counts what was retained', () => {
    const { seen, take, acknowledger, written } = setUp('skip');
    take(publication({ qos: 1, messageId: 1, retain: true }));
    take(publication({ qos: 1, messageId: 2 }));
    acknowledger.flush();
    assert.deepEqual([seen.deliveries.length, seen.dropped, written], [1, 1, [1]]);
  });

  test('retained if_changed: hands on what this process did not have yet', () => {
    const { seen, take } = setUp('if_changed');
    const retained = (payload: string): void =>
      take(publication({ retain: true, payload: Buffer.from(payload) }));
    retained('1');
    retained('1');
    take(publication({ payload: Buffer.from('2') }));
    take(publication({ payload: Buffer.from('2') }));
    retained('2');
    retained('3');
    assert.deepEqual(
      seen.deliveries.map(({ payload }) => Buffer.from(payload).toString()),
      ['1', '2', '2', '3'],
    );
    assert.equal(seen.dropped, 2);
  });

  test('QoS 2, which we never ask for, is left to MQTT.js to finish', () => {
    const { seen, take } = setUp();
    take(publication({ qos: 2, messageId: 1 }));
    assert.deepEqual(seen.freed, [false]);
    assert.partialDeepStrictEqual(seen.deliveries[0], { qos: 0, packetId: null });
  });
});
