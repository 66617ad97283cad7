import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SlipwayError } from '../errors.ts';

/** Where the build writes the console, below the folder of the package. */
export const CONSOLE_FOLDER = 'dist/console';

/** The folder of this package: the same files are there in a checkout, where the sources run, and in a package, where a bundle does. */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'bin/slipway.js'))) return folder;
  }
  throw new SlipwayError('INTERNAL', 'the package is damaged: it has no bin/slipway.js', {
    remedy: 'Install the package of Slipway again.',
  });
}

/** Where the packages of a system (deb, rpm, tar.gz) have the program, in a folder of its version. */
const SYSTEM_HOME = '/usr/lib/slipway/';

/** Whether a package of the system has brought this program: then its units are there, and upgrades go past npm. */
export function isSystemPackage(): boolean {
  return packageRoot().startsWith(SYSTEM_HOME);
}

/** The words that start this program, also after an upgrade: an earlier version's folder goes. */
export function programCommand(): readonly string[] {
  return isSystemPackage() ? ['/usr/bin/slipway'] : [process.execPath, join(packageRoot(), 'bin/slipway.js')];
}
