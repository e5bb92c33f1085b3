import { hash } from 'node:crypto';

/** Where Tidegate publishes; null: it does not. Placeholders in braces. */
export interface TopicTemplates {
  readonly status: string | null;
  readonly events: string | null;
  readonly homeAssistant: { readonly prefix: string; readonly deviceTopic: string } | null;
}

const EVENTS = ['device_silent', 'device_back'] as const;
export type EventName = (typeof EVENTS)[number];

/** The topics of one daemon. */
export class Topics {
  readonly #templates: TopicTemplates;
  readonly #clientId: string;
  /** An own topic is one of these, or begins with one that ends in a slash or in the middle of a level. */
  readonly #exact: readonly string[];
  readonly #beginnings: readonly string[];

  constructor(templates: TopicTemplates, clientId: string) {
    this.#templates = templates;
    this.#clientId = clientId;
    this.#exact = [this.status, ...EVENTS.map((event) => this.event(event))].filter(
      (topic) => topic !== null,
    );
    const { homeAssistant } = templates;
    this.#beginnings =
      homeAssistant === null
        ? []
        : [
            `${this.#expand(homeAssistant.prefix)}/device/${this.objectId(null)}`,
            this.#expand(homeAssistant.deviceTopic.slice(0, homeAssistant.deviceTopic.indexOf('{device}'))),
          ];
  }

  get status(): string | null {
    const { status } = this.#templates;
    return status === null ? null : this.#expand(status);
  }

  event(event: EventName): string | null {
    const { events } = this.#templates;
    return events === null ? null : this.#expand(events).replaceAll('{event}', event);
  }

  /** The configuration of a device in Home Assistant, or with null of this daemon; null where it is not told. */
  discovery(deviceId: string | null): string | null {
    const { homeAssistant } = this.#templates;
    if (homeAssistant === null) return null;
    return `${this.#expand(homeAssistant.prefix)}/device/${this.objectId(deviceId)}/config`;
  }

  /** A device's state for Home Assistant; null where it is not told. */
  device(deviceId: string): string | null {
    const { homeAssistant } = this.#templates;
    if (homeAssistant === null) return null;
    return this.#expand(homeAssistant.deviceTopic).replaceAll('{device}', objectName(deviceId));
  }

  /** What Home Assistant knows a device by, or with null this daemon: letters, digits, `_` and `-`. */
  objectId(deviceId: string | null): string {
    const own = `tidegate_${objectName(this.#clientId)}`;
    return deviceId === null ? own : `${own}_${objectName(deviceId)}`;
  }

  /** Whether we publish to it: what comes from there is nobody's data. */
  readonly isOwn = (topic: string): boolean =>
    this.#exact.includes(topic) || this.#beginnings.some((beginning) => topic.startsWith(beginning));

  /** Wildcards of MQTT cannot stand in a topic that is published to, but in a client id they can. */
  #expand(template: string): string {
    return template.replaceAll('{client_id}', this.#clientId.replaceAll(/[+#\0]/g, '_'));
  }
}

/** A name of its own for each text: as it is where it can be, else with a digest. */
function objectName(text: string): string {
  const plain = text.replaceAll(/[^a-zA-Z0-9_-]/g, '_');
  return plain === text && text.length <= 64
    ? text
    : `${plain.slice(0, 64)}_${hash('sha256', text).slice(0, 8)}`;
}
