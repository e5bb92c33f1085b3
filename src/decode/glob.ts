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
  const wanted = include.map((glob) => glob.split('*'));
  const unwanted = exclude.map((glob) => glob.split('*'));
  return (name) =>
    (wanted.length === 0 || wanted.some((parts) => matches(parts, name))) &&
    !unwanted.some((parts) => matches(parts, name));
}

/** Linear in the name whatever the glob, unlike a regular expression: names come from devices. */
function matches(parts: readonly string[], name: string): boolean {
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
    position = found + part.length;
  }
  return true;
}
