import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unfitMachine } from '../../../src/commands/unfit-machine.ts';

test('32-bit machines are refused in one sentence that says what to do', () => {
  for (const arch of ['arm', 'ia32']) {
    assert.match(unfitMachine(arch) ?? '', /^Tidegate needs a 64-bit system, [^\n]+[^.\n]\.$/);
    assert.ok(unfitMachine(arch)?.includes(`(${arch})`));
  }
});

test('others are not', () => {
  for (const arch of ['x64', 'arm64', 'riscv64', 'ppc64', 's390x', process.arch])
    assert.equal(unfitMachine(arch), null);
});
