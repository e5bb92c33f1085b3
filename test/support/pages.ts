/** The pages that users read, and their blocks of code. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const FENCED = /^( *)```(.*)\n([^]*?)^ *```$/gm;

export interface Block {
  /** `docs/guides/fleet.md:17`, the line of its fence. */
  readonly place: string;
  /** What stands behind the fence: the language, then the manner of its test: `sql superuser`. */
  readonly kind: string;
  readonly text: string;
  /** Whether nothing but empty lines is between it and the block before. */
  readonly follows: boolean;
}

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** README.md and all of docs but the decisions, which tell of their day. */
export const PAGES: readonly Page[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.startsWith('adr'))
    .map((path) => `docs/${path}`)
    .sort(),
].map((path) => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return { path, text, blocks: blocksOf(path, text) };
});

/** What is meant as code within the text: `code`. */
export function inlineCode({ text }: Page): readonly string[] {
  const prose = text.replaceAll(FENCED, '');
  return [...prose.matchAll(/(`+)(.+?)\1/gs)].map(([, , code = '']) => code.replaceAll(/\s+/g, ' '));
}

function blocksOf(path: string, text: string): Block[] {
  let end = 0;
  return [...text.matchAll(FENCED)].map((match) => {
    const [whole, indent = '', kind = '', body = ''] = match;
    const follows = text.slice(end, match.index).trim() === '';
    end = match.index + whole.length;
    return {
      place: `${path}:${text.slice(0, match.index).split('\n').length}`,
      kind: kind.trim(),
      text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      follows,
    };
  });
}
