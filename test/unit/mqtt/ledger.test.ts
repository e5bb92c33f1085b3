import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { Ledger } from '../../../src/mqtt/ledger.ts';
import { SessionModel, type SessionModelOptions } from './session-model.ts';

const few = fc.integer({ min: 1, max: 6 });
const STEPS = {
  publish: fc.tuple(fc.constant('publish' as const), few),
  deliver: fc.tuple(fc.constant('deliver' as const), few),
  commit: fc.tuple(fc.constant('commit' as const), fc.nat({ max: 20 })),
  flush: fc.tuple(fc.constant('flush' as const), few),
  acknowledge: fc.tuple(fc.constant('acknowledge' as const), few),
  ping: fc.tuple(fc.constant('ping' as const), few),
  connect: fc.tuple(fc.constant('connect' as const), few),
  kill: fc.tuple(fc.constant('kill' as const), few),
  save: fc.tuple(fc.constant('save' as const), few),
  killBroker: fc.tuple(fc.constant('killBroker' as const), few),
};

type Step = readonly [keyof typeof STEPS, number];

/** Faults come less often than work, or nothing would ever be in hand. */
function steps(...faults: (keyof typeof STEPS)[]): fc.Arbitrary<Step[]> {
  const work = ['publish', 'deliver', 'commit', 'flush', 'acknowledge'] as const;
  return fc.array(
    fc.oneof(
      ...work.map((name) => ({ weight: 6, arbitrary: STEPS[name] })),
      ...faults.map((name) => ({ weight: 1, arbitrary: STEPS[name] })),
    ),
    { maxLength: 120, size: 'max' },
  );
}

function play(options: SessionModelOptions, all: readonly Step[]): SessionModel {
  const model = new SessionModel(options);
  for (const [name, count] of all) {
    if (name === 'commit' || name === 'deliver' || name === 'acknowledge') model[name](count);
    else if (name === 'publish') for (let index = 0; index < count; index++) model.publish();
    else model[name]();
  }
  model.connect();
  model.settle();
  return model;
}

const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((one, other) => one - other);
const all = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

suite('a session through losses of the connection and of the daemon', () => {
  const payload = String;
  const brokers: { name: string; options: SessionModelOptions }[] = [
    {
      name: 'identifiers in turn, every payload the same',
      options: { identifiers: 'in turn', payload: () => 'on' },
    },
    { name: 'the lowest free identifier, payloads that differ', options: { identifiers: 'lowest', payload } },
  ];
  for (const { name, options } of brokers) {
    test(`${name}: each message is stored once`, () => {
      fc.assert(
        fc.property(steps('ping', 'connect', 'kill'), (steps) => {
          const model = play(options, steps);
          assert.deepEqual(ascending(model.stored), all(model.published));
        }),
        { numRuns: 60 },
      );
    });
  }

  test('a broker that is killed and comes back as it was: nothing that it knew is lost, doubled only what it had the acknowledgement of, or sends unmarked', () => {
    fc.assert(
      fc.property(steps('ping', 'connect', 'kill', 'save', 'killBroker'), (steps) => {
        const model = play({ identifiers: 'in turn', payload }, steps);
        const times = (number: number) => model.stored.filter((other) => other === number).length;
        for (const number of all(model.published)) {
          if (times(number) === 0) assert.ok(model.forgotten.has(number), `${number} is lost`);
          if (times(number) > 1)
            assert.ok(
              model.acknowledged.has(number) || model.unmarked.has(number),
              `${number} is stored twice`,
            );
        }
      }),
      { numRuns: 60 },
    );
  });
});

suite('Ledger', () => {
  /** The ledger after these identifiers came, all settled, each with its own name for both digests. */
  function ledgerOf(...packetIds: readonly number[]): Ledger<string> {
    const ledger = new Ledger<string>();
    ledger.begin(1);
    for (const id of packetIds) ledger.arrive(id, id, id, false);
    return ledger;
  }

  test('knows a message by identifier, topic and payload together', () => {
    const ledger = ledgerOf(1, 2);
    ledger.connected();
    assert.equal(ledger.find(1, 1, 9), null);
    assert.equal(ledger.find(1, 9, 1), null);
    assert.equal(ledger.find(3, 1, 1), null);
    assert.deepEqual(ledger.find(1, 1, 1), { proves: 1, inHand: null });
  });

  test('a settled message that was sent before one that came again is another one', () => {
    const ledger = ledgerOf(1, 2, 3);
    ledger.connected();
    assert.deepEqual(ledger.find(2, 2, 2), { proves: 2, inHand: null });
    assert.equal(
      ledger.find(1, 1, 1),
      null,
      'the broker sends again in order: this one has its identifier anew',
    );
    assert.deepEqual(ledger.find(3, 3, 3), { proves: 3, inHand: null });
    ledger.connected();
    assert.deepEqual(
      ledger.find(1, 1, 1),
      { proves: 1, inHand: null },
      'the order begins with the connection',
    );
  });

  test('a message in hand is known out of order and however long it takes', () => {
    const ledger = new Ledger<string>(2);
    ledger.begin(1);
    ledger.hold(ledger.arrive(1, 1, 1, false), 'first');
    for (const id of [2, 3, 4, 5]) ledger.arrive(id, id, id, false);
    ledger.connected();
    assert.deepEqual(ledger.find(5, 5, 5), { proves: 5, inHand: null });
    assert.deepEqual(ledger.find(1, 1, 1), { proves: 1, inHand: 'first' });
  });

  test('nothing settled is known outside of the window', () => {
    const ledger = new Ledger<string>(2);
    ledger.begin(1);
    for (const id of [1, 2, 3]) ledger.arrive(id, id, id, false);
    ledger.connected();
    assert.equal(ledger.find(1, 1, 1), null);
    assert.deepEqual(ledger.find(2, 2, 2), { proves: 2, inHand: null });
  });

  test('nothing is known that the broker has the acknowledgement of', () => {
    const ledger = ledgerOf(1, 2);
    ledger.prove(1);
    ledger.connected();
    assert.equal(ledger.find(1, 1, 1), null);
    assert.deepEqual(ledger.find(2, 2, 2), { proves: 2, inHand: null });
  });

  test('what a session brought is not known in the next one, nor settled in it', () => {
    const ledger = new Ledger<string>();
    ledger.begin(1);
    const old = ledger.arrive(1, 1, 1, false);
    ledger.begin(2);
    ledger.connected();
    assert.equal(ledger.find(1, 1, 1), null);
    const identity = ledger.arrive(1, 1, 1, false);
    assert.deepEqual([identity.epoch, identity.ordinal], [2, 0]);
    ledger.hold(identity, 'new');
    ledger.settle(old);
    ledger.connected();
    assert.deepEqual(ledger.find(1, 1, 1), { proves: 1, inHand: 'new' });
  });

  test('ordinals go on after those that were loaded', () => {
    const ledger = new Ledger<string>();
    const entry = { epoch: 3, ordinal: 41, packetId: 7, topicDigest: 1, payloadDigest: 2, duplicate: false };
    ledger.begin(3, [entry]);
    assert.equal(ledger.fresh, false);
    assert.deepEqual(ledger.find(7, 1, 2), { proves: 42, inHand: null });
    assert.equal(ledger.arrive(8, 1, 2, false).ordinal, 42);
  });
});
