import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type BrokerInput, brokerFindings } from '../../../src/doctor/broker-rules.ts';
import type { Level } from '../../../src/doctor/finding.ts';
import { parseMosquittoConf } from '../../../src/doctor/mosquitto-conf.ts';
import type { Grant } from '../../../src/mqtt/grant.ts';

const DAY = 86_400;
const grant: Grant = {
  url: 'mqtt://127.0.0.1:1883',
  protocolVersion: 5,
  sessionPresent: false,
  sessionExpirySeconds: 7 * DAY,
  keepaliveSeconds: 60,
  maximumQos: 2,
  receiveMaximum: null,
  maximumPacketBytes: null,
  subscriptions: [],
};
const well: BrokerInput = {
  grant,
  shortfalls: [],
  receiveMaximum: 5_000,
  sessionExpiry: 7 * DAY,
  messages: 10,
  topics: new Map([
    ['publish/messages/dropped', '0'],
    ['uptime', '7200 seconds'],
    ['clients/connected', '300'],
  ]),
  conf: null,
  openFiles: 65_536,
};
const old = { grant: { ...grant, protocolVersion: 4, sessionExpirySeconds: null } } as const;
const conf = (...lines: string[]) => ({ conf: parseMosquittoConf(lines.join('\n')) });

/** What, with what changed, and what is said: how it is, a level, the line of mosquitto.conf. */
const TABLE: readonly (readonly [
  string,
  Partial<BrokerInput>,
  string | RegExp,
  Level,
  string | RegExp | null,
])[] = [
  ['what it grants', {}, 'QoS up to 2, the session for 7 days', 'ok', null],
  ['what it grants', { shortfalls: ['only an hour'] }, 'only an hour', 'warning', /session_expiry/],
  ['protocol', {}, 'MQTT 5, 5,000 messages unacknowledged', 'ok', null],
  ['protocol', old, 'MQTT 3.1.1', 'advice', /protocol_version/],
  ['messages dropped', {}, '0 in 2 h', 'ok', null],
  [
    'messages dropped',
    { topics: new Map([['publish/messages/dropped', '4180']]) },
    '4,180',
    'warning',
    'max_queued_messages 1000000',
  ],
  ['open files', {}, '65,536, 300 clients connected', 'ok', null],
  ['open files', { openFiles: 800 }, '800, 300 clients connected', 'warning', /LimitNOFILE/],
  ['max_queued_messages', conf(), '1000 (default)', 'warning', 'max_queued_messages 1000000'],
  [
    'max_queued_messages',
    { ...conf(), messages: 2 },
    '1000 (default)',
    'warning',
    'max_queued_messages 200000',
  ],
  [
    'max_queued_messages',
    { ...conf(), messages: 0 },
    '1000 (default)',
    'warning',
    'max_queued_messages 100000',
  ],
  ['max_queued_messages', conf('max_queued_messages 0'), '0 (no limit)', 'ok', null],
  ['max_queued_messages', conf('max_queued_messages 1000000'), '1000000', 'ok', null],
  ['max_inflight_messages', conf(), '20 (default)', 'ok', null],
  ['max_inflight_messages', { ...conf(), ...old }, '20 (default)', 'warning', 'max_inflight_messages 1000'],
  ['max_inflight_messages', { ...conf('max_inflight_messages 0'), ...old }, '0', 'ok', null],
  ['persistence', conf(), 'false (default)', 'warning', 'persistence true'],
  ['persistence', conf('persistence true'), 'true', 'ok', null],
  ['autosave_interval', conf(), '1800 (default)', 'ok', null],
  ['autosave_interval', conf('persistence true'), '1800 (default)', 'advice', 'autosave_interval 300'],
  ['autosave_interval', conf('persistence true', 'autosave_interval 60'), '60', 'ok', null],
  ['set_tcp_nodelay', conf(), 'false (default)', 'advice', 'set_tcp_nodelay true'],
  ['set_tcp_nodelay', conf('set_tcp_nodelay true'), 'true', 'ok', null],
  ['persistent_client_expiration', conf('persistent_client_expiration 2w'), '2w', 'ok', null],
  [
    'persistent_client_expiration',
    conf('persistent_client_expiration 1d'),
    '1d',
    'warning',
    'persistent_client_expiration 7d',
  ],
];

suite('rules of the broker', () => {
  for (const [what, changes, is, level, remedy] of TABLE) {
    const lines = [...(changes.conf?.values ?? [])].join(', ');
    test(`${what} (${lines}; ${Object.keys(changes).join(', ')}): ${level}`, () => {
      const found = brokerFindings({ ...well, ...changes }).find((finding) => finding.what === what);
      assert.equal(found?.level, level, JSON.stringify(found));
      if (is instanceof RegExp) assert.match(found?.is ?? '', is);
      else assert.equal(found?.is, is);
      if (remedy instanceof RegExp) assert.match(found?.remedy ?? '', remedy);
      else assert.equal(found?.remedy, remedy);
    });
  }

  test('nothing is said of what cannot be seen', () => {
    const whats = brokerFindings({ ...well, topics: new Map(), openFiles: null }).map(({ what }) => what);
    assert.deepEqual(whats, ['what it grants', 'protocol']);
  });
});

test('mosquitto.conf: comments, the last of a name, listeners, folders', () => {
  const { values, ports, includes } = parseMosquittoConf(
    '# persistence true\n\nlistener 1884 127.0.0.1\n  listener 8883\nmax_queued_messages 5\nmax_queued_messages 7  \r\nallow_anonymous\ninclude_dir /etc/mosquitto/conf.d\n',
  );
  assert.deepEqual(
    [...values],
    [
      ['max_queued_messages', '7'],
      ['allow_anonymous', ''],
    ],
  );
  assert.deepEqual(ports, [1884, 8883]);
  assert.deepEqual(includes, ['/etc/mosquitto/conf.d']);
  assert.deepEqual(parseMosquittoConf('persistence true').ports, [1883]);
});
