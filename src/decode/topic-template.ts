/** Topics of routes: MQTT filters whose levels may have names, `devices/{device_id}/{name#}`. */

export interface TopicTemplate {
  /** What to subscribe to: the template with its names replaced by wildcards. */
  readonly filter: string;
  readonly levels: readonly TemplateLevel[];
  /** The names of its levels, in order. */
  readonly names: readonly string[];
}

/** `rest` takes all remaining levels, none included, and comes last (MQTT 5, section 4.7.1.2). */
interface TemplateLevel {
  readonly kind: 'literal' | 'one' | 'rest';
  readonly text: string;
  readonly name: string | null;
}

const NAMED_LEVEL = /^\{([A-Za-z_][A-Za-z0-9_]*)(#?)\}$/;

/** Throws an Error that says what is wrong with the template. */
export function parseTopicTemplate(template: string): TopicTemplate {
  if (template === '') {
    throw new Error('is empty');
  }
  if (template.includes('\0') || !template.isWellFormed()) {
    throw new Error('has a NUL or a lone surrogate, which MQTT does not allow');
  }
  if (template.startsWith('$share/')) {
    throw new Error('names a shared subscription; set mqtt.share_group and leave $share/<group>/ away');
  }
  const texts = template.split('/');
  const levels = texts.map(parseLevel);
  const last = levels.findIndex((level) => level.kind === 'rest');
  if (last !== -1 && last !== levels.length - 1) {
    throw new Error(`has levels after ${texts[last]}, which takes all that remain`);
  }
  const names = levels.flatMap((level) => (level.name === null ? [] : [level.name]));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new Error(`names two levels ${twice}`);
  }
  return { filter: levels.map((level) => level.text).join('/'), levels, names };
}

function parseLevel(text: string): TemplateLevel {
  if (text === '+') {
    return { kind: 'one', text, name: null };
  }
  if (text === '#') {
    return { kind: 'rest', text, name: null };
  }
  const named = NAMED_LEVEL.exec(text);
  if (named !== null) {
    const rest = named[2] === '#';
    return { kind: rest ? 'rest' : 'one', text: rest ? '#' : '+', name: named[1] ?? null };
  }
  if (/[+#{}]/.test(text)) {
    throw new Error(`has the level ${JSON.stringify(text)}: a wildcard or {name} takes a whole level`);
  }
  return { kind: 'literal', text, name: null };
}

/** The captured levels, one for each name of the template; null where the topic does not match. */
export function matchTopic(template: TopicTemplate, topic: readonly string[]): string[] | null {
  let captures: string[] = [];
  for (let index = 0; index < template.levels.length; index++) {
    const level = template.levels[index] as TemplateLevel;
    if (index === 0 && level.kind !== 'literal' && topic[0]?.startsWith('$') === true) {
      return null; // MQTT 5, section 4.7.2: wildcards do not take topics of the server itself
    }
    if (level.kind === 'rest') {
      if (level.name !== null) {
        captures = captures.concat(topic.slice(index).join('/'));
      }
      return captures;
    }
    const text = topic[index];
    if (text === undefined || (level.kind === 'literal' && level.text !== text)) {
      return null;
    }
    if (level.name !== null) {
      // One that grows has room for 17 at once, and thousands of topics are remembered.
      captures = captures.concat(text);
    }
  }
  return topic.length === template.levels.length ? captures : null;
}

/** For people: the first reason for which `matchTopic` gives null, and how many levels fit before it. */
export interface Mismatch {
  readonly reason: string;
  readonly fitting: number;
}

export function mismatch(template: TopicTemplate, topic: readonly string[]): Mismatch {
  const first = template.levels[0];
  if (first?.kind !== 'literal' && topic[0]?.startsWith('$') === true) {
    return { reason: 'a wildcard does not take a first level that begins with $', fitting: 0 };
  }
  for (const [index, level] of template.levels.entries()) {
    const text = topic[index];
    if (level.kind === 'literal' && text !== undefined && text !== level.text) {
      const reason = `level ${index + 1} is ${JSON.stringify(text)}, not ${JSON.stringify(level.text)}`;
      return { reason, fitting: index };
    }
  }
  const open = template.levels.at(-1)?.kind === 'rest';
  const needed = open ? `at least ${template.levels.length - 1}` : template.levels.length;
  return {
    reason: `the topic has ${topic.length} ${topic.length === 1 ? 'level' : 'levels'}, not ${needed}`,
    fitting: Math.min(topic.length, template.levels.length),
  };
}
