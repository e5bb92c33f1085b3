import type { Section } from '../key.ts';

export const mqtt = {
  url: {
    doc: 'The broker. A user and a password may stand in it, percent-encoded.',
    format: 'broker_url',
    default: 'mqtt://localhost:1883',
    sensitive: true,
  },
  urls: {
    doc: 'Several addresses of one broker or cluster instead of mqtt.url, tried in turn.',
    format: 'broker_urls',
    default: null,
    sensitive: true,
    example: '[mqtt://a.example:1883, mqtt://b.example:1883]',
  },
  client_id: {
    doc: 'Names the session that the broker keeps while Tidegate is away: one of its own for every daemon.',
    format: 'text',
    default: 'tidegate',
  },
  username: {
    doc: 'The user at the broker.',
    format: 'text',
    default: null,
    example: 'tidegate',
  },
  password: {
    doc: 'The password at the broker.',
    format: 'text',
    default: null,
    sensitive: true,
  },
  protocol_version: {
    doc: 'MQTT 5, or 3.1.1 for a broker that knows no 5.',
    format: 'protocol_version',
    default: '5',
  },
  share_group: {
    doc: 'Shares the messages of the routes among all daemons of this group; needs a client_id for each.',
    format: 'text',
    default: null,
    example: 'tidegate',
  },
  keepalive: {
    doc: 'How long the connection may be silent before it is probed.',
    format: 'seconds',
    default: '60s',
    minimum: '5s',
    maximum: '65535s',
  },
  session_expiry: {
    doc: 'How long the broker keeps messages while Tidegate is away (MQTT 5; under 3.1.1 the broker decides).',
    format: 'seconds',
    default: '7d',
    minimum: '1s',
    maximum: '36500d',
  },
  receive_maximum: {
    doc: 'How many messages the broker may send ahead of their acknowledgement (MQTT 5).',
    format: 'integer',
    default: 5000,
    minimum: 1,
    maximum: 65_535,
  },
  silence_timeout: {
    doc: 'Connects anew where no message arrived for this long; not set: silence is fine.',
    format: 'duration',
    default: null,
    minimum: '1s',
    maximum: '20d',
    example: '10min',
  },
  status: {
    enabled: {
      doc: 'Says, retained, whether Tidegate is online; the Last Will says it where the connection is lost.',
      format: 'flag',
      default: true,
    },
    topic: {
      doc: 'Where; {client_id} is mqtt.client_id.',
      format: 'publish_topic',
      placeholders: ['client_id'],
      default: 'tidegate/{client_id}/status',
    },
  },
  events: {
    enabled: {
      doc: 'Says it when a device falls silent (device_silent) and when it is heard again (device_back).',
      format: 'flag',
      default: true,
    },
    topic: {
      doc: 'Where; {event} is the name of the event.',
      format: 'publish_topic',
      placeholders: ['client_id', 'event'],
      default: 'tidegate/{client_id}/events/{event}',
    },
  },
  home_assistant: {
    prefix: {
      doc: "Shows Tidegate and each device's silence in Home Assistant, whose discovery prefix this is; not set: nothing.",
      format: 'publish_topic',
      placeholders: [],
      default: null,
      example: 'homeassistant',
    },
    device_topic: {
      doc: "Where each device's state is published, retained, for Home Assistant; {device} is its name there.",
      format: 'publish_topic',
      placeholders: ['client_id', 'device'],
      default: 'tidegate/{client_id}/devices/{device}',
    },
  },
  victron: {
    portals: {
      doc: 'Asks the Venus OS of these portal ids (VRM) to publish, which it does only while somebody asks; not set: nobody.',
      format: 'topic_levels',
      default: null,
      example: '[c0619ab9c5f4]',
    },
    interval: {
      doc: 'How often; Venus OS falls silent a minute after it was asked.',
      format: 'duration',
      default: '30s',
      minimum: '5s',
      maximum: '55s',
    },
  },
  tls: {
    ca: {
      doc: "File of the certificates (PEM) to trust; not set: those of Node.js's own list.",
      format: 'file',
      default: null,
      example: '/etc/tidegate/ca.pem',
    },
    cert: {
      doc: 'File of the client certificate (PEM), with mqtt.tls.key.',
      format: 'file',
      default: null,
      example: '/etc/tidegate/client.pem',
    },
    key: {
      doc: 'File of the private key (PEM) of mqtt.tls.cert.',
      format: 'file',
      default: null,
      example: '/etc/tidegate/client.key',
    },
    servername: {
      doc: "The name that the broker's certificate must carry; not set: the host of the URL.",
      format: 'text',
      default: null,
      example: 'broker.example',
    },
    reject_unauthorized: {
      doc: 'Whether a certificate that cannot be verified ends the connection; false is for experiments only.',
      format: 'flag',
      default: true,
    },
  },
} as const satisfies Section;
