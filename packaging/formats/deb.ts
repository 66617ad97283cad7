/** A Debian package. */
import { chmodSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from '../architecture.ts';
import { type Entry, layOut } from '../entry.ts';
import { run } from '../run.ts';

export interface PackageOptions {
  readonly version: string;
  readonly architecture: Architecture;
  readonly entries: readonly Entry[];
  /** Time of every file, in seconds since the epoch. */
  readonly timeSeconds: number;
  /** An empty folder to work in. */
  readonly workFolder: string;
  readonly outFolder: string;
}

/** @returns the file that was made */
export function buildDeb(options: PackageOptions & { readonly postrm: string; readonly maintainer: string }): string {
  const { version, architecture, entries, timeSeconds, workFolder, outFolder } = options;
  layOut(workFolder, entries, timeSeconds);
  const control = join(workFolder, 'DEBIAN');
  mkdirSync(control, { mode: 0o755 });
  const scripts = {
    postinst: '#!/bin/sh\nset -e\nif [ "$1" = configure ]; then /usr/lib/slipway/scripts/after-install; fi\n',
    prerm: '#!/bin/sh\nset -e\nif [ "$1" = remove ]; then /usr/lib/slipway/scripts/before-remove; fi\n',
    postrm: options.postrm,
  };
  for (const [name, text] of Object.entries(scripts)) write(join(control, name), text, 0o755, timeSeconds);
  const installedKiB = Math.ceil(sizeOf(workFolder) / 1024);
  write(join(control, 'control'), controlFile(options, installedKiB), 0o644, timeSeconds);
  chmodSync(control, 0o755);
  utimesSync(control, timeSeconds, timeSeconds);
  const file = join(outFolder, `slipway_${version}_${architecture.deb}.deb`);
  // One thread: more would cut the archive at places that depend on the machine.
  run('dpkg-deb', ['--root-owner-group', '-Zxz', '-z3', '--threads-max=1', '--build', workFolder, file], 'dpkg', {
    SOURCE_DATE_EPOCH: String(timeSeconds),
  });
  return file;
}

function controlFile(
  { version, architecture, maintainer }: PackageOptions & { readonly maintainer: string },
  installedKiB: number,
): string {
  return `Package: slipway
Version: ${version}
Architecture: ${architecture.deb}
Maintainer: ${maintainer}
Installed-Size: ${installedKiB}
Depends: libc6 (>= 2.28), libatomic1, libgcc-s1, libstdc++6
Recommends: systemd
Section: admin
Priority: optional
Description: host agent and control server for deployments
 Slipway deploys revisions to your own servers. Its host agent takes orders
 from a control server, copies files and runs the scripts of an AppSpec file.
 Its control server has the API of AWS CodeDeploy and needs no AWS account.
`;
}

function write(path: string, text: string, mode: number, timeSeconds: number): void {
  writeFileSync(path, text);
  chmodSync(path, mode);
  utimesSync(path, timeSeconds, timeSeconds);
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
