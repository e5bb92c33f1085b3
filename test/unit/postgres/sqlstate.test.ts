import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError } from 'pg';
import { actionFor, sqlstateOf } from '../../../src/postgres/sqlstate.ts';

/** PostgreSQL manual, appendix A: what a running daemon may meet. */
const EXPECTED = {
  retry: [
    '08006', // connection failure
    '53100', // disk full
    '53200', // out of memory
    '53300', // too many connections
    '55P03', // lock not available
    '57014', // query canceled (statement_timeout)
    '57P01', // admin shutdown
    '57P02', // crash shutdown
    '57P03', // cannot connect now
    '58030', // I/O error
    '40001', // serialization failure
    '40P01', // deadlock detected
    '25006', // read-only transaction: a standby that was promoted away
    '25P03', // idle in transaction session timeout
    '28P01', // invalid password: being changed
    'XX000', // internal error
  ],
  isolate: [
    '22003', // numeric value out of range
    '22P05', // untranslatable character
    '22021', // character not in repertoire
    '23502', // not null violation
    '23505', // unique violation
    '23514', // check violation
    '44000', // with check option violation
    '54000', // program limit exceeded: an index row too large
    'P0001', // raise_exception in a trigger
    'UE001', // a code of the operator's own
  ],
  stop: [
    '42P01', // undefined table
    '42501', // insufficient privilege
    '42703', // undefined column
    '42883', // undefined function
    '3D000', // database does not exist
    '3F000', // schema does not exist
    '26000', // prepared statement does not exist: a transaction-pooling proxy
    '0A000', // feature not supported
  ],
} as const;

for (const [action, states] of Object.entries(EXPECTED)) {
  test(`${action}: ${states.join(' ')}`, () => {
    for (const state of states) assert.equal(actionFor(state), action, state);
  });
}

test('no answer at all is tried again', () => {
  assert.equal(actionFor(null), 'retry');
});

test('an SQLSTATE is what PostgreSQL sent, not any code of five letters', () => {
  const answer = Object.assign(new DatabaseError('no', 2, 'error'), { code: '23514' });
  assert.equal(sqlstateOf(answer), '23514');
  for (const code of ['EPIPE', 'EPERM', 'ECONNRESET']) {
    assert.equal(sqlstateOf(Object.assign(new Error('no'), { code })), null, code);
  }
  assert.equal(sqlstateOf(new Error('no')), null);
  assert.equal(sqlstateOf('23514'), null);
});
