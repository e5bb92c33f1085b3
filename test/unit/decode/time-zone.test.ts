import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { TimeZone } from '../../../src/decode/time-zone.ts';

const seconds = (iso: string) => Date.parse(`${iso}Z`) / 1000;

test('Local times become UTC, with daylight saving', () => {
  const cases: [zone: string, local: string, utc: string][] = [
    ['UTC', '2024-07-01T12:00:00', '2024-07-01T12:00:00'],
    ['Asia/Kathmandu', '2024-01-01T05:45:00', '2024-01-01T00:00:00'],
    ['Asia/Kathmandu', '1985-12-31T05:30:00', '1985-12-31T00:00:00'],
    ['Europe/Berlin', '2024-01-15T12:00:00', '2024-01-15T11:00:00'],
    ['Europe/Berlin', '2024-07-15T12:00:00', '2024-07-15T10:00:00'],
    // Spring: 02:00 to 03:00 does not exist and moves forward.
    ['Europe/Berlin', '2024-03-31T01:59:59', '2024-03-31T00:59:59'],
    ['Europe/Berlin', '2024-03-31T02:00:00', '2024-03-31T01:00:00'],
    ['Europe/Berlin', '2024-03-31T02:30:00', '2024-03-31T01:30:00'],
    ['Europe/Berlin', '2024-03-31T03:00:00', '2024-03-31T01:00:00'],
    // Autumn: 02:00 to 03:00 occurs twice and is the first.
    ['Europe/Berlin', '2024-10-27T01:59:59', '2024-10-26T23:59:59'],
    ['Europe/Berlin', '2024-10-27T02:30:00', '2024-10-27T00:30:00'],
    ['Europe/Berlin', '2024-10-27T03:00:00', '2024-10-27T02:00:00'],
    ['America/New_York', '2024-03-10T01:59:59', '2024-03-10T06:59:59'],
    ['America/New_York', '2024-03-10T02:30:00', '2024-03-10T07:30:00'],
    ['America/New_York', '2024-03-10T03:00:00', '2024-03-10T07:00:00'],
    ['America/New_York', '2024-11-03T01:30:00', '2024-11-03T05:30:00'],
    ['America/New_York', '2024-11-03T02:00:00', '2024-11-03T07:00:00'],
    // Half an hour, and a whole day left out.
    ['Australia/Lord_Howe', '2024-04-07T01:45:00', '2024-04-06T14:45:00'],
    ['Pacific/Apia', '2011-12-30T12:00:00', '2011-12-30T22:00:00'],
    ['Pacific/Apia', '2011-12-31T12:00:00', '2011-12-30T22:00:00'],
    // Local mean time, to the second.
    ['Europe/Berlin', '1700-01-01T00:53:28', '1700-01-01T00:00:00'],
  ];
  for (const [zone, local, utc] of cases) {
    const found = new TimeZone(zone).toUtc(seconds(local));
    assert.equal(
      new Date(found * 1000).toISOString(),
      new Date(seconds(utc) * 1000).toISOString(),
      `${zone} ${local}`,
    );
  }
});

test('Of two occurrences the second is meant where the message was heard then', () => {
  const cases: [zone: string, local: string, heard: string, utc: string][] = [
    ['Europe/Berlin', '2024-10-27T02:30:00', '2024-10-27T00:30:02', '2024-10-27T00:30:00'],
    ['Europe/Berlin', '2024-10-27T02:30:00', '2024-10-27T00:59:59', '2024-10-27T00:30:00'],
    ['Europe/Berlin', '2024-10-27T02:30:00', '2024-10-27T01:30:02', '2024-10-27T01:30:00'],
    ['Europe/Berlin', '2024-10-27T02:30:00', '2024-10-27T01:29:58', '2024-10-27T01:30:00'],
    ['Europe/Berlin', '2024-10-27T02:30:00', '2024-10-27T02:00:01', '2024-10-27T00:30:00'],
    ['Europe/Berlin', '2024-10-27T01:59:59', '2024-10-27T00:59:59', '2024-10-26T23:59:59'],
    ['Europe/Berlin', '2024-10-27T03:00:00', '2024-10-27T01:00:00', '2024-10-27T02:00:00'],
    ['Europe/Berlin', '2024-03-31T02:30:00', '2024-03-31T00:30:00', '2024-03-31T01:30:00'],
    ['Australia/Lord_Howe', '2024-04-07T01:45:00', '2024-04-06T15:15:01', '2024-04-06T15:15:00'],
  ];
  for (const [name, local, heard, utc] of cases) {
    const zone = new TimeZone(name);
    zone.heardAt = seconds(heard);
    const found = zone.toUtc(seconds(local));
    assert.equal(
      new Date(found * 1000).toISOString(),
      new Date(seconds(utc) * 1000).toISOString(),
      `${name} ${local} heard at ${heard}`,
    );
  }
});

test('A zone reads back what it writes, and its cache does not matter', () => {
  for (const name of ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe']) {
    const zone = new TimeZone(name);
    const format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: name,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    const local = (utc: number) => seconds(format.format(utc * 1000).replace(' ', 'T'));
    fc.assert(
      fc.property(
        fc.integer({ min: seconds('1960-01-01T00:00'), max: seconds('2060-01-01T00:00') }),
        (utc) => {
          const read = zone.toUtc(local(utc));
          assert.equal(local(read), local(utc));
          assert.ok(read <= utc, 'the first of two');
          assert.equal(new TimeZone(name).toUtc(local(utc)), read);
        },
      ),
      { numRuns: 100 },
    );
  }
});

test('A zone that does not exist is refused', () => {
  assert.throws(() => new TimeZone('Europe/Atlantis'), RangeError);
});
