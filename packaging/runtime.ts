/** Node for a package: from the npm registry, held against the lock file, without the symbols that only debuggers read. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './architecture.ts';
import { run } from './run.ts';

export interface Runtime {
  readonly version: string;
  /** The executable, without symbols. */
  readonly program: string;
  readonly licence: string;
}

interface Locked {
  readonly version: string;
  readonly integrity: string;
}

/** @param cache a folder that is kept between builds; what is in it is held against the lock file each time */
export function runtimeOf(project: string, architecture: Architecture, cache: string): Runtime {
  const { version, integrity } = lockedPackage(project, architecture.runtime);
  mkdirSync(cache, { recursive: true });
  const archive = join(cache, `${architecture.runtime}-${version}.tgz`);
  if (!existsSync(archive)) {
    run('npm', ['pack', `${architecture.runtime}@${version}`, '--silent', '--pack-destination', cache], 'npm');
  }
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity) throw new Error(`${archive} is not what package-lock.json names: ${found}`);
  const folder = join(cache, `${architecture.runtime}-${version}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  run('tar', ['-xzf', archive, '-C', folder, 'package/bin/node', 'package/LICENSE'], 'tar');
  const program = join(folder, 'node');
  const { strip } = architecture;
  run(strip.program, ['--strip-unneeded', '-o', `${program}.new`, join(folder, 'package/bin/node')], strip.package);
  renameSync(`${program}.new`, program);
  return { version, program, licence: readFileSync(join(folder, 'package/LICENSE'), 'utf8') };
}

function lockedPackage(project: string, name: string): Locked {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked | undefined>>;
  };
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json does not name ${name}`);
  return locked;
}
