/** What a page says that a command prints. */

import assert from 'node:assert/strict';

/** Stands for whatever there is. */
const LEFT_OUT = /…|\.\.\./;

/** Spaces between columns count as one, as their widths go by what else is in a table. */
export function assertPrinted(actual: string, expected: string): void {
  const parts = spaced(expected)
    .split(LEFT_OUT)
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(`^${parts.join('[^]*?')}$`);
  assert.ok(pattern.test(spaced(actual)), `printed:\n${actual}\ninstead of:\n${expected}`);
}

/** The commands of a `console` block, each with the lines below it. */
export function commandsOf(text: string): readonly { readonly command: string; readonly output: string }[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [, command = '', output = ''] = /^((?:.*\\\n)*.*\n)([^]*)$/.exec(part) ?? [];
      return { command, output };
    });
}

function spaced(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) =>
      line
        .trim()
        .replaceAll(/[ -]{2,}/g, '  ')
        .replaceAll(/ +/g, ' '),
    )
    .join('\n');
}
