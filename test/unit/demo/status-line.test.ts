import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { StatusLine } from '../../../src/demo/status-line.ts';

const ERASE = '\r\u001B[2K';

function lineOn(inPlace: boolean) {
  const output = new PassThrough().setEncoding('utf8');
  const line = new StatusLine(output, inPlace);
  return { line, output, above: line.above(output) };
}

test('is written over on a terminal, and moves down for other output', () => {
  const { line, output, above } = lineOn(true);
  line.show('one');
  line.show('two');
  above.write('a warning\n');
  line.clear();
  assert.equal(output.read(), `${ERASE}one${ERASE}two${ERASE}a warning\n${ERASE}two${ERASE}`);
});

test('is a line after the other on a pipe', () => {
  const { line, output, above } = lineOn(false);
  line.show('one');
  above.write('a warning\n');
  line.show('two');
  line.clear();
  assert.equal(output.read(), 'one\na warning\ntwo\n');
});
