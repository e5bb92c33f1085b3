/** Which dead letters are meant. What is null does not matter. */
export interface LetterSelection {
  readonly ids: readonly number[] | null;
  readonly code: string | null;
  /** The name of the route that took the message. */
  readonly route: string | null;
  /** An MQTT filter. */
  readonly topic: string | null;
  /** ISO 8601: since <= receipt < until. */
  readonly since: string | null;
  readonly until: string | null;
}

export const ALL_LETTERS: LetterSelection = {
  ids: null,
  code: null,
  route: null,
  topic: null,
  since: null,
  until: null,
};

/** Of a row of dead_letters, with the parameters of `selected` as $1 to $6. */
export const IS_SELECTED = `($1::bigint[] IS NULL OR dead_letter_id = ANY ($1)) AND ($2::text IS NULL OR code = $2)
  AND ($3::text IS NULL OR route = $3) AND ($4::text IS NULL OR topic ~ $4)
  AND ($5::timestamptz IS NULL OR received_at >= $5) AND ($6::timestamptz IS NULL OR received_at < $6)`;

export function selected({ ids, code, route, topic, since, until }: LetterSelection): unknown[] {
  return [ids, code, route, topic === null ? null : topicPattern(topic), since, until];
}

/** The topics that an MQTT filter takes (MQTT 5, section 4.7), as a regular expression of PostgreSQL. */
export function topicPattern(filter: string): string {
  const levels = filter.split('/');
  const wild = levels[0] === '+' || levels[0] === '#';
  const parts = levels.map((level, index) => {
    const slash = index === 0 ? '' : '/';
    // The levels above # are taken too.
    if (level === '#') return index === 0 ? '.*' : '(/.*)?';
    return slash + (level === '+' ? '[^/]*' : level.replaceAll(/[^\p{L}\p{N}\s]/gu, quoted));
  });
  // Wildcards do not take topics of the server itself.
  return `^${wild ? '(?!\\$)' : ''}${parts.join('')}$`;
}

/** ASCII punctuation is escaped; whatever else is no letter is not special. */
function quoted(mark: string): string {
  return mark < '\u{80}' ? `\\${mark}` : mark;
}
