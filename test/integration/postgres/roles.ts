import { randomUUID } from 'node:crypto';
import type { TestDatabase } from '../../support/database.ts';

/** A role of the server that the test made, with a password; it goes with `dispose`, after the database is dropped. */
export interface TestRole {
  readonly name: string;
  readonly password: string;
  /** How it connects to the database. */
  readonly url: string;
}

/** A name that no other test has. Roles belong to the server, not to a database. */
export function roleName(what: string): string {
  return `test_${what}_${randomUUID().slice(0, 8)}`;
}

/** Gives a role a password, making it where it is not there. */
export async function login(database: TestDatabase, name: string, make = true): Promise<TestRole> {
  const password = `secret of ${name}`;
  await database.query(`${make ? 'CREATE' : 'ALTER'} ROLE ${name} LOGIN PASSWORD '${password}'`);
  const url = new URL(database.url);
  url.username = name;
  url.password = password;
  return { name, password, url: url.href };
}
