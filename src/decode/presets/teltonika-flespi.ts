import { CLOCK_NOT_SET, type Preset } from './preset.ts';

export const teltonikaFlespi: Preset = {
  name: 'teltonika_flespi',
  title: 'Teltonika and other trackers through flespi',
  about: `Messages of flespi: the device is \`ident\` (the IMEI), its display name that of flespi, a metric the parameter as flespi
names it (\`position.latitude\`), the time \`timestamp\`. Parameters of the platform (channel, protocol, peer) are left out.
Where flespi forwards to a broker of your own, \`topic\` is what its stream publishes to.`,
  reference: 'https://flespi.com/kb/messages-basic-information-units',
  base: null,
  routes: [
    {
      topic: 'flespi/message/gw/devices/+',
      // Nothing of the topic, which may be any.
      device_id: ['$.ident', '$["device.id"]'],
      device_name: '$["device.name"]',
      timestamp: '$.timestamp',
      unset_before: CLOCK_NOT_SET,
      time_unit: 's',
      on_nested: 'skip',
      exclude: ['ident', 'channel.id', 'protocol.id', 'peer', 'device.*', 'server.timestamp'],
      metrics: {
        'position.latitude': { unit: 'deg' },
        'position.longitude': { unit: 'deg' },
        'position.direction': { unit: 'deg' },
        'position.altitude': { unit: 'm' },
        'position.speed': { unit: 'km/h' },
      },
    },
  ],
  examples: [
    {
      topic: 'flespi/message/gw/devices/3512',
      payload: '{"ident":"352625333222111","position.latitude":49.069782,"timestamp":1650636570.426424}',
    },
  ],
  recognises: (document) => 'ident' in document && 'timestamp' in document,
};
