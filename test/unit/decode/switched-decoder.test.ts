import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecoder, type RouteDecoder } from '../../../src/decode/decoder.ts';
import { SwitchedDecoder } from '../../../src/decode/switched-decoder.ts';
import type { Decoder, PointWriter } from '../../../src/pipeline/types.ts';
import { EdgeNodes } from '../../../src/decode/sparkplug/edge-nodes.ts';
import { bdSeq, encodePayload } from '../../support/sparkplug.ts';
import { LIMITS, makeRoute } from './decoding.ts';

type Overrides = Parameters<typeof makeRoute>[0];

function decoderOf(routes: readonly Overrides[], earlier?: RouteDecoder): RouteDecoder {
  return createDecoder(routes.map(makeRoute), LIMITS, undefined, earlier);
}

/** Microseconds: no message comes at the time of another. */
let now = 1_700_000_000_000_000;

/** The metric that a message becomes, or why it becomes none. */
function decoded(decoder: Decoder, topic: string, payload: Uint8Array = Buffer.from('1')): string[] {
  const found: string[] = [];
  const out: PointWriter = {
    number: (_device, metric) => void found.push(metric),
    text() {},
    describe() {},
    reject: (code) => void found.push(code),
    drop: (reason) => void found.push(reason),
  };
  decoder.decode(topic, payload, out, false, ++now);
  return found;
}

test('new routes decode a message; one that only old ones take those do, for as long as such may come', () => {
  let come = true;
  const old = decoderOf([
    { topic: 'old/{device_id}', metric_name: 'old' },
    { topic: 'both/{device_id}', metric_name: 'old' },
  ]);
  const decoder = new SwitchedDecoder(old, () => come);
  const asserted = (topic: string, result: string, why?: string): void => {
    assert.deepEqual([decoded(decoder, topic), decoded(decoder.past, topic)], [[result], [result]], why);
  };
  asserted('both/a', 'old');
  decoder.replace(decoderOf([{ topic: 'both/{device_id}', metric_name: 'new' }]));
  asserted('both/a', 'new');
  asserted('old/a', 'old');
  asserted('none/a', 'no_route');
  decoder.replace(decoderOf([{ topic: 'newest/{device_id}', metric_name: 'newest' }]));
  asserted('both/a', 'new', 'the latest that took it');
  come = false;
  asserted('both/a', 'no_route');
  come = true;
  asserted('old/a', 'no_route', 'nobody keeps them any longer');
});

test('a route that stays as it is remembers what came to it; a changed one begins anew', () => {
  const route: Overrides = {
    topic: 'd/{device_id}',
    metric_name: 'm',
    dedupe: { by: 'payload', within: '1min' },
  };
  const old = decoderOf([route]);
  assert.deepEqual(decoded(old, 'd/a'), ['m']);
  const kept = decoderOf([{ topic: 'before/{device_id}', metric_name: 'm' }, route], old);
  assert.deepEqual(decoded(kept, 'd/a'), ['repeated']);
  const changed = decoderOf([{ ...route, metric_name: 'other' }], old);
  assert.deepEqual(decoded(changed, 'd/a'), ['other']);
});

test('what the births of Sparkplug edge nodes said is known to the routes that come after', () => {
  const edges = new EdgeNodes({ nodes: 10, metrics: 100 });
  const routes = (metric?: string) => [
    makeRoute({ topic: 'spBv1.0/#', format: 'sparkplug_b', ...(metric && { include: [metric] }) }),
  ];
  const old = createDecoder(routes(), LIMITS, edges);
  const decoder = new SwitchedDecoder(old, () => true);
  const metrics = [bdSeq(0), { name: 'level', alias: 7, datatype: 3, intValue: 1 }];
  decoded(decoder, 'spBv1.0/G/NBIRTH/E', encodePayload({ seq: 0, timestamp: 1_700_000_000_000, metrics }));
  decoder.replace(createDecoder(routes('level'), LIMITS, edges, old));
  const data = { alias: 7, datatype: 3, intValue: 2 };
  assert.deepEqual(
    decoded(
      decoder,
      'spBv1.0/G/NDATA/E',
      encodePayload({ seq: 1, timestamp: 1_700_000_000_001, metrics: [data] }),
    ),
    ['level'],
  );
});
