/** The program as a package has it: bundled. A server starts from it three times as fast as from the sources. */
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, bundleThreads } from '../../build.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Builds the program without the console, with the clients of AWS that the checkout has.
 *
 * @param folder an empty one
 * @returns path of the command
 */
export async function buildProgram(folder: string): Promise<string> {
  const dist = join(folder, 'dist');
  await bundle({ 'cli/main': 'src/cli/main.ts' }, dist);
  await bundleThreads(dist);
  mkdirSync(join(folder, 'bin'));
  const command = join(folder, 'bin/slipway.js');
  copyFileSync(join(CHECKOUT, 'bin/slipway.js'), command);
  copyFileSync(join(CHECKOUT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(CHECKOUT, 'node_modules'), join(folder, 'node_modules'));
  return command;
}
