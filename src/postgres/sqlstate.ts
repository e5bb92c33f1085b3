import { DatabaseError } from 'pg';
import type { WriteAction } from '../errors.ts';

/**
 * What to do about each SQLSTATE (PostgreSQL manual, appendix A), by code or by class; the code wins.
 * Retry: the server or its surroundings, the same batch will do later. Isolate: the data of some row. Stop: the
 * schema or the role, which no retry and no bisection mends.
 */
const ACTIONS: Readonly<Record<string, WriteAction>> = {
  '08': 'retry', // connection exception
  '53': 'retry', // insufficient resources: disk full, out of memory, too many connections
  '55': 'retry', // object not in prerequisite state: lock not available
  '57': 'retry', // operator intervention: shutdown, crash, cancel, statement time-out
  '58': 'retry', // system error: I/O
  '40': 'retry', // transaction rollback: deadlock, serialization
  '25': 'retry', // invalid transaction state: read-only server, idle time-out
  '28': 'retry', // invalid authorization: a password being changed at run time
  XX: 'retry', // internal error
  '22': 'isolate', // data exception
  '23': 'isolate', // integrity constraint violation: a constraint of the operator's own
  '44': 'isolate', // check option violation
  P0: 'isolate', // raised by a trigger of the operator's own
  '09': 'isolate', // triggered action exception
  '21': 'isolate', // cardinality violation, in a trigger of the operator's own
  '27': 'isolate', // triggered data change violation
  '38': 'isolate', // external routine exception
  '54': 'isolate', // program limit exceeded: an index row too large
  '0A': 'stop', // feature not supported
  '26': 'stop', // invalid statement name: a transaction-pooling proxy
  '3D': 'stop', // no such database
  '3F': 'stop', // no such schema
  '42': 'stop', // syntax error or access rule violation: table dropped, privilege revoked
};

/**
 * The action for an SQLSTATE; null is no answer from the server. One that PostgreSQL does not define was raised by code
 * of the operator's own, about the row that it saw.
 */
export function actionFor(sqlstate: string | null): WriteAction {
  if (sqlstate === null) return 'retry';
  return ACTIONS[sqlstate] ?? ACTIONS[sqlstate.slice(0, 2)] ?? 'isolate';
}

/** The SQLSTATE of an error that the server sent, else null. */
export function sqlstateOf(error: unknown): string | null {
  return error instanceof DatabaseError ? (error.code ?? null) : null;
}
