/** An archive with a script that installs it, for systems with neither dpkg nor rpm. */
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layOut } from '../entry.ts';
import { run } from '../run.ts';
import type { PackageOptions } from './deb.ts';

/** @returns the file that was made */
export function buildTarball(options: PackageOptions & { readonly installScript: string }): string {
  const { version, architecture, entries, timeSeconds, workFolder, outFolder } = options;
  const name = `slipway_${version}_${architecture.deb}`;
  const folder = join(workFolder, name);
  mkdirSync(join(folder, 'root'), { recursive: true });
  layOut(join(folder, 'root'), entries, timeSeconds);
  const list = entries.map(({ path }) => `${path.slice(1)}\n`).join('');
  for (const [file, text, mode] of [
    ['files.txt', list, 0o644],
    ['install.sh', options.installScript, 0o755],
  ] as const) {
    writeFileSync(join(folder, file), text);
    chmodSync(join(folder, file), mode);
    utimesSync(join(folder, file), timeSeconds, timeSeconds);
  }
  chmodSync(folder, 0o755);
  utimesSync(folder, timeSeconds, timeSeconds);
  const file = join(outFolder, `${name}.tar.gz`);
  run(
    'tar',
    [
      ...[
        '--create',
        '--directory',
        workFolder,
        '--format=gnu',
        '--sort=name',
        '--owner=0',
        '--group=0',
        '--numeric-owner',
      ],
      // gzip would write the hour and its own name into the file's head.
      ...['--use-compress-program=gzip --no-name -6', '--file', file, name],
    ],
    'tar',
  );
  return file;
}
