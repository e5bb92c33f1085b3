import { escapeIdentifier, escapeLiteral } from 'pg';

/** Where the objects live: what users read, and the internals behind it. */
export interface SchemaNames {
  readonly schema: string;
  readonly internal: string;
}

/** `tidegate` behind `public`, else `<schema>_tidegate`. */
export function schemaNames(schema: string): SchemaNames {
  return { schema, internal: schema === 'public' ? 'tidegate' : `${schema}_tidegate` };
}

/** Puts the names into SQL text: `:"internal"` as an identifier, `:'internal'` as a literal (as psql does). */
export function withNames(sql: string, names: SchemaNames): string {
  return sql.replaceAll(/:(["'])(schema|internal)\1/g, (_all, quote: string, which: 'schema' | 'internal') =>
    quote === '"' ? escapeIdentifier(names[which]) : escapeLiteral(names[which]),
  );
}
