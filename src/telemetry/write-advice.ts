/** What an operator does about a database that takes no writes, by SQLSTATE or by its class; the code wins. */
const ADVICE: Readonly<Record<string, string>> = {
  '25006':
    'The database is read-only: end that (default_transaction_read_only), or name the primary in database.url',
  '28': 'Put the password that holds into the configuration file or the credential: it is read at every attempt',
  '53100':
    "Make room on the database's disk (policies.retention, policies.compression), or give it a larger one",
  '53200': 'The server is out of memory: see its log',
  '53300': 'Raise max_connections, or the limit of the role or the database, or end other sessions',
  '53': 'The server is short of something: see its log',
  '57': 'Somebody or something stopped it: see the log of the server',
  '58': "The server's disk or file system fails: see its log",
};

const UNRESOLVED = /getaddrinfo (ENOTFOUND|EAI_AGAIN)/;

/** A sentence, or null where there is nothing to say. `detail`: what the attempt failed with. */
export function writeAdvice(sqlstate: string | null, detail: string): string | null {
  if (sqlstate !== null) return ADVICE[sqlstate] ?? ADVICE[sqlstate.slice(0, 2)] ?? null;
  if (UNRESOLVED.test(detail)) {
    return 'The host in database.url has no address: check the name, and the name service of this machine (DNS)';
  }
  return 'See that PostgreSQL runs and answers there';
}
