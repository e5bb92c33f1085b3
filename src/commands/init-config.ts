/** The configuration that `init` writes. */

import type { Found, SurveyReport, Unknown } from '../decode/survey.ts';
import { payloadText } from '../decode/payload-text.ts';
import { count } from './counted.ts';
import { printable } from './printable.ts';
import { routeLines } from './route-yaml.ts';

export interface InitFacts {
  /** The broker, where it was given by an option: the environment says it again. */
  readonly url: string | null;
  /** As it is shown, without a password. */
  readonly listenedTo: string;
  readonly seconds: number;
  readonly at: Date;
  /** Whether the environment names a database. */
  readonly hasDatabase: boolean;
  /** Of this machine: IANA's name. */
  readonly timeZone: string;
}

const PLACEHOLDER = 'postgres://tidegate:password@localhost:5432/iot';

export function initYaml(report: SurveyReport, facts: InitFacts): string {
  const lines = [
    `# Written by \`tidegate init\` at ${facts.at.toISOString()}, after ${facts.seconds} s at ${facts.listenedTo}.`,
    '# `tidegate check --config FILE` tries it; every other key is in docs/configuration.md.',
    '',
    ...brokerLines(report.found, facts),
    ...retainedLines(report.found),
    ...(facts.hasDatabase ? [] : ['database:', '  # Or TIDEGATE_DATABASE_URL.', `  url: ${PLACEHOLDER}`, '']),
    'routes:',
    ...report.found.flatMap((found) => foundLines(found, facts).map((line) => `  ${line}`)),
    ...report.unknown.flatMap((unknown) => unknownLines(unknown).map((line) => `  ${line}`)),
  ];
  return `${lines.join('\n')}\n`;
}

function brokerLines(found: readonly Found[], { url }: InitFacts): string[] {
  const portals = new Set(
    found
      .filter(({ preset }) => preset?.name === 'victron')
      .flatMap(({ devices }) => devices.map((device) => device.split('/')[0] ?? '')),
  );
  const victron =
    portals.size === 0
      ? []
      : [
          '  # Venus OS publishes only while somebody asks it to; take the # away to have Tidegate ask.',
          `  #victron: {portals: ${JSON.stringify([...portals])}}`,
        ];
  if (url === null && victron.length === 0) return [];
  return ['mqtt:', ...(url === null ? [] : [`  url: ${JSON.stringify(url)}`]), ...victron, ''];
}

/** Commented out: what is retained may be old. */
function retainedLines(found: readonly Found[]): string[] {
  const kinds = found.flatMap(({ preset }) => (preset?.retains === undefined ? [] : [preset]));
  if (kinds.length === 0) return [];
  return [
    'ingest:',
    ...kinds.map(
      ({ title, retains }) => `  # ${title} retains ${retains}: skipped, unless you take the # away.`,
    ),
    '  # A value without a time of its own is stored as of its arrival.',
    '  #retained: if_changed',
    '',
  ];
}

function foundLines({ preset, keys, messages, topics }: Found, { timeZone }: InitFacts): string[] {
  const heard = `${count(messages, 'message')} of ${count(topics, 'topic')}`;
  if (preset === null) {
    return [
      `# Tidegate's own topics: ${heard}.`,
      ...routeLines({ topic: 'devices/{device_id}/{metric_name}' }),
      ...routeLines({ topic: 'devices/{device_id}' }),
    ];
  }
  const zone = preset.localTimes === true ? { time_zone: timeZone } : {};
  return [
    `# ${preset.title}: ${heard}; docs/presets.md.`,
    ...(preset.localTimes === true
      ? ['# Its times are local and without a zone: that of this machine is taken.']
      : []),
    ...routeLines({ preset: preset.name, ...keys, ...zone }),
  ];
}

/** Commented out: whether it is right people have to say. */
function unknownLines(unknown: Unknown): string[] {
  const { messages, topics, route } = unknown;
  const heard = `${count(messages, 'message')} of ${count(topics, 'topic')}`;
  return [
    `# Not recognised: ${heard}, such as ${exampleOf(unknown)}`,
    ...(route === null ? [] : routeLines(route).map((line) => `#${line}`)),
  ];
}

/** Topic and payload, short, in one line. */
export function exampleOf({ sample: { topic, payload }, bytes }: Unknown): string {
  const text = payloadText(Buffer.from(payload));
  const shown = text === null ? `${bytes} bytes` : text.length > 60 ? `${text.slice(0, 60)}...` : text;
  return printable(`${topic} ${shown}`);
}
