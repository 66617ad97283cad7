/** A package for Debian of the next version: the same program, with another id and version. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** @param from the package as it was built @param to the file that is made */
export function makeNextPackage(from: string, to: string): void {
  const folder = mkdtempSync(join(dirname(to), 'next-'));
  execFileSync('dpkg-deb', ['--raw-extract', from, join(folder, 'root')]);
  change(join(folder, 'root/usr/lib/slipway/program/id'), (id) => `${id.trim()}-next\n`);
  change(join(folder, 'root/DEBIAN/control'), (text) => text.replace(/^Version: .*$/m, '$&+next'));
  execFileSync('dpkg-deb', ['-Znone', '--build', join(folder, 'root'), to], { stdio: 'ignore' });
  rmSync(folder, { recursive: true });
}

function change(file: string, edit: (text: string) => string): void {
  writeFileSync(file, edit(readFileSync(file, 'utf8')));
}
