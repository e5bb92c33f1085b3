import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeDefaults } from '../../../../src/config/route.ts';
import { newScope } from '../../../../src/decode/expression.ts';
import { LineCatalog } from '../../../../src/decode/formats/line-series.ts';
import { LineScanner } from '../../../../src/decode/formats/line-scanner.ts';
import { SenmlCatalog } from '../../../../src/decode/formats/senml-series.ts';
import { planRoute } from '../../../../src/decode/route-plan.ts';
import { Router, type TopicMatch } from '../../../../src/decode/router.ts';

function matchOf(format: 'senml' | 'line_protocol'): TopicMatch {
  const plan = planRoute({ ...routeDefaults(), name: 'r', topic: 'd/{device_id}', format });
  return new Router([plan], 255).match('d/1') as TopicMatch;
}

const LONG = 'x'.repeat(100_000);

/** Bounded by 20 MB of them. */
const MOST = 300;

/** After how many of the strangers the first is not known any more. */
function forgottenAfter(find: (stranger: number) => unknown): number {
  const first = find(0);
  assert.equal(find(0), first);
  for (let stranger = 1; stranger <= MOST; stranger++) {
    find(stranger);
    if (find(0) !== first) return stranger;
  }
  return Number.POSITIVE_INFINITY;
}

test('names and units of SenML are remembered by their length', () => {
  const match = matchOf('senml');
  for (const record of [
    (stranger: number) => [`${LONG}${stranger}`, 'n', 'C'],
    (stranger: number) => ['', `${LONG}${stranger}`, 'C'],
    (stranger: number) => ['', `n${stranger}`, LONG],
    (stranger: number) => ['', 'same', `${LONG}${stranger}`],
  ] as const) {
    const catalog = new SenmlCatalog();
    const find = (base: string, name: string, unit: string) => {
      catalog.beginPack(match);
      catalog.setBase(base, match);
      return catalog.find(name, unit, match, newScope());
    };
    const after = forgottenAfter((stranger) =>
      stranger === 0 ? find('', 'first', 'C') : find(...(record(stranger) as [string, string, string])),
    );
    assert.ok(after > 50 && after <= MOST, `${after}`);
  }
});

test('lines are remembered by their length and their tags', () => {
  const match = matchOf('line_protocol');
  const tags = Array.from({ length: 250 }, (_, index) => `,t${index}=1`).join('');
  for (const [key, least, most] of [
    [(stranger: number) => `${LONG}${stranger}`, 50, MOST],
    // Of each some 26,000 bytes.
    [(stranger: number) => `m${stranger}${tags}`, 200, 1_000],
  ] as const) {
    const catalog = new LineCatalog();
    const find = (text: string) => {
      const scanner = new LineScanner(Buffer.from(`${text} f=1`));
      assert.ok(scanner.key());
      catalog.begin();
      return catalog.find(scanner, match, newScope());
    };
    const first = find('first');
    let after = 0;
    while (find('first') === first && after < most) find(key(++after));
    assert.ok(after > least && after < most, `${after}`);
  }
});
