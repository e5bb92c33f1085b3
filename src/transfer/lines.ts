import { isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;

/** Text of whole lines, each with its end; not in UTF-8 where `valid` says so. */
export interface Block {
  readonly text: string;
  readonly valid: boolean;
}

/**
 * Cuts bytes into blocks of whole lines. A line without an end for more than `limit` bytes is cut there, so that memory
 * stays bounded whatever the source is.
 */
export async function* blocksOf(parts: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Block> {
  let rest: Buffer = Buffer.alloc(0);
  let first = true;
  for await (const part of parts) {
    const bytes: Buffer = Buffer.concat([rest, part]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    const cut = end === 0 && bytes.length > limit ? bytes.length : end;
    rest = bytes.subarray(cut);
    if (cut === 0) continue;
    yield blockOf(bytes.subarray(0, cut), first);
    first = false;
  }
  if (rest.length > 0) yield blockOf(rest, first);
}

/** Without the mark of byte order that a file may begin with. */
function blockOf(bytes: Buffer, first: boolean): Block {
  const valid = isUtf8(bytes);
  const text = bytes.toString(valid ? 'utf8' : 'latin1');
  return { text: first ? text.replace(/^(?:\uFEFF|\u00EF\u00BB\u00BF)/, '') : text, valid };
}

/** Whether bytes that a block has as Latin-1 are UTF-8. */
export function reread(line: string): string | null {
  const bytes = Buffer.from(line, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}
