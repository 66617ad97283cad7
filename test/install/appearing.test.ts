/** Files that another hand makes at a destination while Install works, after the plan has found nothing there. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runInstall } from '../../src/install/install.ts';
import { type InstallFs, realInstallFs } from '../../src/install/install-fs.ts';
import { installContext, installRequest, writeFiles } from '../support/install.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

const KINDS = {
  file: (path: string) => writeFileSync(path, 'of another'),
  folder: (path: string) => mkdirSync(path),
  link: (path: string) => symlinkSync('/etc/passwd', path),
};

/** The real disk, on which something appears at `path` once the plan has looked there, or once the journal says that all is staged. */
function diskWhere(path: string, when: 'plan' | 'staged', appear: (path: string) => void): InstallFs {
  let isThere = false;
  const once = () => {
    if (!isThere) appear(path);
    isThere = true;
  };
  const lstatSync = ((name: string, options?: { throwIfNoEntry: false }) => {
    const stats = realInstallFs.lstatSync(name, options);
    if (when === 'plan' && name === path) once();
    return stats;
  }) as InstallFs['lstatSync'];
  const writeSync = ((file: number, bytes: Uint8Array, ...rest: []) => {
    if (when === 'staged' && Buffer.from(bytes).includes('"staged"')) once();
    return realInstallFs.writeSync(file, bytes, ...rest);
  }) as InstallFs['writeSync'];
  return { ...realInstallFs, lstatSync, writeSync };
}

test.each([
  ['plan', 'file'],
  ['plan', 'folder'],
  ['plan', 'link'],
  ['staged', 'file'],
  ['staged', 'folder'],
  ['staged', 'link'],
] as const)(
  'after the %s a %s of another hand comes to a new file’s place: Install fails, and it stays',
  async (when, kind) => {
    using scratch = scratchFolder();
    const path = scratch.at('site/new');
    writeFiles(scratch.at('site'), { theirs: 'theirs' });
    writeFiles(scratch.at('one'), { 'a-first': '1', new: 'new', 'z-last': '2' });
    const context = installContext(diskWhere(path, when, KINDS[kind]));
    await expect(runInstall(context, installRequest(scratch.path, 'one'))).rejects.toMatchObject({
      code: 'INSTALL_FAILED',
      message: expect.stringContaining(`${path} has come to be`),
    });
    expect(Object.keys(treeOf(scratch.at('site'))).filter((name) => name !== '')).toEqual(['new', 'theirs']);
    if (kind === 'file') expect(readFileSync(path, 'utf8')).toBe('of another');
  },
);
