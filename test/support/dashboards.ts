/** The dashboards of config/grafana, and what Grafana makes of their questions before it asks them. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

interface Target {
  readonly rawSql?: string;
  readonly format?: string;
  readonly expr?: string;
  readonly datasource: { readonly type: string; readonly uid: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
}

interface Variable {
  readonly name: string;
  readonly query: string | { readonly query: string };
  readonly datasource: Target['datasource'];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly links: readonly { readonly url: string }[];
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

const FOLDER = new URL('../../config/grafana/dashboards/', import.meta.url);

export const DASHBOARDS: readonly Dashboard[] = readdirSync(FOLDER)
  .sort()
  .map((file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Dashboard);

/** A question in SQL: of a panel, or for what a variable may be chosen from. */
export interface SqlQuestion {
  readonly title: string;
  readonly sql: string;
  readonly format: string;
}

export const SQL_QUESTIONS: readonly SqlQuestion[] = DASHBOARDS.flatMap(({ panels, templating }) => [
  ...templating.list.flatMap(({ name, query }) =>
    typeof query === 'string' ? [{ title: `$${name}`, sql: query, format: 'variable' }] : [],
  ),
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.flatMap(({ rawSql, format = '' }) =>
      rawSql === undefined ? [] : [{ title, sql: rawSql, format }],
    ),
  ),
]);

export interface Chosen {
  readonly from: Date;
  readonly to: Date;
  /** Such as 30s or 5m: one point of the graph. */
  readonly interval: string;
  readonly variables: Readonly<Record<string, readonly string[]>>;
}

/** https://grafana.com/docs/grafana/latest/datasources/postgres/query-editor/ for the macros of the range. */
export function interpolated(sql: string, { from, to, interval, variables }: Chosen): string {
  const text = sql
    .replaceAll('$__timeFrom()', `'${from.toISOString()}'`)
    .replaceAll('$__timeTo()', `'${to.toISOString()}'`)
    .replaceAll('$__interval', interval)
    .replaceAll(/\$\{(\w+):sqlstring\}/g, (_, name: string) => {
      const values = variables[name];
      assert.ok(values, `no variable ${name}`);
      return values.map((value) => `'${value.replaceAll("'", "''")}'`).join(',');
    });
  assert.doesNotMatch(text, /\$[_{a-z]/, 'everything is interpolated');
  return text;
}

/** As any range and interval would have it. */
export function interpolatedPromql(expression: string): string {
  return expression.replaceAll('$__rate_interval', '1m');
}
