import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicMistake } from '../../../src/config/topic.ts';
import { matchTopic, mismatch, parseTopicTemplate } from '../../../src/decode/topic-template.ts';

const match = (template: string, topic: string) => matchTopic(parseTopicTemplate(template), topic.split('/'));

test('A template names its filter and its levels', () => {
  const { filter, names } = parseTopicTemplate('site/{area}/+/{device_id}/{metric_name#}');
  assert.equal(filter, 'site/+/+/+/#');
  assert.deepEqual(names, ['area', 'device_id', 'metric_name']);
});

test('A topic matches as MQTT says, and gives its named levels', () => {
  const cases: [template: string, topic: string, captures: string[] | null][] = [
    ['devices/{d}/{m}', 'devices/pump/temp', ['pump', 'temp']],
    ['devices/{d}/{m}', 'devices/pump', null],
    ['devices/{d}/{m}', 'devices/pump/temp/raw', null],
    ['devices/{d}/{m}', 'Devices/pump/temp', null],
    ['devices/{d}/{m}', 'devices//temp', ['', 'temp']],
    ['devices/{d}/{m}', 'devices/Küche/温度', ['Küche', '温度']],
    ['zigbee2mqtt/{d#}', 'zigbee2mqtt/kitchen/sensor', ['kitchen/sensor']],
    ['zigbee2mqtt/{d#}', 'zigbee2mqtt', ['']],
    [
      'N/{portal}/{service}/{i}/{path#}',
      'N/a/battery/256/Dc/0/Voltage',
      ['a', 'battery', '256', 'Dc/0/Voltage'],
    ],
    ['+/{d}/#', 'any/pump/1/2', ['pump']],
    ['#', 'a/b', []],
    ['#', '$SYS/uptime', null],
    ['{a}/uptime', '$SYS/uptime', null],
    ['{rest#}', '$SYS/uptime', null],
    ['$SYS/{metric#}', '$SYS/broker/uptime', ['broker/uptime']],
    ['$aws/things/{d}/shadow/update', '$aws/things/t1/shadow/update', ['t1']],
    ['a/+', 'a/', []],
    ['/+', '/a', []],
    ['+', '/a', null],
  ];
  for (const [template, topic, captures] of cases) {
    assert.deepEqual(match(template, topic), captures, `${template} <- ${topic}`);
  }
});

test('A template that is none is refused, here as in the configuration', () => {
  const wrong = [
    'a/#/b',
    'a/{x#}/b',
    'a/b+',
    'a/#b',
    'a/{x}y',
    'a/{}',
    'a/{1x}',
    'a/{x',
    '{x}/{x}',
    '$share/g/a',
    'a\0',
  ];
  for (const template of wrong) {
    assert.throws(() => parseTopicTemplate(template), Error, template);
    assert.notEqual(topicMistake(template), null, template);
  }
  assert.throws(() => parseTopicTemplate(''), /is empty/);
});

test('A mismatch is told', () => {
  const told = (template: string, topic: string) =>
    mismatch(parseTopicTemplate(template), topic.split('/')).reason;
  assert.equal(told('devices/{d}', 'sensors/a'), 'level 1 is "sensors", not "devices"');
  assert.equal(told('devices/{d}', 'devices/a/b'), 'the topic has 3 levels, not 2');
  assert.equal(told('a/{d}/{r#}', 'a'), 'the topic has 1 level, not at least 2');
  assert.equal(told('+/{d}', '$SYS/a'), 'a wildcard does not take a first level that begins with $');
});
