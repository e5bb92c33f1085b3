import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type ConnectionEnd, connectionFailure } from '../../../src/mqtt/connection-errors.ts';

const silent: ConnectionEnd = { accepted: false, refusal: null, disconnect: null, error: null };

function refused(code: number, text?: string): ConnectionEnd {
  return { ...silent, refusal: { code, text } };
}

function failed(code: string, message = 'it failed'): ConnectionEnd {
  return { ...silent, error: Object.assign(new Error(message), { code }) };
}

suite('connectionFailure', () => {
  for (const code of [2, 4, 5, 0x85, 0x86, 0x87, 0x8a, 0x8c]) {
    test(`a refusal with ${code} needs mending`, () => {
      assert.equal(connectionFailure(refused(code), code < 0x80 ? 4 : 5).code, 'broker_refused');
    });
  }
  for (const code of [3, 0x80, 0x88, 0x89, 0x97, 0x9f]) {
    test(`a refusal with ${code} may pass`, () => {
      assert.equal(connectionFailure(refused(code), code < 0x80 ? 4 : 5).code, null);
    });
  }
  for (const code of [
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_OSSL_PEM_NO_START_LINE',
    'EPROTO',
  ]) {
    test(`${code} is about TLS`, () => assert.equal(connectionFailure(failed(code), 5).code, 'broker_tls'));
  }
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNRESET', 'EHOSTUNREACH']) {
    test(`${code} may pass`, () => assert.equal(connectionFailure(failed(code), 5).code, null));
  }

  test('names the protocol version to try', () => {
    assert.match(
      connectionFailure(refused(1), 5).detail,
      /does not speak MQTT 5, try mqtt.protocol_version: 4/,
    );
    assert.match(connectionFailure(refused(1), 4).detail, /3\.1\.1, try mqtt.protocol_version: 5/);
  });

  test('a taken session is known by its DISCONNECT; other reasons may pass', () => {
    const by = (code: number): ConnectionEnd => ({
      ...silent,
      accepted: true,
      disconnect: { code, text: undefined },
    });
    assert.equal(connectionFailure(by(0x8e), 5).code, 'session_taken');
    assert.deepEqual(connectionFailure(by(0x8b), 5), {
      code: null,
      detail: 'the broker ended it: Server shutting down (0x8b)',
      unexplained: false,
    });
  });

  test("says the broker's own words", () => {
    assert.equal(
      connectionFailure(refused(0x87, 'no lease'), 5).detail,
      'refused: Not authorized (0x87): no lease',
    );
  });

  test('says what failed at each address of a host with several', () => {
    const error = new AggregateError([
      new Error('connect ECONNREFUSED ::1'),
      new Error('connect ECONNREFUSED 127.0.0.1'),
    ]);
    const { detail } = connectionFailure({ ...silent, error }, 5);
    assert.equal(detail, 'connect ECONNREFUSED ::1, connect ECONNREFUSED 127.0.0.1');
  });

  test('an end without a word is told apart from one without an answer', () => {
    assert.match(connectionFailure(silent, 5).detail, /without an answer/);
    assert.equal(connectionFailure({ ...silent, accepted: true }, 5).detail, 'the broker closed it');
  });

  test('unexplained is only a cut after the broker accepted us', () => {
    const accepted: ConnectionEnd = { ...silent, accepted: true };
    assert.equal(connectionFailure(accepted, 5).unexplained, true);
    assert.equal(connectionFailure({ ...failed('ECONNRESET'), accepted: true }, 5).unexplained, true);
    assert.equal(connectionFailure({ ...failed('ETIMEDOUT'), accepted: true }, 5).unexplained, false);
    assert.equal(connectionFailure(failed('ECONNRESET'), 5).unexplained, false);
    assert.equal(connectionFailure(silent, 5).unexplained, false);
  });
});
