import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitingRoom } from '../../../src/pipeline/waiting-room.ts';
import { message } from './messages.ts';

const sized = (bytes: number) => message(() => {}, { qos: 0, payload: new Uint8Array(bytes) });

test('the newest stay, in order of arrival', () => {
  const room = new WaitingRoom(4_000);
  const all = Array.from({ length: 10 }, () => sized(1_000));
  const left = all.map((one) => room.push(one));
  assert.deepEqual(left, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1].slice(0, 10));
  assert.equal(room.size, 3);
  assert.deepEqual(room.empty(), all.slice(7));
  assert.equal(room.size, 0);
  assert.deepEqual(room.empty(), []);
  assert.equal(room.push(sized(1_000)), 0, 'the bytes of those that went are free again');
});

test('a large message makes several leave; one that is too large does not stay itself', () => {
  const room = new WaitingRoom(4_000);
  for (let index = 0; index < 3; index++) room.push(sized(900));
  assert.equal(room.push(sized(2_000)), 2);
  assert.equal(room.push(sized(5_000)), 3);
  assert.equal(room.size, 0);
});
