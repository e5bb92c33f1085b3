import { emitDocument } from '../document.ts';
import { excerpt } from '../place.ts';
import type { PointEmitter } from '../point-emitter.ts';
import type { TopicMatch } from '../router.ts';
import { readUtf8 } from '../utf8.ts';
import { autoFormat } from './auto.ts';
import { readBase64 } from './base64.ts';
import type { Format } from './format.ts';
import { unpacked } from './gzip.ts';
import { readJson } from './json.ts';
import { lineProtocolFormat } from './line-protocol.ts';
import { Recognised } from './recognised.ts';

/**
 * An event in the JSON format of CloudEvents 1.0. What `data_base64` holds (section 3.1 there) is read as the format
 * `auto` reads a payload, and is `$.data` then.
 */
export const cloudEventFormat: Format = {
  what: 'a CloudEvent in JSON, its data plain or in base64',
  unused: [],
  parse(payload: Uint8Array, points: PointEmitter, match: TopicMatch): unknown {
    const event = readJson(payload, points);
    if (event === undefined) return undefined;
    if (typeof event !== 'object' || event === null || Array.isArray(event)) {
      points.reject('payload_shape', `${excerpt(event)}, not a CloudEvent`, null);
      return undefined;
    }
    if (!Object.hasOwn(event, 'data_base64')) return event;
    const { data_base64: base64, ...rest } = event as { readonly data_base64: unknown };
    const packed = readBase64(base64);
    if (packed === null) {
      points.reject('payload_shape', `${excerpt(base64)}, not base64`, 'data_base64');
      return undefined;
    }
    const bytes = unpacked(packed, points);
    const data = bytes === undefined ? undefined : autoFormat.parse(bytes, points, match);
    if (bytes === undefined || data === undefined) return undefined;
    if (!(data instanceof Recognised)) return { ...rest, data };
    // Lines are no document: they stay a text.
    return { ...rest, data: data.format === lineProtocolFormat ? readUtf8(bytes, points) : data.document };
  },
  emit: emitDocument,
};
