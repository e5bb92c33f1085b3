import type { Command } from 'commander';
import { readsSparkplug } from '../app-options.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { compareExplanations } from '../decode/comparison.ts';
import { TidegateError } from '../errors.ts';
import { briefly, Explainer } from '../explainer.ts';
import { fetchKnownEdges } from '../letters/known-edges.ts';
import type { CapturedMessage } from './capture.ts';
import { describeChange, describeTotals, noTotals } from './comparison-report.ts';
import { databaseOptional } from './database-optional.ts';
import { describe } from './explain-report.ts';
import {
  capturedMessages,
  deadMessages,
  liveMessages,
  type MessageFeed,
  oneMessage,
} from './message-feed.ts';
import { wholeNumber } from './option-values.ts';
import { printable } from './printable.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface ExplainOptions {
  readonly config?: string;
  readonly against?: string;
  readonly follow?: string;
  readonly url?: string;
  readonly messages?: string;
  readonly deadLetters?: boolean;
  readonly limit: number;
  readonly count?: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** Dead letters that are looked at. */
const LATEST = 1_000;
/** Changed messages that are printed. */
const SHOWN_CHANGES = 50;

export function addExplain(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('explain')
    .alias('test')
    .description(
      'Say what would become of a message: its route, its points, or why it would be a dead letter and what would mend it.',
    )
    .argument('[topic]', 'the topic of the message')
    .argument('[payload]', 'its payload: text, @file, or - for standard input')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option('--follow <filter>', 'what devices publish now to such topics, an MQTT filter')
    .option('-u, --url <url>', 'with --follow: the broker instead of mqtt.url')
    .option(
      '--messages <file>',
      'the messages of a capture (`tidegate tail --capture`), or - for standard input',
    )
    .option('--dead-letters', 'the latest dead letters in the database')
    .option('--limit <count>', 'with --dead-letters: how many', wholeNumber(1), LATEST)
    .option('--against <file>', 'another configuration: say what --config would store differently')
    .option('--count <number>', 'stop after so many messages', wholeNumber(1))
    .option('--verbose', 'say of each route why it does not take the message, not of each preset')
    .option('--json', 'print {route, points, dead_letter} as JSON')
    .addHelpText(
      'after',
      `
Nothing is stored. --follow subscribes in a clean session of its own at QoS 0: a running daemon loses nothing by it.
Other than with --follow and --dead-letters nothing is connected to, but for routes of Sparkplug the database, which knows
births that came before. A capture has a JSON object a line: topic, payload
(base64), receivedAt (ISO 8601), and qos and retain where they are known. With --json and several messages each is an
object on a line of its own that has the topic too.
Exit code 0: every part of the messages would be stored or is ignored by configuration. 1: some would be a dead letter;
with --against: some that --against stores would be one. 2: bad usage or configuration.

Examples: tidegate explain devices/boiler-1/temperature 21.5
          tidegate explain --follow 'zigbee2mqtt/#' --count 5
          tidegate explain --config new.yaml --against tidegate.yaml --dead-letters`,
    )
    .action(async (topic: string | undefined, payload: string | undefined, options: ExplainOptions) => {
      exit(await explain(terminal, topic, payload, options));
    });
}

async function explain(
  terminal: Terminal,
  topic: string | undefined,
  payload: string | undefined,
  options: ExplainOptions,
): Promise<ExitCode> {
  const sources = [topic, options.follow, options.messages, options.deadLetters];
  if (
    sources.filter((source) => source !== undefined).length !== 1 ||
    (topic === undefined) !== (payload === undefined)
  ) {
    throw new TidegateError(
      'usage',
      'give a topic and a payload, or --follow, or --messages, or --dead-letters',
    );
  }
  if (topic !== undefined) checkTopic(topic);
  // Dead letters are in the database, and births of Sparkplug; all else can do without.
  const { config, hasDatabase } = readConfig(options.config, terminal.env, options.deadLetters === true);
  const explainer = await explainerOf(config, hasDatabase, terminal);
  const feed = ((): MessageFeed => {
    if (topic !== undefined && payload !== undefined) return oneMessage(topic, payload, terminal);
    if (options.messages !== undefined) return capturedMessages(options.messages, terminal);
    if (options.deadLetters === true) return deadMessages(options.limit, config, terminal);
    return liveMessages(options.follow ?? '', options.url, config, terminal);
  })();
  const limited = atMost(feed, options.count ?? Number.POSITIVE_INFINITY);
  if (options.against === undefined)
    return await explainEach(terminal, limited, explainer, topic === undefined, options);
  const other = readConfig(options.against, terminal.env, false);
  const before = await explainerOf(other.config, other.hasDatabase, terminal);
  return await compareEach(terminal, limited, explainer, before, options);
}

/** `hasDatabase`: whether the configuration names one. */
function readConfig(
  file: string | undefined,
  env: Terminal['env'],
  needsDatabase: boolean,
): { readonly config: Config; readonly hasDatabase: boolean } {
  try {
    return { config: loadConfig({ file, env }), hasDatabase: true };
  } catch (error) {
    if (needsDatabase) throw error;
    return { config: loadConfig({ file, env: databaseOptional(env) }), hasDatabase: false };
  }
}

/** Knows the births of Sparkplug edge nodes that the database has; where it cannot, it says so. */
async function explainerOf(config: Config, hasDatabase: boolean, terminal: Terminal): Promise<Explainer> {
  if (!readsSparkplug(config)) return new Explainer(config);
  const unknown = (why: string): Explainer => {
    const line = `No births of Sparkplug are known but those that are explained first: ${why}.`;
    print(terminal.stderr, line);
    return new Explainer(config);
  };
  if (!hasDatabase) return unknown('no database.url is configured');
  try {
    return new Explainer(config, await fetchKnownEdges(config));
  } catch (error) {
    return unknown(printable(error instanceof Error ? error.message : String(error)));
  }
}

/** Throws `usage` for what nothing can be published to (MQTT 5, section 4.7). */
function checkTopic(topic: string): void {
  const shown = JSON.stringify(topic);
  if (topic === '') throw new TidegateError('usage', 'the topic is empty; name the one of a message');
  if (/[+#]/.test(topic))
    throw new TidegateError(
      'usage',
      `the topic ${shown} is a filter; name the topic of a message, or listen with --follow ${shown}`,
    );
  if (topic.includes('\0') || !topic.isWellFormed() || Buffer.byteLength(topic) > 65_535)
    throw new TidegateError(
      'usage',
      `the topic ${shown} has a NUL, a lone surrogate or more than 65535 bytes`,
    );
}

async function explainEach(
  terminal: Terminal,
  feed: MessageFeed,
  explainer: Explainer,
  several: boolean,
  options: ExplainOptions,
): Promise<ExitCode> {
  let code: ExitCode = 0;
  let messages = 0;
  await feed(({ topic, payload, receivedAt }) => {
    messages++;
    const explanation = explainer.explain(topic, payload, receivedAt, options.deadLetters);
    if (explanation.dead_letter !== null) code = 1;
    const brief = several ? { topic, ...briefly(explanation) } : briefly(explanation);
    if (options.json === true) print(terminal.stdout, JSON.stringify(brief));
    else {
      const text = describe(
        explanation,
        explainer.remedy(topic, payload, explanation, receivedAt),
        options.verbose === true,
      );
      print(terminal.stdout, several ? `topic       ${printable(topic)}\n${text}\n` : text);
    }
    return true;
  });
  if (messages === 0) print(terminal.stderr, 'There was no message to explain.');
  return code;
}

async function compareEach(
  terminal: Terminal,
  feed: MessageFeed,
  now: Explainer,
  old: Explainer,
  options: ExplainOptions,
): Promise<ExitCode> {
  const totals = noTotals();
  let shown = 0;
  await feed(({ topic, payload, receivedAt }: CapturedMessage) => {
    totals.messages++;
    const [before, after] = [old, now].map((explainer) =>
      explainer.explain(topic, payload, receivedAt, options.deadLetters),
    );
    if (before === undefined || after === undefined) return false;
    const change = compareExplanations(before, after);
    if (change === null) {
      totals.same++;
      return true;
    }
    totals[change.verdict]++;
    if (options.json === true) {
      const { verdict, gone, added } = change;
      print(terminal.stdout, JSON.stringify({ topic, verdict, gone, added, dead_letter: after.dead_letter }));
    } else if (shown++ < SHOWN_CHANGES) {
      const dead = after.dead_letter;
      print(terminal.stdout, describeChange(topic, change, dead && `${dead.code}: ${dead.detail}`));
    }
    return true;
  });
  const more = shown - SHOWN_CHANGES;
  if (options.json === true) print(terminal.stdout, JSON.stringify(totals));
  else print(terminal.stdout, `${more > 0 ? `and ${more} more\n` : ''}${describeTotals(totals)}`);
  return totals.broken === 0 ? 0 : 1;
}

function atMost(feed: MessageFeed, count: number): MessageFeed {
  let left = count;
  return (each) => feed((message) => each(message) && --left > 0);
}
