import type { Preset } from './preset.ts';

export const azureEventGrid: Preset = {
  name: 'azure_event_grid',
  title: 'Azure Event Grid (messages routed as CloudEvents)',
  about: `The envelope that Event Grid puts around a device's message: the device is \`subject\`, the topic that it published to; the
metrics are in \`data\`, or encoded in \`data_base64\`; the time is the service's receipt. Say as \`topic\` where they arrive at
your broker.`,
  reference: 'https://learn.microsoft.com/azure/event-grid/mqtt-routing-event-schema',
  base: null,
  routes: [
    {
      format: 'cloud_event',
      device_id: '$.subject',
      value: '$.data',
      timestamp: '$.time',
      flatten: 'arrays',
    },
  ],
  examples: [
    {
      topic: 'azure/events',
      payload: JSON.stringify({
        specversion: '1.0',
        id: '9aeb0fdf-c01e-0131-0922-9eb54906e20',
        time: '2019-11-18T15:13:39.4589254Z',
        type: 'MQTT.EventPublished',
        source: 'testnamespace',
        subject: 'campus/buildings/building17',
        data: { Temp: 70, humidity: 40 },
      }),
    },
    {
      topic: 'azure/events',
      payload: JSON.stringify({
        specversion: '1.0',
        id: '9aeb0fdf-c01e-0131-0922-9eb54906e20',
        time: '2019-11-18T15:13:39.4589254Z',
        type: 'MQTT.EventPublished',
        source: 'testnamespace',
        subject: 'campus/buildings/building17',
        data_base64: 'eyJUZW1wIjogNzAsImh1bWlkaXR5IjogNDB9',
      }),
    },
  ],
  recognises: (document) => document['type'] === 'MQTT.EventPublished' && 'specversion' in document,
};
