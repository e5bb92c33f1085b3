import { hash, randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { stringify } from 'yaml';
import type { Described } from '../config/items.ts';
import { TOKEN } from '../config/token.ts';
import { TidegateError } from '../errors.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

interface TokenOptions {
  readonly scope: string;
  readonly devices?: readonly string[];
  readonly json?: boolean;
}

/** As many as the digest has: nobody guesses it, so a plain digest needs no salt. */
const RANDOM_BYTES = 32;
/** Tells people and scanners of leaked secrets whose it is. */
const PREFIX = 'tg_';

export function addToken(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('token')
    .description('Tokens for the HTTP API.')
    .command('create')
    .description('Make a new token, and print it with what to add to the configuration.')
    .argument('<name>', 'whose it is: shown in the log and in iot_audit')
    .option(
      '--scope <scope>',
      'read looks; operator also gives orders: runs jobs, compresses, replays and drops',
      'read',
    )
    .option('--devices <prefix...>', 'lets only devices be seen whose ids begin so; default: all')
    .option('--json', 'print {token, name, sha256, scope, devices} as JSON')
    .addHelpText(
      'after',
      `
The token is shown once and kept nowhere: the configuration has its SHA-256 only, and takes effect when the daemon starts
anew. Clients send it as \`Authorization: Bearer TOKEN\`; \`tidegate status\` takes it from TIDEGATE_TOKEN.`,
    )
    .action((name: string, options: TokenOptions) => {
      create(terminal, name, options);
      exit(0);
    });
}

/** Throws `usage`. */
function create(terminal: Terminal, name: string, { scope, devices = [], json }: TokenOptions): void {
  const { properties } = TOKEN;
  const given: readonly (readonly [option: string, schema: TSchema, value: unknown])[] = [
    ['<name>', properties.name, name],
    ['--scope', properties.scope, scope],
    ['--devices', properties.devices, devices],
  ];
  for (const [option, schema, value] of given) {
    if (Value.Check(schema, value)) continue;
    const { allowed } = schema as TSchema & Described;
    throw new TidegateError('usage', `${option} ${JSON.stringify(value)}: allowed is ${allowed}`);
  }
  const token = PREFIX + randomBytes(RANDOM_BYTES).toString('base64url');
  const item = { name, sha256: hash('sha256', token, 'hex'), scope, devices };
  if (json === true) return print(terminal.stdout, JSON.stringify({ token, ...item }));
  // Every scalar of the configuration is read as text, whatever it looks like.
  const yaml = stringify(
    { http: { tokens: [{ ...item, ...(devices.length === 0 && { devices: undefined }) }] } },
    { lineWidth: 0 },
  );
  print(
    terminal.stdout,
    `${token}\n\nThis is the token; it is shown only now. Add to the configuration:\n\n${yaml}`,
  );
}
