import { escapeIdentifier, escapeLiteral } from 'pg';
import type { EngineName } from './engine-choice.ts';
import { type SchemaNames, withNames } from './names.ts';

const LEVELS = ['1min', '15min', '1hour', '1day'];

/** On every engine: series, what each holds, how devices are heard and called, and what is collected. */
const ACTIVITY = [
  'series',
  'series_stats',
  'batches',
  'device_states',
  'device_names',
  'series_changes',
  'collected_minutes',
  'collected_series',
];

/** What readers look into, by functions that run with the rights of whoever calls, or by themselves. */
const LOOKED_INTO: Readonly<Record<EngineName, readonly string[]>> = {
  postgres: [
    ...ACTIVITY,
    'hot_points',
    'points_late',
    'segments',
    'segment_points',
    'stored_points',
    'texts',
    'texts_late',
    'aggregates',
    ...LEVELS.flatMap((level) => [`aggregate_${level}`, `frames_${level}`, `frame_rows_${level}`]),
  ],
  timescaledb: [
    ...ACTIVITY,
    'points',
    'stored_points',
    'texts',
    'aggregates',
    ...LEVELS.map((level) => `aggregate_${level}`),
  ],
};

/** Of the schema that people read. */
export const VIEWS = [
  'iot_data',
  ...LEVELS.map((level) => `iot_data_${level}`),
  'iot_text',
  'iot_series',
  'iot_devices',
  'iot_latest',
  'iot_dead_letters',
  'iot_audit',
  'iot_device_aliases',
  'iot_imports',
  'iot_query_logs',
  'v_iot_query_performance',
];

interface Roles {
  readonly readerRole: string | null;
  readonly writerRole: string | null;
}

/** What an administrator runs once: the roles and the schemas (PostgreSQL 15 gives nobody CREATE on public). */
export function bootstrapSql(names: SchemaNames, roles: { [K in keyof Roles]: string }): string {
  const wanted = [
    ['tidegate_owner', 'owns the schema and migrates it (database.migrate_url)'],
    [roles.writerRole, 'the daemon (database.url)'],
    [roles.readerRole, 'dashboards and people (database.reader_role)'],
  ] as const;
  const create = wanted.map(
    ([role, what]) => `-- ${role}: ${what}; give it a password with \\password ${role}
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${escapeLiteral(role)}) THEN
    CREATE ROLE ${escapeIdentifier(role)} LOGIN;
  END IF;
END $$;`,
  );
  return withNames(
    `-- Run as a superuser in Tidegate's database. One role may be all three: then only this part can be left out.
${create.join('\n')}
CREATE SCHEMA IF NOT EXISTS :"schema";
GRANT CREATE ON SCHEMA :"schema" TO tidegate_owner;
GRANT USAGE ON SCHEMA :"schema" TO tidegate_owner WITH GRANT OPTION;
CREATE SCHEMA IF NOT EXISTS :"internal" AUTHORIZATION tidegate_owner;
-- From here on as the owner.
SET ROLE tidegate_owner;
`,
    names,
  );
}

/** Grants, repeated at every migration so that new tables are covered. Empty where no role is named. */
export function grantSql(names: SchemaNames, roles: Roles, engine: EngineName): string {
  const parts: string[] = [];
  if (roles.writerRole !== null) {
    const role = escapeIdentifier(roles.writerRole);
    parts.push(`GRANT USAGE ON SCHEMA :"internal", :"schema" TO ${role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA :"internal" TO ${role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA :"internal" TO ${role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA :"internal" TO ${role};
GRANT SELECT, INSERT, DELETE ON :"schema".iot_query_logs TO ${role};
${readSql(role)}`);
  }
  if (roles.readerRole !== null) {
    const role = escapeIdentifier(roles.readerRole);
    parts.push(`GRANT USAGE ON SCHEMA :"internal", :"schema" TO ${role};
GRANT SELECT ON ${LOOKED_INTO[engine].map((table) => `:"internal".${table}`).join(', ')} TO ${role};
${readSql(role)}`);
  }
  return withNames(parts.join('\n'), names);
}

function readSql(role: string): string {
  return `GRANT SELECT ON ${VIEWS.map((view) => `:"schema".${view}`).join(', ')} TO ${role};
GRANT EXECUTE ON FUNCTION :"schema".iot_points(text, text, timestamptz, timestamptz), :"schema".iot_points(text[], text[], timestamptz, timestamptz) TO ${role};`;
}
