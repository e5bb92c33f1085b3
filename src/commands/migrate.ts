import type { Command } from 'commander';
import { databaseOptions } from '../app-options.ts';
import { loadConfig } from '../config/load.ts';
import { connect } from '../postgres/connection.ts';
import { migrate, migrationScript } from '../postgres/migrate.ts';
import { writingRole } from '../postgres/startup.ts';
import { createLogger } from '../telemetry/log.ts';
import { type ExitCode, print, type Terminal } from './terminal.ts';

export function addMigrate(program: Command, terminal: Terminal, exit: (code: ExitCode) => void): void {
  program
    .command('migrate')
    .description('Bring the database to the schema of this version. `run` does it too where its role may.')
    .option('-c, --config <file>', 'the configuration file (YAML)')
    .option(
      '--sql',
      'print everything as one SQL script instead, the roles that an administrator makes included',
    )
    .action(async ({ config, sql }: { config?: string; sql?: boolean }) => {
      exit(await migrateDatabase(terminal, config, sql === true));
    });
}

async function migrateDatabase(
  terminal: Terminal,
  file: string | undefined,
  asSql: boolean,
): Promise<ExitCode> {
  const config = loadConfig({ file, env: terminal.env });
  const options = databaseOptions(config);
  if (asSql) {
    const writerRole = options.migrateUrl === null ? null : userOf(options.url);
    // Without a look into the database: auto is what needs nothing.
    const engine = options.engine === 'auto' ? 'postgres' : options.engine;
    print(terminal.stdout, migrationScript({ ...options, writerRole }, engine));
    return 0;
  }
  const logger = createLogger({
    level: config.log.level,
    format: config.log.format,
    stream: terminal.stderr,
    isTerminal: terminal.isTerminal,
    journal: false,
  });
  const client = await connect({
    url: options.url,
    statementTimeout: 0,
    applicationName: 'tidegate migrate',
  });
  const writerRole = await writingRole(client, options);
  await client.end();
  const applied = await migrate({ ...options, url: options.migrateUrl ?? options.url, writerRole, logger });
  print(
    terminal.stdout,
    applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.length}: ${applied.join(', ')}.`,
  );
  return 0;
}

function userOf(url: string): string | null {
  const user = decodeURIComponent(new URL(url).username);
  return user === '' ? null : user;
}
