/**
 * Topics that a route does not take: as MQTT filters (MQTT 5, section 4.7), but `#` may stand anywhere, and `*` within a
 * level is any characters. `zigbee2mqtt/#/set/#`, `homie/+/$*`.
 */

import { matchesGlob, parseGlob } from './glob.ts';

export interface TopicPattern {
  readonly text: string;
  readonly levels: readonly Level[];
}

type Level = 'any' | 'one' | readonly string[];

export function parseTopicPattern(text: string): TopicPattern {
  const levels = text
    .split('/')
    .map((level) => (level === '#' ? 'any' : level === '+' ? 'one' : parseGlob(level)));
  return { text, levels };
}

/** In time proportional to the levels of both, multiplied: topics come from devices. */
export function matchesTopicPattern({ levels }: TopicPattern, topic: readonly string[]): boolean {
  // MQTT 5, section 4.7.2: wildcards do not take topics of the server itself
  if (typeof levels[0] === 'string' && topic[0]?.startsWith('$') === true) return false;
  let position = 0;
  let index = 0;
  // Where the latest `any` stands, and how far it has taken levels: only that one needs to take more.
  let any = -1;
  let taken = 0;
  while (index < topic.length) {
    const level = levels[position];
    if (level === 'any') {
      any = position++;
      taken = index;
    } else if (level !== undefined && (level === 'one' || matchesGlob(level, topic[index] ?? ''))) {
      position++;
      index++;
    } else if (any === -1) {
      return false;
    } else {
      position = any + 1;
      index = ++taken;
    }
  }
  return levels.slice(position).every((level) => level === 'any');
}
