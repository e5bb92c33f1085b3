import type { IConnackPacket } from 'mqtt';
import { describeReason } from './connection-errors.ts';
import type { ConnectionOptions } from './mqtt-options.ts';

/** What the broker granted at the latest connection. */
export interface Grant {
  /** With the password hidden. */
  readonly url: string;
  readonly protocolVersion: 4 | 5;
  /** Whether the broker still had our session. */
  readonly sessionPresent: boolean;
  /** Null at MQTT 3.1.1, where the broker does not say. */
  readonly sessionExpirySeconds: number | null;
  readonly keepaliveSeconds: number;
  readonly maximumQos: 0 | 1 | 2;
  /** What the broker takes from us (not what it sends): nothing that a subscriber can exceed. */
  readonly receiveMaximum: number | null;
  readonly maximumPacketBytes: number | null;
  /** Empty where the session was resumed with its subscriptions. */
  readonly subscriptions: readonly SubscriptionGrant[];
}

export interface SubscriptionGrant {
  readonly filter: string;
  readonly asked: 0 | 1;
  /** A QoS, or from 0x80 on the reason of a refusal. */
  readonly granted: number;
}

export function connackGrant(connack: IConnackPacket, options: ConnectionOptions, url: string): Grant {
  const properties = connack.properties ?? {};
  const maximumQos = properties.maximumQoS ?? 2;
  return {
    url,
    protocolVersion: options.protocolVersion,
    sessionPresent: connack.sessionPresent,
    sessionExpirySeconds:
      options.protocolVersion === 5
        ? (properties.sessionExpiryInterval ?? options.sessionExpirySeconds)
        : null,
    keepaliveSeconds: properties.serverKeepAlive ?? options.keepaliveSeconds,
    maximumQos: maximumQos === 0 ? 0 : maximumQos === 1 ? 1 : 2,
    receiveMaximum: properties.receiveMaximum ?? null,
    maximumPacketBytes: properties.maximumPacketSize ?? null,
    subscriptions: [],
  };
}

/** Each refused filter with the broker's reason. */
export function refusals(subscriptions: readonly SubscriptionGrant[]): string[] {
  return subscriptions
    .filter(({ granted }) => granted >= 0x80)
    .map(({ filter, granted }) => `${filter}: ${describeReason({ code: granted, text: undefined })}`);
}

/** One sentence for each thing that the broker granted less of than asked, with what it means. */
export function shortfalls(grant: Grant, options: ConnectionOptions): string[] {
  const found: string[] = [];
  const { sessionExpirySeconds } = grant;
  if (sessionExpirySeconds !== null && sessionExpirySeconds < options.sessionExpirySeconds) {
    found.push(
      `the broker keeps the session for ${sessionExpirySeconds} s instead of ${options.sessionExpirySeconds} s: ` +
        'messages of a longer absence are lost',
    );
  }
  for (const { filter, asked, granted } of grant.subscriptions) {
    if (granted < asked) {
      found.push(`the broker granted QoS ${granted} instead of ${asked} to ${filter}: messages can be lost`);
    }
  }
  return found;
}
