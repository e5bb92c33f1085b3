/** `npm run build:deb`: packages for Debian, of what `npm run build` made and of Node.js itself (docs/packaging.md). */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { INSTALLATION } from './installation.ts';

const ROOT = fileURLToPath(INSTALLATION);
const run = promisify(execFile);

/** Debian's name of an architecture to that of Node.js. */
const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' } as const;
export type Architecture = keyof typeof ARCHITECTURES;

/** Of every file, in seconds since 1970, so that the same sources make the same package: what npm takes too, 1985. */
const EPOCH = 499_162_500;

/** Executables, from the root of the system. */
const PROGRAMS = new Set(['usr/bin/tidegate', 'usr/lib/tidegate/bin/node']);

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface DebOptions {
  readonly architecture: Architecture;
  /** Of the npm package `node-linux-*`: bin/node and its LICENSE. */
  readonly node: string;
  /** What `npm run build` made. */
  readonly dist: string;
  /** Where the package is written to. */
  readonly output: string;
  /** Arguments of dpkg-deb. Default: xz in one thread, as more of them make another file. */
  readonly compression?: readonly string[];
}

/** Resolves to the path of the package. */
export async function buildDeb(options: DebOptions): Promise<string> {
  const { architecture, node, dist, output, compression = ['-Zxz', '-z6', '--threads-max=1'] } = options;
  const { version, description } = readPackage(ROOT);
  const stage = mkdtempSync(join(tmpdir(), 'tidegate-deb-'));
  const to = (path: string) => {
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    return join(stage, path);
  };
  try {
    cpSync(dist, to('usr/lib/tidegate/dist'), { recursive: true });
    cpSync(join(ROOT, 'sql'), to('usr/lib/tidegate/sql'), { recursive: true });
    copyFileSync(join(ROOT, 'package.json'), to('usr/lib/tidegate/package.json'));
    for (const library of libraries(ROOT)) {
      cpSync(join(ROOT, library), to(join('usr/lib/tidegate', library)), {
        recursive: true,
        filter: (path) => !relative(join(ROOT, library), path).startsWith('node_modules'),
      });
    }
    copyFileSync(join(node, 'bin/node'), to('usr/lib/tidegate/bin/node'));
    copyFileSync(join(ROOT, 'config/debian/tidegate'), to('usr/bin/tidegate'));
    cpSync(join(ROOT, 'config/systemd'), to('usr/lib/systemd/system'), { recursive: true });
    copyFileSync(join(ROOT, 'config/tidegate.example.yaml'), to('etc/tidegate/tidegate.yaml'));
    const share = 'usr/share/doc/tidegate';
    cpSync(join(ROOT, 'docs'), to(`${share}/docs`), { recursive: true });
    for (const example of ['grafana', 'prometheus', 'mosquitto.conf'])
      cpSync(join(ROOT, 'config', example), to(`${share}/examples/${example}`), { recursive: true });
    writeFileSync(to(`${share}/changelog.gz`), gzipSync(readFileSync(join(ROOT, 'CHANGELOG.md'))));
    writeFileSync(to(`${share}/copyright`), copyright(version));
    writeFileSync(to(`${share}/node-license.gz`), gzipSync(readFileSync(join(node, 'LICENSE'))));

    const files = filesOf(stage);
    const size = files.reduce((sum, file) => sum + lstatSync(join(stage, file)).size, 0);
    const sums = files.map((file) => `${md5(join(stage, file))}  ${file}\n`);
    writeFileSync(to('DEBIAN/control'), control({ version, description, architecture, size }));
    writeFileSync(to('DEBIAN/conffiles'), '/etc/tidegate/tidegate.yaml\n');
    writeFileSync(to('DEBIAN/md5sums'), sums.join(''));
    for (const script of ['preinst', 'postinst', 'prerm', 'postrm'])
      copyFileSync(join(ROOT, 'config/debian', script), to(`DEBIAN/${script}`));
    settle(stage);
    mkdirSync(output, { recursive: true });
    const path = join(output, `tidegate_${version}_${architecture}.deb`);
    const command = ['dpkg-deb', '--root-owner-group', ...compression, '--build', stage, path];
    await run('env', [`SOURCE_DATE_EPOCH=${EPOCH}`, ...command]);
    return path;
  } finally {
    rmSync(stage, { recursive: true });
  }
}

/**
 * The folder of Node.js for an architecture, in the version that the tests run with: the one that is installed, or the
 * package as npm fetches and checks it, unpacked into `cache`.
 */
export async function nodeFor(architecture: Architecture, cache: string): Promise<string> {
  const name = `node-linux-${ARCHITECTURES[architecture]}`;
  const installed = join(ROOT, 'node_modules/node/node_modules', name);
  if (existsSync(join(installed, 'bin/node'))) return installed;
  const version = readPackage(ROOT).devDependencies?.['node'] ?? '';
  const folder = join(cache, `${name}-${version}`);
  if (existsSync(join(folder, 'package/bin/node'))) return join(folder, 'package');
  mkdirSync(folder, { recursive: true });
  const pack = ['pack', `${name}@${version}`, '--silent', '--pack-destination', folder];
  const { stdout } = await run('npm', pack, { cwd: folder });
  await run('tar', [
    '-xzf',
    join(folder, stdout.trim()),
    '-C',
    folder,
    'package/bin/node',
    'package/LICENSE',
  ]);
  return join(folder, 'package');
}

/** What a package needs to run: folders below `root`, each with what it needs itself. */
export function libraries(root: string, from = '', found = new Set<string>()): Set<string> {
  for (const name of Object.keys(readPackage(join(root, from)).dependencies ?? {})) {
    let place = from;
    while (!existsSync(join(root, place, 'node_modules', name))) {
      if (place === '') throw new Error(`${name} is not installed: npm ci`);
      place = place.slice(0, Math.max(0, place.lastIndexOf('node_modules/') - 1));
    }
    const folder = join(place, 'node_modules', name);
    if (found.has(folder)) continue;
    found.add(folder);
    libraries(root, folder, found);
  }
  return found;
}

function readPackage(folder: string): PackageJson {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;
}

function filesOf(stage: string): string[] {
  return readdirSync(stage, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(stage, join(entry.parentPath, entry.name)))
    .toSorted();
}

function md5(path: string): string {
  return createHash('md5').update(readFileSync(path)).digest('hex');
}

/** Modes and times do not depend on who builds, nor when. */
function settle(stage: string): void {
  const entries = readdirSync(stage, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const isProgram = PROGRAMS.has(relative(stage, path)) || /\/DEBIAN\/(pre|post)(inst|rm)$/.test(path);
    chmodSync(path, entry.isDirectory() || isProgram ? 0o755 : 0o644);
    utimesSync(path, EPOCH, EPOCH);
  }
  chmodSync(stage, 0o755);
  utimesSync(stage, EPOCH, EPOCH);
}

interface ControlFields {
  readonly version: string;
  readonly description: string;
  readonly architecture: Architecture;
  /** Bytes. */
  readonly size: number;
}

/** The libraries are those that Node.js 24 is linked with; Debian 11 and Ubuntu 20.04 have them. */
function control({ version, description, architecture, size }: ControlFields): string {
  return `Package: tidegate
Version: ${version}
Architecture: ${architecture}
Maintainer: Tidegate <tidegate@localhost>
Installed-Size: ${Math.ceil(size / 1024)}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 5.2)
Recommends: systemd
Suggests: mosquitto, postgresql
Section: net
Priority: optional
Description: MQTT into PostgreSQL, exactly once
 ${description.replaceAll(/\s+/g, ' ')}
 .
 Node.js comes with it, in /usr/lib/tidegate, for Tidegate alone.
`;
}

function copyright(version: string): string {
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tidegate ${version}

Files: *
Copyright: the authors of Tidegate
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.

Files: usr/lib/tidegate/dist/*.js
Copyright: the authors of Tidegate, and of the libraries within
License: Apache-2.0 and others
 The libraries and their licences are listed in /usr/lib/tidegate/dist/LICENSES.txt.

Files: usr/lib/tidegate/node_modules/*
Copyright: see the files of each package
License: as each package's package.json and LICENSE say

Files: usr/lib/tidegate/bin/node
Copyright: the contributors to Node.js
License: MIT and others
 The text is in /usr/share/doc/tidegate/node-license.gz.
`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { arch: { type: 'string', multiple: true }, output: { type: 'string', default: 'dist-deb' } },
  });
  const wanted = values.arch ?? Object.keys(ARCHITECTURES);
  for (const architecture of wanted) {
    if (!Object.hasOwn(ARCHITECTURES, architecture))
      throw new Error(`--arch ${architecture}: packages are for ${Object.keys(ARCHITECTURES).join(', ')}`);
    const node = await nodeFor(architecture as Architecture, join(ROOT, 'node_modules/.cache'));
    const options = { architecture: architecture as Architecture, node, dist: join(ROOT, 'dist') };
    await buildDeb({ ...options, output: values.output });
  }
}
