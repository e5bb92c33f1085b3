import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A folder that lives as long as the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

export function yamlFile(t: TestContext, text: string): string {
  const file = join(temporaryFolder(t), 'tidegate.yaml');
  writeFileSync(file, text);
  return file;
}
