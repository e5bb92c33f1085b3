/** Beside what src/errors.ts says of each failure: where it mostly comes from, and what Tidegate does meanwhile. For docs/errors.md. */

import type { FAILURES } from './errors.ts';

interface Trouble {
  /** What is mostly behind it, as whoever looks for it would say. */
  readonly often: string;
  /** What happens until it is mended: to messages, to what was begun, to the process. */
  readonly meanwhile: string;
}

const ENDS = 'The command ends before it changes anything.';
const NOT_STARTED =
  'At the start the daemon ends (the service manager starts it again); the broker keeps the messages of its session.';
const WAITS =
  'At the start it waits for `startup_timeout`, then ends. A daemon that runs goes on trying: what it receives waits in memory, in the spool or at the broker, and nothing is acknowledged before it is durable.';
const BROKER =
  'At the start it waits for `startup_timeout`, then ends. A daemon that runs tries again after 1 s to 60 s, for ever; the broker keeps the messages of its session, what was received is written.';
const GOES_ON = 'What was done until then stays. The same command goes on from there.';

export const TROUBLES: Readonly<Record<keyof typeof FAILURES, Trouble>> = {
  usage: { often: 'An option that is misspelt, or one that another command has.', meanwhile: ENDS },
  config_unreadable: {
    often:
      'The service runs as another user than the one who wrote the file; a path relative to another folder; YAML with a tab or an open quote.',
    meanwhile: `${ENDS} At a reload the configuration before holds.`,
  },
  config_invalid: {
    often:
      'A key in the wrong section, a duration without its unit, two keys that contradict each other, a variable of the environment that goes before the file.',
    meanwhile: `${ENDS} At a reload the configuration before holds. systemd does not start the service again.`,
  },
  database_unreachable: {
    often:
      'PostgreSQL is not started yet, listens on localhost only (`listen_addresses`), or a firewall stands between.',
    meanwhile: WAITS,
  },
  database_refused: {
    often:
      'A password that was changed, a database that does not exist, an address that pg_hba.conf does not name.',
    meanwhile: `${WAITS} A new password is read from the file or the credential, without a restart.`,
  },
  database_tls: {
    often:
      "The server's certificate has another name than the URL, its authority is not in sslrootcert, or the server has no TLS.",
    meanwhile: WAITS,
  },
  database_privilege: {
    often: 'Since PostgreSQL 15 nobody may create in `public`; or the tables belong to another role.',
    meanwhile: NOT_STARTED,
  },
  database_unsupported: { often: 'PostgreSQL 14 or older.', meanwhile: NOT_STARTED },
  schema_missing: {
    often:
      '`components` without a migration before, another `database.schema` than before, or a table that somebody dropped.',
    meanwhile:
      'A daemon that runs ends within seconds; what it had not stored was not acknowledged, and the broker sends it again.',
  },
  schema_newer: {
    often: 'An old version was started after an upgrade that it cannot run beside.',
    meanwhile: NOT_STARTED,
  },
  schema_changed: { often: 'A build of sources that were changed.', meanwhile: NOT_STARTED },
  engine_mismatch: {
    often:
      '`database.engine` was set after the first start, or a configuration names the database of another daemon.',
    meanwhile: NOT_STARTED,
  },
  engine_unfit: {
    often:
      'The extension is not created in this database, too old, or of the licence that lacks what is needed.',
    meanwhile: NOT_STARTED,
  },
  chunk_unknown: { often: 'A name from a list that retention has overtaken.', meanwhile: ENDS },
  chunk_state: {
    often: 'It is compressed already, or the job has just begun it; a long question reads it.',
    meanwhile: 'The chunk stays as it is; it is read and written as ever.',
  },
  device_unknown: { often: 'A friendly name where the device has an address for its id.', meanwhile: ENDS },
  device_exists: { often: 'A device that was replaced by another of that name.', meanwhile: ENDS },
  correction_failed: {
    often: 'It ran longer than `database.statement_timeout`, or was interrupted.',
    meanwhile: 'All of the correction was undone; messages were stored beside it.',
  },
  dead_letter_unknown: {
    often: 'It was replayed, dropped, or is older than `dead_letters.retention`.',
    meanwhile: ENDS,
  },
  replay_running: {
    often: 'Two people at once, or a Sparkplug birth that brings back its own.',
    meanwhile: ENDS,
  },
  replay_failed: { often: 'The database went away in the middle.', meanwhile: GOES_ON },
  import_source: {
    often: 'A wrong password or query, a file that is no CSV, a disk that fails in the middle.',
    meanwhile: GOES_ON,
  },
  import_changed: {
    often: 'A file was sorted or cut since, or a query has no ORDER BY that leaves no choice.',
    meanwhile: 'What was imported stays; nothing more is read.',
  },
  import_running: {
    often: 'A second terminal, or a timer that comes too soon.',
    meanwhile: 'The first one goes on.',
  },
  import_failed: { often: 'A constraint of your own, or a full disk.', meanwhile: GOES_ON },
  export_failed: {
    often: 'The disk of the output is full, or retention deleted what was being read.',
    meanwhile: 'Nothing is changed in the database; the file is not complete.',
  },
  layout_unfit: {
    often: 'Another layout of the same program: tags as JSON, or in a table of their own.',
    meanwhile: ENDS,
  },
  confirmation_needed: { often: 'A script, which cannot be asked.', meanwhile: ENDS },
  broker_unreachable: {
    often:
      'The broker listens on localhost only (mosquitto 2 does by default), on another port, or with TLS.',
    meanwhile: BROKER,
  },
  broker_refused: {
    often:
      'A wrong password, a client id that the broker does not list, `protocol_version: 5` with a broker of 3.1.1.',
    meanwhile: BROKER,
  },
  broker_tls: {
    often:
      '`mqtt.tls.ca` lacks the authority, the certificate has another name than the URL, or the broker wants one of yours.',
    meanwhile: BROKER,
  },
  certificate_expired: {
    often: 'Renewed, and not put in the place of the old file; or the authority itself.',
    meanwhile: 'Connections that are there stay; new ones fail until it is renewed.',
  },
  subscription_refused: {
    often: 'The access list lets this user read some topics of the filter, not all.',
    meanwhile:
      'The daemon ends at the start. At a reload the routes before hold, and go on. What other filters brought is stored.',
  },
  session_taken: {
    often: 'A copy of the configuration on a second machine, or a test that uses the one of the service.',
    meanwhile:
      'One of the two daemons ends, the other goes on. No message is lost; one without a time of its own may be stored twice.',
  },
  spool_unusable: {
    often: 'The folder belongs to another user, lies on a full or read-only disk, or another daemon uses it.',
    meanwhile: NOT_STARTED,
  },
  http_unavailable: {
    often: 'Another program, or a second daemon, has `http.port`.',
    meanwhile: NOT_STARTED,
  },
  worker_failed: {
    often:
      'The system killed one of the processes, mostly for memory; or the broker refused its client id, `<client_id>-worker-2` and so on.',
    meanwhile:
      'One that ends ends the daemon, and the service manager starts all anew; its session waits at the broker, its spool on the disk. One that does not follow a reload goes on by the configuration before.',
  },
  worker_left: {
    often:
      'Back to one daemon without a group, in one step: fewer `ingest.workers`, and `mqtt.share_group` taken out with it.',
    meanwhile:
      'The daemon ends before it asks the broker for anything, and systemd does not start it again; the broker keeps the messages of both sessions.',
  },
  drain_incomplete: {
    often: 'The database was slow or away while it was stopped, and there is no spool.',
    meanwhile:
      'It has ended. What was not written was not acknowledged: the broker sends it at the next start.',
  },
  daemon_unavailable: {
    often:
      '`http.host` or `http.port` are those of another configuration, or a token is wanted (`TIDEGATE_TOKEN`).',
    meanwhile: 'Nothing: the command only asks.',
  },
  job_running: { often: 'The scheduler has just begun it.', meanwhile: 'The run that is under way goes on.' },
  job_failed: {
    often:
      'A full disk, a lock of somebody else, a statement that ran longer than `database.statement_timeout`.',
    meanwhile: 'Points are stored all the same. The scheduler tries the job again, later and later.',
  },
  query_timeout: {
    often: 'Raw points of a long time.',
    meanwhile: 'The question is cancelled; nobody else notices.',
  },
  query_failed: {
    often: 'A name that is misspelt; a role that may only read.',
    meanwhile: 'Nothing was changed.',
  },
  drill_failed: {
    often:
      'A broker or database that restarted by itself, or an access list without the topics of the drill.',
    meanwhile: 'Your own tables, session and spool were not touched.',
  },
  demo_not_running: { often: 'It was stopped, or started in another folder.', meanwhile: ENDS },
  demo_unavailable: {
    often:
      'Installed with --omit=optional, a machine for which there are no binaries, no account to run it as.',
    meanwhile: ENDS,
  },
};
