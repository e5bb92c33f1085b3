/** `npm run generate`: writes the sample file and the pages that come from the schema and the table of errors. */

import { writeFileSync } from 'node:fs';
import { configurationMarkdown, errorsMarkdown } from './manual.ts';
import { exampleYaml } from './sample.ts';

/** What is generated, by its path from the root of the repository. */
export const GENERATED_FILES = {
  'config/tidegate.example.yaml': exampleYaml,
  'docs/configuration.md': configurationMarkdown,
  'docs/errors.md': errorsMarkdown,
} as const;

export { configurationMarkdown, errorsMarkdown, exampleYaml };

if (import.meta.main) {
  for (const [path, render] of Object.entries(GENERATED_FILES)) {
    writeFileSync(new URL(`../../${path}`, import.meta.url), render());
  }
}
