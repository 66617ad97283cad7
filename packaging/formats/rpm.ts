/** A package for RPM. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../entry.ts';
import { layOut } from '../entry.ts';
import { run } from '../run.ts';
import type { PackageOptions } from './deb.ts';

/** @returns the file that was made */
export function buildRpm(options: PackageOptions): string {
  const { version, architecture, entries, timeSeconds, workFolder, outFolder } = options;
  const root = join(workFolder, 'root');
  mkdirSync(root);
  layOut(root, entries, timeSeconds);
  const spec = join(workFolder, 'slipway.spec');
  writeFileSync(spec, specFile(version, entries));
  const settings = {
    _topdir: join(workFolder, 'rpmbuild'),
    _rpmdir: outFolder,
    _build_name_fmt: 'slipway-%{VERSION}-%{RELEASE}.%{ARCH}.rpm',
    // Neither machine nor hour may be in the file.
    _buildhost: 'reproducible',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    _binary_payload: 'w3.xzdio',
    // Our files are ready: nothing is compiled, stripped, or searched for what it needs.
    __os_install_post: '%{nil}',
    debug_package: '%{nil}',
    _build_id_links: 'none',
  };
  const defines = Object.entries(settings).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  run(
    'rpmbuild',
    ['-bb', '--quiet', '--target', `${architecture.rpm}-linux`, '--buildroot', root, ...defines, spec],
    'rpm',
    { SOURCE_DATE_EPOCH: String(timeSeconds), HOME: workFolder },
  );
  const made = join(outFolder, `slipway-${version}-1.${architecture.rpm}.rpm`);
  const file = join(outFolder, `slipway_${version}_${architecture.deb}.rpm`);
  renameSync(made, file);
  return file;
}

function specFile(version: string, entries: readonly Entry[]): string {
  const files = entries.map(({ path }) => `"${path}"`);
  // A folder that the package does not own would stay, empty, when it is removed.
  const folders = [...new Set(entries.flatMap(({ path }) => ownFolders(path)))].sort().map((path) => `%dir "${path}"`);
  return `Name: slipway
Version: ${version}
Release: 1
Summary: Host agent and control server for deployments
License: Apache-2.0
AutoReqProv: no
Requires: glibc >= 2.28, libatomic, libgcc, libstdc++

%description
Slipway deploys revisions to your own servers. Its host agent takes orders
from a control server, copies files and runs the scripts of an AppSpec file.
Its control server has the API of AWS CodeDeploy and needs no AWS account.

%post
/usr/lib/slipway/scripts/after-install

%preun
if [ "$1" = 0 ]; then /usr/lib/slipway/scripts/before-remove; fi

%postun
if [ "$1" = 0 ]; then
  rm -rf /usr/lib/slipway/versions /usr/lib/slipway/current
  rmdir /usr/lib/slipway 2>/dev/null || :
fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi

%files
%defattr(-,root,root,-)
${folders.join('\n')}
${files.join('\n')}
`;
}

/** The folders on the way to a file that are Slipway's alone. */
function ownFolders(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  const first = parts.indexOf('slipway');
  return first < 0 ? [] : parts.slice(first).map((_, n) => parts.slice(0, first + n + 1).join('/'));
}
