/** What the environment says about the configuration: variables, and credentials as systemd hands them over. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TidegateError } from '../errors.ts';
import { envName, type NamedKey } from './key.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Override {
  readonly text: string;
  /** The name of the variable, or the path of the credential. */
  readonly origin: string;
}

/** By the key's name. A variable goes before a credential; an empty one says nothing. */
export function readOverrides(env: Environment, keys: readonly NamedKey[]): Map<string, Override> {
  const overrides = new Map<string, Override>();
  for (const key of keys) {
    const override = readVariable(env, key) ?? readCredential(env, key);
    if (override !== null) {
      overrides.set(key.name, override);
    }
  }
  return overrides;
}

function readVariable(env: Environment, { env: name }: NamedKey): Override | null {
  const text = env[name] ?? '';
  return text === '' ? null : { text, origin: name };
}

/** systemd.exec(5), LoadCredential: a file of its own for each secret. */
function readCredential(env: Environment, { name, sensitive }: NamedKey): Override | null {
  const directory = env['CREDENTIALS_DIRECTORY'];
  if (directory === undefined || sensitive !== true) {
    return null;
  }
  const path = join(directory, name.replaceAll('.', '_'));
  try {
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    return text === '' ? null : { text, origin: path };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return null;
    }
    throw new TidegateError('config_unreadable', `${path}: ${String(error)}`, { cause: error });
  }
}

/**
 * Variables that look like ours but name no key: a misspelt one must not be passed over in silence. Only those of a
 * section, as Kubernetes puts TIDEGATE_PORT and TIDEGATE_SERVICE_HOST beside a service of the name.
 */
export function unknownVariables(env: Environment, keys: readonly NamedKey[]): string[] {
  const known = new Set(keys.map((key) => key.env));
  const sections = new Set(
    keys.flatMap(({ name }) => (name.includes('.') ? (name.split('.')[0] ?? []) : [])),
  );
  const prefixes = [...sections].map((section) => `${envName([section])}_`);
  return Object.keys(env).filter(
    (name) => prefixes.some((prefix) => name.startsWith(prefix)) && !known.has(name),
  );
}
