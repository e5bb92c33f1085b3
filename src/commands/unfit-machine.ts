/** Of those that Node.js can be built for. */
const NARROW: ReadonlySet<string> = new Set(['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390']);

/** Why Tidegate cannot run where Node.js says `arch` of the machine (`process.arch`), in one sentence; null where it can. */
export function unfitMachine(arch: string): string | null {
  if (!NARROW.has(arch)) return null;
  return `Tidegate needs a 64-bit system, and this Node.js is built for a 32-bit one (${arch}): on a Raspberry Pi, install Raspberry Pi OS (64-bit).`;
}
