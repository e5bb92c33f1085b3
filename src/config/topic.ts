/** Topics of routes: MQTT filters (MQTT 5, section 4.7) whose levels may have names, `site/{device_id}/{rest#}`. */

const NAMED = /^\{([A-Za-z_]\w*)(#?)\}$/;

/** What is wrong with a topic, or null. */
export function topicMistake(topic: string): string | null {
  if (topic.includes('\0') || !topic.isWellFormed() || Buffer.byteLength(topic) > 65_535) {
    return 'has a NUL, a lone surrogate or more than 65535 bytes';
  }
  if (topic.startsWith('$share/')) {
    return 'must not name a shared subscription: set mqtt.share_group instead';
  }
  const levels = topic.split('/');
  for (const [index, level] of levels.entries()) {
    const named = NAMED.exec(level);
    if (named === null && level !== '+' && level !== '#' && /[+#{}]/.test(level)) {
      return `has ${JSON.stringify(level)}: +, # and {name} each take a whole level`;
    }
    if ((level === '#' || named?.[2] === '#') && index < levels.length - 1) {
      return `goes on after ${level}, which must be the last level`;
    }
  }
  const names = levelNames(topic);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  return twice === undefined ? null : `has two levels named ${twice}`;
}

/** The names of a topic's levels, in order. */
export function levelNames(topic: string): string[] {
  return topic.split('/').flatMap((level) => NAMED.exec(level)?.[1] ?? []);
}

/** The MQTT filter that a topic subscribes to. */
export function topicFilter(topic: string): string {
  return topic
    .split('/')
    .map((level) => level.replace(NAMED, (_, _name, rest) => (rest === '#' ? '#' : '+')))
    .join('/');
}
