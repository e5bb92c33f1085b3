/** `npm run generate`: writes the sample file and the pages that come from the tables in the code. */

import { writeFileSync } from 'node:fs';
import { serviceUnit } from './commands/install-service.ts';
import { commandsMarkdown } from './commands/manual.ts';
import { configurationMarkdown, errorsMarkdown } from './config/manual.ts';
import { exampleYaml } from './config/sample.ts';
import { apiMarkdown } from './http/api-manual.ts';
import { presetsMarkdown } from './preset-manual.ts';
import { metricsMarkdown } from './telemetry/reference.ts';

/** Where a package puts the command. */
const PACKAGED = ['/usr/bin/tidegate'];

/** What is generated, by its path from the root of the repository. */
export const GENERATED_FILES = {
  'config/systemd/tidegate.service': () => serviceUnit(PACKAGED, false),
  'config/systemd/tidegate@.service': () => serviceUnit(PACKAGED, true),
  'config/tidegate.example.yaml': exampleYaml,
  'docs/api.md': apiMarkdown,
  'docs/commands.md': commandsMarkdown,
  'docs/configuration.md': configurationMarkdown,
  'docs/errors.md': errorsMarkdown,
  'docs/metrics.md': metricsMarkdown,
  'docs/presets.md': presetsMarkdown,
} as const;

if (import.meta.main) {
  for (const [path, render] of Object.entries(GENERATED_FILES)) {
    writeFileSync(new URL(`../${path}`, import.meta.url), await render());
  }
}
