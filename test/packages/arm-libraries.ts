/**
 * Libraries that a program for arm64 links against, for the emulator: this machine's own, or Debian's packages of them, unpacked and not
 * installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const INSTALLED = '/usr/aarch64-linux-gnu';
const PACKAGES = ['libc6-arm64-cross', 'libgcc-s1-arm64-cross', 'libstdc++6-arm64-cross', 'libatomic1-arm64-cross'];
const LIBRARIES = ['libc.so.6', 'libgcc_s.so.1', 'libstdc++.so.6', 'libatomic.so.1'];

/** @returns why the libraries cannot be had here; empty: they can */
export function armLibrariesMissing(): readonly string[] {
  if (areIn(INSTALLED)) return [];
  const { status } = spawnSync('apt-cache', ['show', ...PACKAGES], { stdio: 'ignore' });
  return status === 0 ? [] : [`${PACKAGES.join(', ')} are neither installed nor to be had by apt-get`];
}

/**
 * @param scratch a folder to unpack them in, where they are not installed
 * @returns the folder that the emulator's `-L` takes
 */
export function armLibraries(scratch: string): string {
  if (areIn(INSTALLED)) return INSTALLED;
  const [folder, root] = [join(scratch, 'arm-packages'), join(scratch, 'arm')];
  mkdirSync(folder, { recursive: true });
  execFileSync('apt-get', ['download', '-o', 'APT::Sandbox::User=root', ...PACKAGES], { cwd: folder, stdio: 'ignore' });
  for (const name of readdirSync(folder)) execFileSync('dpkg-deb', ['--extract', join(folder, name), root]);
  return join(root, INSTALLED);
}

function areIn(folder: string): boolean {
  return LIBRARIES.every((name) => existsSync(join(folder, 'lib', name)));
}
