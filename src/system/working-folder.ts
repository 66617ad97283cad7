/** The folder that this process stands in, which somebody may have removed. */
import { resolve } from 'node:path';

/** Names of authorities that may be relative paths. */
const PATHS_IN_ENVIRONMENT = ['SSL_CERT_FILE', 'AWS_CA_BUNDLE', 'AWS_SSL_CA_BUNDLE', 'AWS_SSL_CA_DIRECTORY'];

/**
 * The folder that relative paths begin at. Of one that is gone the name remains, so that only what needs a relative path fails; the process
 * then stands in `/`, because no program can be started from a folder that is gone.
 */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    process.chdir('/');
    return process.env['PWD'] ?? '/';
  }
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
