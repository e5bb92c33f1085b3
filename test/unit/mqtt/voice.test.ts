import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { BrokerReason } from '../../../src/mqtt/connection-errors.ts';
import { type Announcement, type Line, type Subject, Voice } from '../../../src/mqtt/voice.ts';

class ScriptedLine implements Line {
  readonly sent: string[] = [];
  readonly answers: ((answer: BrokerReason | undefined) => void)[] = [];

  publish({ payload }: Announcement, done: (answer: BrokerReason | undefined) => void): void {
    this.sent.push(payload);
    this.answers.push(done);
  }

  /** Answers the oldest that is not answered. */
  answer(code = 0): void {
    this.answers.shift()?.({ code, text: undefined });
  }
}

function voiceOf({ status = true } = {}) {
  const words = (payload: string) => ({ subject: 'status' as const, topic: 'status', payload, retain: true });
  const counted: string[] = [];
  const logged: string[] = [];
  const lines: boolean[] = [];
  const log = (_: object, text: string) => void logged.push(text);
  const voice = new Voice({
    status: status
      ? { lost: words('lost'), online: () => words('online'), left: (reason) => words(`left ${reason}`) }
      : null,
    logger: { debug: log, info: log, warn: log, error: log },
    observer: (subject, outcome) => void counted.push(`${subject} ${outcome}`),
    onLine: (sessionPresent) => void lines.push(sessionPresent),
  });
  const say = (payload: string, topic: string | null = null, subject: Subject = 'event') =>
    voice.say({ subject, topic: topic ?? 'event', payload, retain: topic !== null });
  return { voice, say, counted, logged, lines };
}

test('online is said first, alone; then what waits, as far as the broker takes it', () => {
  const { voice, say, counted, lines } = voiceOf();
  for (let event = 0; event < 12; event++) say(`${event}`);
  const line = new ScriptedLine();
  voice.attach(line, true, null);
  assert.deepEqual([line.sent, voice.waiting, lines], [['online'], 13, [true]]);
  line.answer();
  assert.deepEqual(line.sent, ['online', '0', '1', '2', '3', '4', '5', '6', '7']);
  line.answer();
  assert.equal(line.sent.at(-1), '8');
  while (line.answers.length > 0) line.answer();
  assert.deepEqual([line.sent.length, voice.waiting], [13, 0]);
  assert.deepEqual(counted, ['status sent', ...Array<string>(12).fill('event sent')]);
});

test('a small receive maximum of the broker is kept', () => {
  const { voice, say } = voiceOf();
  const line = new ScriptedLine();
  voice.attach(line, false, 1);
  say('a');
  assert.deepEqual(line.sent, ['online']);
  line.answer();
  assert.deepEqual(line.sent, ['online', 'a']);
});

test('what was not answered goes again by the next connection, but nothing that is out of date', () => {
  const { voice, say } = voiceOf();
  const first = new ScriptedLine();
  voice.attach(first, false, null);
  first.answer();
  say('event 1');
  say('old', 'device');
  say('kept', 'other');
  voice.detach();
  say('new', 'device');
  // Answers of a connection that is over mean nothing.
  first.answer();
  const second = new ScriptedLine();
  voice.attach(second, true, null);
  assert.deepEqual(second.sent, ['online', 'event 1', 'new', 'kept']);
});

test('a refusal is said once and ends that kind of message', () => {
  const { voice, say, counted, logged } = voiceOf();
  const line = new ScriptedLine();
  voice.attach(line, false, null);
  say('1');
  say('2');
  line.answer();
  line.answer(0x87);
  line.answer(0x87);
  say('3');
  say('config', 'discovery', 'discovery');
  line.answer();
  assert.deepEqual(line.sent, ['online', '1', '2', 'config']);
  assert.deepEqual(counted, ['status sent', 'event refused', 'event refused', 'discovery sent']);
  assert.deepEqual(logged, [
    'the broker does not let us publish to event: Not authorized (0x87); no event messages any more',
  ]);
});

test('a will that is refused is left out, and only where that helps', () => {
  const { voice, logged } = voiceOf();
  const refused = { accepted: false, refusal: { code: 0x87, text: undefined } };
  const will = () => voice.will?.payload ?? null;
  assert.equal(will(), 'lost');
  // Refused without it too: it is something else.
  assert.equal(voice.retriesWithoutWill(refused), true);
  assert.equal(will(), null);
  assert.equal(voice.retriesWithoutWill(refused), false);
  assert.equal(will(), 'lost');
  assert.equal(voice.retriesWithoutWill({ accepted: false, refusal: null }), false);
  assert.equal(voice.retriesWithoutWill(refused), true);
  const line = new ScriptedLine();
  voice.attach(line, false, null);
  assert.deepEqual([line.sent, voice.will, voice.farewell('stopped')], [[], null, null]);
  assert.equal(voice.retriesWithoutWill({ accepted: true, refusal: null }), false);
  assert.equal(voice.retriesWithoutWill({ accepted: false, refusal: null }), false);
  assert.equal(will(), null, 'for good');
  assert.equal(logged.length, 1);
  assert.match(logged[0] ?? '', /publish to status: it refuses a connection that has its Last Will there/);
});

test('a broker that cuts the connection when we publish is left in peace', () => {
  const { voice, say, logged } = voiceOf();
  for (let round = 0; round < 3; round++) {
    voice.attach(new ScriptedLine(), true, null);
    voice.detach();
  }
  const line = new ScriptedLine();
  voice.attach(line, true, null);
  say('1');
  assert.deepEqual([line.sent, logged.length], [[], 1]);

  const other = voiceOf();
  const once = new ScriptedLine();
  other.voice.attach(once, true, null);
  once.answer();
  for (let round = 0; round < 9; round++) {
    other.voice.attach(new ScriptedLine(), true, null);
    other.voice.detach();
  }
  assert.deepEqual(other.logged, [], 'one that took a message has other reasons');
});

test('the last words are said only where somebody can hear them', () => {
  const { voice } = voiceOf();
  assert.equal(voice.farewell('stopped'), null);
  voice.attach(new ScriptedLine(), true, null);
  assert.equal(voice.farewell('full')?.payload, 'left full');
  voice.detach();
  assert.equal(voice.farewell('full'), null);
  assert.equal(voiceOf({ status: false }).voice.will, null);
});

test('events that wait are bounded: the oldest go, and are counted', () => {
  const { voice, say, counted } = voiceOf({ status: false });
  for (let event = 0; event < 10_002; event++) say(`${event}`);
  assert.deepEqual([voice.waiting, counted], [10_000, ['event dropped', 'event dropped']]);
  const line = new ScriptedLine();
  voice.attach(line, true, null);
  assert.equal(line.sent[0], '2');
});

test('property: whatever happens, each retained topic ends with the last that was said of it', () => {
  const step = fc.oneof(
    fc.record({ say: fc.constantFrom('a', 'b', 'c') }),
    fc.constantFrom('attach' as const, 'detach' as const, 'answer' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { voice } = voiceOf({ status: false });
      const last = new Map<string, string>();
      const kept = new Map<string, string>();
      let line: { sent: Announcement[]; answers: ((answer: BrokerReason) => void)[] } = {
        sent: [],
        answers: [],
      };
      const connect = () => {
        voice.detach();
        const mine: typeof line = { sent: [], answers: [] };
        line = mine;
        const publish: Line['publish'] = (announcement, done) => {
          kept.set(announcement.topic, announcement.payload);
          mine.answers.push(done);
        };
        voice.attach({ publish }, true, null);
      };
      // One answer, so that it is not taken for a broker that cuts us.
      voice.say({ subject: 'discovery', topic: 'first', payload: 'first', retain: true });
      connect();
      line.answers.shift()?.({ code: 0, text: undefined });
      for (const [index, what] of steps.entries()) {
        if (what === 'attach') connect();
        else if (what === 'detach') voice.detach();
        else if (what === 'answer') line.answers.shift()?.({ code: 0, text: undefined });
        else {
          last.set(what.say, `${index}`);
          voice.say({ subject: 'discovery', topic: what.say, payload: `${index}`, retain: true });
        }
      }
      connect();
      while (line.answers.length > 0) line.answers.shift()?.({ code: 0, text: undefined });
      assert.equal(voice.waiting, 0);
      for (const [topic, payload] of last) assert.equal(kept.get(topic), payload);
    }),
  );
});
