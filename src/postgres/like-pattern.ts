/** A pattern of LIKE: `*` stands for any characters, all else for itself. */
export function likePattern(glob: string): string {
  return glob.replaceAll(/[\\%_]/g, String.raw`\$&`).replaceAll('*', '%');
}
