import { TidegateError } from '../errors.ts';
import { sqlstateOf } from './sqlstate.ts';

/** What `pg` and the socket say of a connection that ended under a query. */
const LOST =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|read E|write E)/;

/** The error `database_unreachable` where it says that the connection was lost or the server is going down; else as it is. */
export function describeLoss(error: unknown): unknown {
  if (error instanceof TidegateError || !(error instanceof Error)) return error;
  const state = sqlstateOf(error);
  const lost = state === null ? LOST.test(error.message) : /^(08|57P)/.test(state);
  return lost ? new TidegateError('database_unreachable', error.message, { cause: error }) : error;
}
