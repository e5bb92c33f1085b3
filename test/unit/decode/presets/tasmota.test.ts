import assert from 'node:assert/strict';
import { test } from 'node:test';
import { become, explainer, pointsOf, unitsOf } from './preset-points.ts';

const PRESET = { preset: 'tasmota', time_zone: 'Europe/Berlin' };

test('energy, in local time of the zone that the route names', () => {
  const payload =
    '{"Time":"2022-01-11T21:57:38","ENERGY":{"TotalStartTime":"2021-10-25T15:22:04","Total":3.705,"Power":5}}';
  assert.deepEqual(pointsOf(PRESET, 'tele/lamp/SENSOR', payload), [
    ['lamp', 'ENERGY.Total', 3.705, '2022-01-11T20:57:38.000000Z'],
    ['lamp', 'ENERGY.Power', 5, '2022-01-11T20:57:38.000000Z'],
  ]);
  assert.deepEqual(unitsOf(PRESET, 'tele/lamp/SENSOR', payload), {
    'ENERGY.Total': 'kWh',
    'ENERGY.Power': 'W',
  });
});

// https://tasmota.github.io/docs/Teleinfo/ and a log of a device with a sensor
test('sensors, with the unit that the device says', () => {
  const payload =
    '{"Time":"2021-06-13T06:59:52","ANALOG":{"CTEnergy":{"Energy":0.006,"Power":2068,"Voltage":230,"Current":8.992}},"DHT11":{"Temperature":23.0,"Humidity":37.0,"DewPoint":7.5},"TempUnit":"C"}';
  const time = '2021-06-13T04:59:52.000000Z';
  assert.deepEqual(pointsOf(PRESET, 'tele/tasmota_C59B5E/SENSOR', payload), [
    ['tasmota_C59B5E', 'ANALOG.CTEnergy.Energy', 0.006, time],
    ['tasmota_C59B5E', 'ANALOG.CTEnergy.Power', 2068, time],
    ['tasmota_C59B5E', 'ANALOG.CTEnergy.Voltage', 230, time],
    ['tasmota_C59B5E', 'ANALOG.CTEnergy.Current', 8.992, time],
    ['tasmota_C59B5E', 'DHT11.Temperature', 23, time],
    ['tasmota_C59B5E', 'DHT11.Humidity', 37, time],
    ['tasmota_C59B5E', 'DHT11.DewPoint', 7.5, time],
  ]);
  assert.equal(unitsOf(PRESET, 'tele/tasmota_C59B5E/SENSOR', payload)['DHT11.Temperature'], '°C');
});

// https://tasmota.github.io/docs/Rules/
test('phases are items of an array', () => {
  const payload = '{"Time":"2021-06-13T06:59:52","ENERGY":{"Current":[1.320,2.100]}}';
  assert.deepEqual(
    pointsOf(PRESET, 'tele/em/SENSOR', payload).map(([, metric, value]) => [metric, value]),
    [
      ['ENERGY.Current.0', 1.32],
      ['ENERGY.Current.1', 2.1],
    ],
  );
});

test('its own state, relays as they switch, and whether it is online', () => {
  const state =
    '{"Time":"2024-02-24T22:20:38","Uptime":"0T00:10:11","UptimeSec":611,"Heap":24,"SleepMode":"Dynamic","Sleep":50,"LoadAvg":19,"MqttCount":1,"POWER":"OFF","Wifi":{"AP":1,"SSId":"ESP-Network","BSSId":"E6:8D:8C:4B:BE:F7","Channel":3,"Mode":"11n","RSSI":44,"Signal":-78,"LinkCount":1,"Downtime":"0T00:00:05"}}';
  const { route, points } = become(PRESET, 'tele/tasmota_9CF9D1/STATE', state);
  assert.equal(route, 'tasmota/state');
  assert.deepEqual(Object.fromEntries(points.map(([, metric, value]) => [metric, value])), {
    UptimeSec: 611,
    Heap: 24,
    LoadAvg: 19,
    MqttCount: 1,
    POWER: 0,
    'Wifi.RSSI': 44,
    'Wifi.Signal': -78,
    'Wifi.LinkCount': 1,
  });
  assert.deepEqual(pointsOf(PRESET, 'stat/sonoff/RESULT', '{"POWER":"ON"}'), [['sonoff', 'POWER', 1]]);
  assert.deepEqual(pointsOf(PRESET, 'stat/sonoff/RESULT', '{"Timers":"OFF"}'), []);
  assert.deepEqual(pointsOf(PRESET, 'tele/tasmota/LWT', 'Online'), [['tasmota', 'online', 1]]);
});

test('a FullTopic with levels before the prefix', () => {
  const moved = { ...PRESET, base: 'home/attic' };
  assert.deepEqual(pointsOf(moved, 'home/attic/stat/sonoff/RESULT', '{"POWER":"ON"}'), [
    ['sonoff', 'POWER', 1],
  ]);
  assert.equal(become(moved, 'stat/sonoff/RESULT', '{"POWER":"ON"}').route, null);
});

// https://tasmota.github.io/docs/Commands/#power-monitoring (SetOption129)
test('energy of each phase and tariff counts as that of one does; the time as a number is no metric', () => {
  const payload =
    '{"Time":"2024-07-01T10:00:00","Epoch":1719820800,"ENERGY":{"Total":[3.7,1.2],"TotalTariff":[1,2],"ExportActive":0.1},"BME280":{"Pressure":1013.2},"PressureUnit":"hPa"}';
  const { full } = become(PRESET, 'tele/em/SENSOR', payload);
  assert.deepEqual(
    full.map(({ metric_name: metric, unit, kind }) => [metric, unit, kind]),
    [
      ['ENERGY.Total.0', 'kWh', 'counter'],
      ['ENERGY.Total.1', 'kWh', 'counter'],
      ['ENERGY.TotalTariff.0', 'kWh', 'counter'],
      ['ENERGY.TotalTariff.1', 'kWh', 'counter'],
      ['ENERGY.ExportActive', 'kWh', 'counter'],
      ['BME280.Pressure', 'hPa', 'gauge'],
    ],
  );
});

test('the speed of a fan', () => {
  assert.deepEqual(pointsOf(PRESET, 'stat/fan/RESULT', '{"FanSpeed":2}'), [['fan', 'FanSpeed', 2]]);
});

test('the hour that occurs twice when clocks are put back is two hours of points', () => {
  const explain = explainer(PRESET);
  const timeOf = (arrival: string) =>
    explain('tele/lamp/SENSOR', '{"Time":"2026-10-25T02:30:00","ENERGY":{"Power":5}}', arrival).points[0]
      ?.timestamp;
  assert.equal(timeOf('2026-10-25T00:30:01Z'), '2026-10-25T00:30:00.000000Z');
  assert.equal(timeOf('2026-10-25T01:30:01Z'), '2026-10-25T01:30:00.000000Z');
});
