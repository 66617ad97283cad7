/** The folder that this process stands in, which somebody may have removed. */
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { SlipwayError } from '../errors.ts';

/** Names of authorities that may be relative paths. */
const PATHS_IN_ENVIRONMENT = ['SSL_CERT_FILE', 'AWS_CA_BUNDLE', 'AWS_SSL_CA_BUNDLE', 'AWS_SSL_CA_DIRECTORY'];

/**
 * The folder that relative paths begin at. The name of a removed folder is kept, so that only work with relative paths fails. The process
 * then moves to `/`, because no program can be started in a removed folder.
 */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    process.chdir('/');
    return process.env['PWD'] ?? '/';
  }
}

/**
 * A path as a person names it, made whole.
 *
 * @throws SlipwayError CLI_FOLDER_GONE for a relative path where the folder that it begins at was removed
 */
export function pathFrom(folder: string, path: string): string {
  if (!isAbsolute(path) && !existsSync(folder)) {
    throw new SlipwayError('CLI_FOLDER_GONE', `${path} begins at ${folder}, and that folder was removed`);
  }
  return resolve(folder, path);
}

/** For a daemon: its folder can be unmounted and removed. Relative paths in the environment keep their meaning. */
export function leaveWorkingFolder(): void {
  const folder = workingFolder();
  for (const name of PATHS_IN_ENVIRONMENT) {
    const path = process.env[name];
    if (path !== undefined && path !== '') process.env[name] = resolve(folder, path);
  }
  process.chdir('/');
}
