import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SlipwayError } from '../errors.ts';

/** The folder of this package: the same files are there in a checkout, where the sources run, and in a package, where a bundle does. */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'bin/slipway.js'))) return folder;
  }
  throw new SlipwayError('INTERNAL', 'the package is damaged: it has no bin/slipway.js');
}
