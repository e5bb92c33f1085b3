/**
 * Tells formats apart. What reads as JSON or as one value under the route stays that; other formats are looked for only
 * where the message could be no point otherwise: in bytes that are no text, and in text where the payload has to name its
 * metrics and does not as JSON would.
 */

import { isUtf8 } from 'node:buffer';
import type { PointEmitter } from '../point-emitter.ts';
import type { TopicMatch } from '../router.ts';
import { readUtf8 } from '../utf8.ts';
import { recogniseBytes } from './auto-bytes.ts';
import type { Format } from './format.ts';
import { emitJson, readJson } from './json.ts';
import { readMembers } from './json-members.ts';
import { lineProtocolFormat } from './line-protocol.ts';
import { beginsWithLine } from './line-estimate.ts';
import { senmlFormat } from './senml.ts';
import { isSenml } from './senml-record.ts';
import { Recognised } from './recognised.ts';
import { readValue } from './value.ts';

const [OPEN_BRACKET, OPEN_BRACE] = [0x5b, 0x7b];
const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

export const autoFormat: Format = {
  what: 'whichever of them it certainly is',
  unused: [],
  parse(payload, points, match) {
    return isUtf8(payload)
      ? recogniseText(payload, points, match)
      : recogniseBytes(payload, points, namesMetrics(match));
  },
  // What begins with a brace is JSON or nothing.
  parseMembers: readMembers,
  emit: emitJson,
};

/** Whether the metrics have to be named by the payload itself, in the way of its format. */
function namesMetrics({ plan }: TopicMatch): boolean {
  const { metricName, value, each, picks, conditions, embedded, transform } = plan;
  return [metricName, value, each, picks, conditions, embedded, transform].every((said) => said === null);
}

function recogniseText(payload: Uint8Array, points: PointEmitter, match: TopicMatch): unknown {
  const named = namesMetrics(match);
  const first = firstByte(payload);
  const text = first === OPEN_BRACE || first === OPEN_BRACKET ? null : readUtf8(payload, points);
  if (text === undefined) {
    return undefined;
  }
  // Unicode has white space that JSON has not.
  if (text === null || /^\s*[[{]/.test(text)) {
    const document = readJson(payload, points, match);
    return document !== undefined && named && isSenml(document)
      ? new Recognised(document, senmlFormat)
      : document;
  }
  return named && beginsWithLine(payload)
    ? new Recognised(payload, lineProtocolFormat)
    : readValue(text, points);
}

/** The first one behind JSON's white space. */
function firstByte(payload: Uint8Array): number | undefined {
  let at = 0;
  while (WHITE_SPACE.has(payload[at] ?? 0)) at++;
  return payload[at];
}
