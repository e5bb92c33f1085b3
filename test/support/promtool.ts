import { spawnSync } from 'node:child_process';

/** For tests that ask Prometheus itself: `test(name, needsPromtool, ...)`. */
export const needsPromtool: { readonly skip: string | false } = {
  skip:
    spawnSync('promtool', ['--version']).error !== undefined &&
    'needs promtool (of Prometheus), which is not installed here',
};

export interface PromtoolOutcome {
  readonly code: number | null;
  /** Of both its streams. */
  readonly output: string;
}

export function promtool(args: readonly string[], input = ''): PromtoolOutcome {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { code: status, output: stdout + stderr };
}
