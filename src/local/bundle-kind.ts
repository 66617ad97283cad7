import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { bundleTypeOfName, type LocalBundleType } from './location.ts';
import { bundleTypeOf } from './validate.ts';

/**
 * What kind of bundle is at a location that nobody has named the kind of: a file's content tells, an address's name does, and what is
 * neither is a folder, or wrong, as with `codedeploy-local`.
 */
export function kindOfBundle(location: string, workingDirectory: string): LocalBundleType {
  if (/^(git\+)?[a-z0-9]+:\/\//.test(location)) return bundleTypeOfName(location) ?? 'directory';
  const path = resolve(workingDirectory, location);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return 'directory';
  return bundleTypeOf(path) ?? bundleTypeOfName(path) ?? 'directory';
}
