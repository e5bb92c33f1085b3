import type { ServerFacts, ServerSetting } from '../postgres/server-facts.ts';
import type { Finding, Level } from './finding.ts';

/** What the rules of the server know. */
export interface ServerInput {
  readonly facts: ServerFacts;
  /** Of the machine that PostgreSQL runs on, in bytes; null where that is not this one. */
  readonly memory: number | null;
  readonly cores: number | null;
  /** Bytes of the disk of its data; null where it cannot be seen. */
  readonly disk: number | null;
  /** Points stored a second in the busiest minute of the last day; 0 where nothing is known. */
  readonly peakPoints: number;
  readonly engine: 'postgres' | 'timescaledb';
}

interface Verdict {
  readonly level: Level;
  readonly should: string;
  readonly why: string;
  /** The value to set; null where it may stay. */
  readonly set: string | null;
}

/** A rule of one setting. */
export type SettingRule = (setting: ServerSetting, input: ServerInput) => Verdict;

/** What `rules` say; of settings that this server does not have, nothing. */
export function judged(rules: Readonly<Record<string, SettingRule>>, input: ServerInput): Finding[] {
  return Object.entries(rules).flatMap(([what, rule]) => {
    const setting = input.facts.settings.get(what);
    if (setting === undefined) return [];
    const { level, should, why, set } = rule(setting, input);
    const remedy = set === null ? null : alterSystem(what, set, setting.needsRestart);
    return [{ area: 'server', what, is: setting.shown || '(empty)', should, why, remedy, level }];
  });
}

function alterSystem(name: string, value: string, needsRestart: boolean): string {
  const then = needsRestart ? '-- then restart PostgreSQL' : 'SELECT pg_reload_conf();';
  return `ALTER SYSTEM SET ${name} = '${value}'; ${then}`;
}
