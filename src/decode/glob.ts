/**
 * Tells whether a name is taken by globs, in which `*` stands for any characters: by one of `include` (or there are
 * none), and by none of `exclude`. Null where every name is taken.
 */
export function compileGlobs(
  include: readonly string[],
  exclude: readonly string[],
): ((name: string) => boolean) | null {
  if (include.length === 0 && exclude.length === 0) {
    return null;
  }
  const wanted = include.map(parseGlob);
  const unwanted = exclude.map(parseGlob);
  return (name) =>
    (wanted.length === 0 || wanted.some((parts) => matchesGlob(parts, name))) &&
    !unwanted.some((parts) => matchesGlob(parts, name));
}

/** The texts around the stars. */
export function parseGlob(glob: string): readonly string[] {
  return glob.split('*');
}

/**
 * Linear in the name whatever the glob, unlike a regular expression: names come from devices. `taken` gets what each star
 * took, the first ones as little as they can.
 */
export function matchesGlob(parts: readonly string[], name: string, taken?: string[]): boolean {
  const head = parts[0] ?? '';
  if (parts.length === 1) {
    return name === head;
  }
  const tail = parts.at(-1) ?? '';
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) {
    return false;
  }
  let position = head.length;
  const end = name.length - tail.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, position);
    if (found === -1 || found + part.length > end) {
      return false;
    }
    taken?.push(name.slice(position, found));
    position = found + part.length;
  }
  taken?.push(name.slice(position, end));
  return true;
}
