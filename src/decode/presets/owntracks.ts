import { CLOCK_NOT_SET, type Preset } from './preset.ts';

export const owntracks: Preset = {
  name: 'owntracks',
  title: 'OwnTracks',
  about: `Locations (\`_type: location\`): \`lat\`, \`lon\`, \`acc\`, \`alt\`, \`vel\`, \`batt\` and so on, under the time of the fix (\`tst\`). The device
is \`user/device\`, of the topic. Transitions (\`.../event\`) become \`region.<description>\`, 1 from when the device entered
the region and 0 from when it left, so that \`iot_aggregate\` says how long it was there. Last wills, commands, cards, steps,
the definitions of waypoints and encrypted payloads are left alone. \`base\` replaces \`owntracks\`.`,
  reference: 'https://owntracks.org/booklet/tech/json/',
  base: 'owntracks',
  routes: [
    {
      topic: 'owntracks/{user}/{device}',
      when: { '$._type': 'location' },
      device_id: '{user}/{device}',
      device_name: '$.tid',
      timestamp: '$.tst',
      unset_before: CLOCK_NOT_SET,
      time_unit: 's',
      // A retained location is taken back so.
      on_empty: 'skip',
      include: [
        'lat',
        'lon',
        'acc',
        'alt',
        'vac',
        'vel',
        'cog',
        'batt',
        'bs',
        'p',
        'rad',
        'odometer',
        'conn',
        't',
        'm',
      ],
      metrics: {
        lat: { unit: 'deg' },
        lon: { unit: 'deg' },
        cog: { unit: 'deg' },
        acc: { unit: 'm' },
        alt: { unit: 'm' },
        vac: { unit: 'm' },
        vel: { unit: 'km/h' },
        batt: { unit: '%' },
        p: { unit: 'kPa' },
        // One letter for what caused the report, of which "t" is no truth.
        t: { read: 'text' },
        conn: { read: 'text' },
      },
    },
    {
      name: 'event',
      topic: 'owntracks/{user}/{device}/{kind}',
      ignore: [
        'owntracks/+/+/cmd',
        'owntracks/+/+/waypoint',
        'owntracks/+/+/waypoints',
        'owntracks/+/+/info',
        'owntracks/+/+/dump',
        'owntracks/+/+/step',
        'owntracks/+/+/beacon',
        'owntracks/+/+/status',
      ],
      when: { '$._type': 'transition' },
      device_id: '{user}/{device}',
      device_name: '$.tid',
      metric_name: ['region.{$.desc}', 'region'],
      value: '$.event',
      timestamp: '$.tst',
      time_unit: 's',
      unset_before: CLOCK_NOT_SET,
      metrics: { 'region*': { words: { enter: 1, leave: 0 } } },
    },
  ],
  examples: [
    {
      topic: 'owntracks/jane/nokia',
      payload:
        '{"_type":"location","SSID":"mywifi","alt":154,"batt":53,"conn":"w","created_at":1706856299,"lat":48.856826,"lon":2.292713,"tid":"j1","tst":1706856298,"vel":0}',
    },
    {
      topic: 'owntracks/jane/nokia/event',
      payload:
        '{"_type":"transition","wtst":1376051317,"lat":48.8568,"lon":2.2927,"tst":1706856301,"acc":25,"tid":"j1","event":"enter","desc":"Home","t":"c"}',
    },
  ],
  recognises: (document) => document['_type'] === 'location' && 'tst' in document,
};
