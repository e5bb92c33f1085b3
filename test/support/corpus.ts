import type { DeadLetterCode } from '../../src/errors.ts';

/**
 * Payloads that can be no point of a topic `devices/<device_id>/<metric_name>` under the default routes and limits, each with
 * the reason it must be kept with. A good message before or after one must not notice.
 */
export const garbage: readonly { name: string; payload: Buffer; code: DeadLetterCode }[] = [
  ...all('payload_empty', { 'no bytes': '', 'white space': ' \t\r\n' }),
  ...all('text_nul', {
    'a NUL byte': '\0',
    'a C string with its end': '21.5\0',
    'a NUL in a text': 'ab\0cd',
    'an escaped NUL': '{"value":"ab\\u0000cd"}',
  }),
  ...all('payload_not_utf8', {
    'bytes that UTF-8 never has': Buffer.from('fffefdfc', 'hex'),
    'a character cut off': Buffer.from('21.5 °').subarray(0, 6),
    'an overlong NUL': Buffer.from('c080', 'hex'),
    'a surrogate in UTF-8': Buffer.from('eda080', 'hex'),
    'a character beyond Unicode': Buffer.from('f4908080', 'hex'),
    'Latin-1': Buffer.from('21.5 °C', 'latin1'),
    'UTF-16': Buffer.from('\ufeff21.5', 'utf16le'),
    'a double': Buffer.from(new Float64Array([-21.5]).buffer),
    'JSON with a byte that is none': Buffer.from('{"value":"\xe9"}', 'latin1'),
  }),
  ...all('payload_not_gzip', {
    'gzip cut off': Buffer.from('1f8b0800000000000003', 'hex'),
    'gzip damaged': Buffer.from('1f8b0800000000000003ffffffff0000000000000000', 'hex'),
  }),
  ...all('payload_not_json', {
    'a cut object': '{"value":21.5,"timest',
    'a cut array': '[{"value":21.5},',
    'an open brace': '{',
    'two objects': '{"value":1}{"value":2}',
    'a brace too many': '{"value":1}}',
    'a comma too many': '{"value":1,}',
    'unquoted keys': '{value:1}',
    'single quotes': "{'value':1}",
    'NaN in JSON': '{"value":NaN}',
    'a leading zero': '{"value":01}',
    'a hexadecimal number': '{"value":0x1F}',
    'a raw newline in a string': '{"value":"a\nb"}',
    'a comment': '{"value":1 /* C */}',
    'a NUL after JSON': '{"value":1}\0',
  }),
  ...all('payload_too_deep', {
    '1 MB of brackets': '['.repeat(1_000_000),
    '1 MB of objects': '{"a":'.repeat(200_000),
    '1 MB of arrays, closed': '['.repeat(500_000) + ']'.repeat(500_000),
    'one level too many': `{"value":1,"more":${'['.repeat(32)}${']'.repeat(32)}}`,
  }),
  ...all('number_out_of_range', {
    'a huge number': '1e999',
    'a huge negative number': '-1e999',
    'a huge number in JSON': '{"value":1e999}',
    'a huge number in quotes': '{"value":"1e999"}',
    '400 digits': '9'.repeat(400),
  }),
  ...all('value_missing', { 'an empty object': '{}', 'another key': '{"temperature":21.5}' }),
  ...all('value_unsupported', {
    'an object as value': '{"value":{"celsius":21.5}}',
    'an array as value': '{"value":[21.5]}',
  }),
  ...all('payload_shape', {
    'an array of numbers': '[1,2,3]',
    'arrays of arrays': '[[1,2],[3,4]]',
    'an array of nothing': '[null]',
  }),
  ...all('columns_unequal', { 'unequal columns': '{"timestamp":[1700000000,1700000001],"value":[1]}' }),
  ...all('timestamp_invalid', {
    'a day by name': '{"value":1,"timestamp":"yesterday"}',
    'an empty timestamp': '{"value":1,"timestamp":""}',
    'a boolean timestamp': '{"value":1,"timestamp":true}',
    'a timestamp in parts': '{"value":1,"timestamp":{"seconds":1700000000}}',
    '30 February': '{"value":1,"timestamp":"2024-02-30T00:00:00Z"}',
    'month 13': '{"value":1,"timestamp":"2024-13-01T00:00:00Z"}',
    '25 hours': '{"value":1,"timestamp":"2024-01-01T25:00:00Z"}',
    'an American date': '{"value":1,"timestamp":"01/31/2024 10:00:00"}',
    'a cut timestamp': '{"value":1,"timestamp":"2024-01-01T00:"}',
    'a timestamp without a value': '{"value":null,"timestamp":"yesterday"}',
  }),
  ...all('timestamp_out_of_range', {
    'the year 9999': '{"value":1,"timestamp":"9999-12-31T23:59:59Z"}',
    'the year 1': '{"value":1,"timestamp":"0001-01-01T00:00:00Z"}',
    'a huge epoch': '{"value":1,"timestamp":1e300}',
    'an epoch beyond the doubles': '{"value":1,"timestamp":1e999}',
    'an epoch of 30 digits': `{"value":1,"timestamp":${'9'.repeat(30)}}`,
  }),
  ...all('text_not_unicode', {
    'a lone surrogate': '"\\ud800"',
    'half an emoji': '{"value":"\\ude00"}',
  }),
  ...all('text_too_long', { 'a text of 100 kB': 'x'.repeat(100_000) }),
];

function all(code: DeadLetterCode, payloads: Readonly<Record<string, string | Buffer>>) {
  return Object.entries(payloads).map(([name, payload]) => ({ name, payload: Buffer.from(payload), code }));
}
