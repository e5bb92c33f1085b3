import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparkplugB } from '../../../../src/decode/presets/sparkplug-b.ts';
import { bdSeq, encodePayload } from '../../../support/sparkplug.ts';
import { pointsOf, become } from './preset-points.ts';

const PRESET = { preset: 'sparkplug_b' };

test('a birth gives its values, and that the edge node is there', () => {
  const [{ topic, payload } = { topic: '', payload: '' }] = sparkplugB.examples;
  const time = '2026-01-01T00:00:00.000000Z';
  assert.deepEqual(pointsOf(PRESET, topic, payload), [
    ['Plant 1/Press', 'online', 1, time],
    ['Plant 1/Press', 'Inputs/Temperature', 21.5, time],
    ['Plant 1/Press', 'Outputs/Valve', 1, time],
  ]);
});

test('a death says that it is gone, a data set and bytes are left alone', () => {
  const death = encodePayload({ metrics: [bdSeq(0)] });
  assert.deepEqual(pointsOf(PRESET, 'spBv1.0/Plant 1/NDEATH/Press', death), [['Plant 1/Press', 'online', 0]]);
  const table = { columns: ['x'], types: [3], rows: [{ elements: [{ intValue: 1 }] }] };
  const data = encodePayload({
    seq: 1,
    metrics: [
      { name: 't', datatype: 16, datasetValue: table },
      { name: 'b', datatype: 17, bytesValue: Buffer.from([1]) },
    ],
  });
  const { points, rejections } = become(PRESET, 'spBv1.0/Plant 1/NDATA/Press', data);
  assert.deepEqual([points, rejections], [[], []]);
});
