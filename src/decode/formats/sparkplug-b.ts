import { inflateSync, unzipSync } from 'node:zlib';
import { Excess } from '../excess.ts';
import type { PointEmitter } from '../point-emitter.ts';
import { excerpt } from '../place.ts';
import type { TopicMatch } from '../router.ts';
import { MessageError, type MetricLimit, readPayload } from '../sparkplug/message.ts';
import type { Payload } from '../sparkplug/payload.ts';
import { emitMessage } from '../sparkplug/emission.ts';
import { readTopic, type SparkplugTopic } from '../sparkplug/topic.ts';
import { itemBudget } from './budget.ts';
import type { Format } from './format.ts';

/** A message of an edge node or device. */
export interface SparkplugMessage {
  readonly topic: SparkplugTopic;
  readonly payload: Payload;
}

/** What a payload calls itself that has another, compressed one for its body. */
const COMPRESSED = 'SPBV1.0_COMPRESSED';

/** Sparkplug B (Eclipse Sparkplug 3.0): births, data and deaths of edge nodes and their devices. */
export const sparkplugFormat: Format = {
  what: 'Sparkplug B of industrial edge nodes',
  unused: ['base64', 'value', 'timestamp', 'each', 'time_zone', 'time_unit'],
  parse(payload: Uint8Array, points: PointEmitter): SparkplugMessage | undefined {
    const topic = readTopic(points.topic);
    // Commands and states of host applications are nobody's values.
    if (topic === null) return undefined;
    if (topic === undefined) {
      points.reject('payload_shape', `${excerpt(points.topic)} is no topic of Sparkplug B`, null);
      return undefined;
    }
    const read = readMessage(payload, topic, points);
    return read === undefined ? undefined : { topic, payload: read };
  },
  isCounted: true,
  emit(document: unknown, match: TopicMatch, points: PointEmitter): void {
    emitMessage(document as SparkplugMessage, match, points);
  },
};

function readMessage(bytes: Uint8Array, topic: SparkplugTopic, points: PointEmitter): Payload | undefined {
  const { messageBytes, pointsPerMessage, namesPerMessage } = points.limits;
  const isBirth = topic.type === 'NBIRTH' || topic.type === 'DBIRTH';
  // Each metric of a birth is a name; data may say the same ones again and again.
  const metrics: MetricLimit = isBirth
    ? { most: Math.min(namesPerMessage, pointsPerMessage), code: 'too_many_names' }
    : { most: itemBudget(points.limits), code: 'too_many_points' };
  try {
    const payload = readPayload(bytes, pointsPerMessage, metrics, namesPerMessage);
    if (payload.uuid !== COMPRESSED) return payload;
    const unpacked = decompress(payload, messageBytes);
    const inner = readPayload(unpacked, pointsPerMessage, metrics, namesPerMessage);
    return {
      ...inner,
      seq: inner.seq ?? payload.seq,
      timestamp: inner.timestamp ?? payload.timestamp,
    };
  } catch (error) {
    if (error instanceof Excess) points.reject(error.code, error.message, null);
    else if (error instanceof RangeError) points.reject('payload_too_large', 'decompressed', null);
    else if (error instanceof MessageError) points.reject('payload_not_sparkplug', error.message, null);
    else throw error;
    return undefined;
  }
}

/** Throws a RangeError where it comes to more than `most` bytes, MessageError where it cannot be read. */
function decompress({ body, metrics }: Payload, most: number): Uint8Array {
  const algorithm = metrics.find(({ name }) => name === 'algorithm')?.value ?? 'DEFLATE';
  const options = { maxOutputLength: most };
  try {
    if (algorithm === 'GZIP') return unzipSync(body ?? new Uint8Array(), options);
    if (algorithm === 'DEFLATE') return inflateSync(body ?? new Uint8Array(), options);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new MessageError(`the body is not ${excerpt(algorithm)}`, { cause: error });
  }
  throw new MessageError(`the body is compressed by ${excerpt(algorithm)}`);
}
