/** A whole Tidegate in this process, with devices that have sent what devices send. */

import { App } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Token } from '../../../src/http/guard.ts';
import type { EngineName } from '../../../src/postgres/engine-choice.ts';
import type { TestBroker } from '../../support/broker.ts';
import type { TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { addresses } from '../../support/program.ts';
import { message, SECOND } from '../../unit/pipeline/messages.ts';
import { configured, receive } from '../dead-letters/letters.ts';
import { openSink, points, series } from '../postgres/sinks.ts';

export interface Fleet extends AsyncDisposable {
  readonly url: string;
  /** What failed inside while requests were answered, since this was asked last. */
  takeFailures(): string[];
}

interface FleetOptions {
  readonly broker: TestBroker;
  readonly database: TestDatabase;
  readonly engine?: EngineName;
  readonly tokens?: readonly Token[];
}

/** The database must be migrated, for `engine`. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { broker, database, engine = 'postgres', tokens = [] } = options;
  await fill(database, engine);
  const failures: string[] = [];
  const quiet = () => {};
  const app = new App({
    config: loadConfig({
      env: { ...addresses(broker, database.url), TIDEGATE_HTTP_TOKENS: JSON.stringify(tokens) },
    }),
    version: '0.0.0-test',
    logger: {
      debug: quiet,
      info: quiet,
      warn: quiet,
      error: (fields: { error?: unknown; method?: unknown; url?: unknown }, text: string) => {
        if (text !== 'An HTTP request failed') return;
        const { error, method, url } = fields;
        const reason = error instanceof Error ? error.stack : JSON.stringify(error);
        failures.push(`${String(method)} ${String(url).slice(0, 2_000)}: ${reason}`);
      },
    },
  });
  app.failure.catch(() => {});
  await app.start();
  // The scheduler may come last, and /readyz answers 503 until then.
  await eventually('it is ready', () => app.ready().ready);
  return {
    get url() {
      return app.httpUrl as string;
    },
    takeFailures: () => failures.splice(0),
    async [Symbol.asyncDispose]() {
      await app.stop(AbortSignal.timeout(10_000));
    },
  };
}

/** Numbers, texts, and what is neither, up to now; names that a URL has to encode; two dead letters. */
async function fill(database: TestDatabase, engine: EngineName): Promise<void> {
  const now = Math.floor(Date.now() / 1000) * SECOND;
  const sink = openSink(database, { engine });
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e308, -0, 5e-324];
  await sink.put(
    points(
      Array.from({ length: 500 }, (_, index) => ({
        device: 'boiler',
        metric: 'temperature',
        time: now - index * 10 * SECOND,
        value: 20 + (index % 7),
      })),
    ),
    points(
      odd.map((value, index) => ({ device: 'boiler', metric: 'odd', time: now - index * SECOND, value })),
    ),
    series('a/b?ü %', now - 60 * SECOND, 30),
    message((out) => out.text('boiler', 'note', now, 'all "is"\n well', false)),
  );
  await sink.maintain();
  await sink.close();
  await receive(
    configured(database),
    ['devices/broken', 'devices/broken/too'].map((topic) => ({ topic, payload: '{"half', at: now })),
    { engine },
  );
}
