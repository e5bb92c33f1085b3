/**
 * A real systemd as the first process of namespaces of its own, with a root in memory over this machine's /usr: what it
 * starts sees this machine's network, and nothing of its other services.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { createFolder } from './folder.ts';

const SYSTEMD = '/lib/systemd/systemd';
const NAMESPACES = [
  '--mount',
  '--pid',
  '--fork',
  '--uts',
  '--ipc',
  '--cgroup',
  '--kill-child',
  '--propagation',
  'private',
];
const END = 'THE SCRIPT ENDED';

/** Units that care for a machine's devices, which are not this root's. */
const MASKED = [
  'systemd-udevd.service systemd-udev-trigger.service systemd-udevd-control.socket systemd-udevd-kernel.socket',
  'systemd-modules-load.service systemd-sysctl.service systemd-hwdb-update.service modprobe@.service',
  'sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount',
  'dev-hugepages.mount dev-mqueue.mount systemd-random-seed.service systemd-remount-fs.service getty.target',
  'systemd-timesyncd.service systemd-machine-id-commit.service kmod-static-nodes.service',
  'systemd-networkd-wait-online.service systemd-tmpfiles-setup-dev.service proc-sys-fs-binfmt_misc.automount',
].join(' ');

/** Why it cannot be booted here; null where it can. */
export async function bootObstacle(): Promise<string | null> {
  if (process.getuid?.() !== 0 || !existsSync(SYSTEMD)) return 'needs root and systemd, which are not here';
  for (const [command = '', ...args] of [
    ['script', '--version'],
    ['unshare', ...NAMESPACES, 'true'],
  ]) {
    if (spawnSync(command, args).status !== 0) return `needs ${command}, which does not work here`;
  }
  await using folder = await createFolder();
  const said = await underSystemd(join(folder.path, 'nothing'), {}, 'echo booted').catch(() => '');
  return said.includes('booted') ? null : 'systemd does not boot in namespaces here';
}

/** `usr` and `etc` of `tree` are laid over the machine's, `files` are written; resolves to what `script` printed. */
export async function underSystemd(
  tree: string,
  files: Readonly<Record<string, string>>,
  script: string,
): Promise<string> {
  await using folder = await createFolder();
  const root = join(folder.path, 'root');
  await mkdir(root);
  await mkdir(join(tree, 'usr'), { recursive: true });
  await mkdir(join(tree, 'etc'), { recursive: true });
  const all = {
    ...files,
    '/script.sh': `${script}\necho ${END}\n`,
    '/etc/systemd/system/test.target':
      '[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\nWants=test.service\n',
    '/etc/systemd/system/test.service':
      '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nStandardOutput=tty\nStandardError=tty\nExecStart=/bin/sh /script.sh\n',
  };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder.path, 'files', path)), { recursive: true });
    await writeFile(join(folder.path, 'files', path), text, { mode: 0o600 });
  }
  await writeFile(join(folder.path, 'boot.sh'), bootScript(root, tree, join(folder.path, 'files')));
  const command = `unshare ${NAMESPACES.join(' ')} sh ${join(folder.path, 'boot.sh')}`;
  // A terminal, because it is the console.
  const child = spawn('script', ['--quiet', '--flush', '--command', command, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  let output = '';
  const ended = new Promise<boolean>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (plain(output).split('\n').includes(END)) resolve(true);
    });
    child.once('close', () => resolve(false));
  });
  if (!(await ended)) throw new Error(`systemd ended:\n${plain(output)}`);
  // Its terminal goes with it, and unshare with that; --kill-child takes the first process along, and all others die with it.
  child.kill('SIGTERM');
  await closed;
  return plain(output);
}

function bootScript(root: string, tree: string, files: string): string {
  return `set -e
R=${root}
mount -t tmpfs tmpfs $R
cd $R
mkdir -p usr etc var/lib var/log var/tmp run tmp proc sys dev root
chmod 1777 tmp var/tmp
ln -s /run var/run
mount -t overlay overlay -o lowerdir=${tree}/usr:/usr usr
for l in bin sbin lib lib64 lib32; do
  if [ -L /$l ]; then cp -a /$l $l; elif [ -d /$l ]; then mkdir $l; mount --rbind /$l $l; fi
done
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so* etc/
cp -a ${tree}/etc/. etc/
mkdir -p etc/systemd/system
: >etc/machine-id
cp -a ${files}/. .
for unit in ${MASKED}; do ln -sf /dev/null etc/systemd/system/$unit; done
mount -t proc proc proc
mount --rbind /sys sys
mount -t tmpfs tmpfs dev
for d in null zero full random urandom tty ptmx; do touch dev/$d; mount --bind /dev/$d dev/$d; done
mkdir dev/pts dev/shm
mount --rbind /dev/pts dev/pts
mount -t tmpfs tmpfs dev/shm
touch dev/console
mount --bind "$(tty)" dev/console
mkdir old
pivot_root . old
umount -l /old
# Credentials are mounted in a namespace beside, and have to be seen here.
mount --make-rshared /
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin ${SYSTEMD} --system --log-target=console --show-status=no --unit=test.target
`;
}

/** Without what a terminal is told beside. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll('\r', '');
}
