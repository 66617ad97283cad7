/** Install where nothing is mounted on `/proc`: folders cannot be held, and are looked at before every call instead. */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execaSync } from 'execa';
import { expect, test } from 'vitest';
import { writeFiles } from '../support/install.ts';
import type { InstallWithoutProc } from '../support/install-without-proc.ts';
import { describeIf } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

const PROGRAM = fileURLToPath(new URL('../support/install-without-proc.ts', import.meta.url));
/** In a mount namespace of its own; who is not root needs one of users as well, which not every host allows. */
const NAMESPACES = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];

function withoutProc(...command: string[]) {
  const hide = 'mount -t tmpfs none /proc && exec "$0" "$@"';
  return execaSync('unshare', [...NAMESPACES, 'sh', '-c', hide, ...command], { reject: false });
}

function install(scratch: ScratchFolder, revision: string, ...outside: string[]): InstallWithoutProc {
  const args = [scratch.path, revision, scratch.at('home/site'), ...outside];
  const { stdout, stderr } = withoutProc(process.execPath, PROGRAM, ...args);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as InstallWithoutProc;
}

function prepared(scratch: ScratchFolder): void {
  writeFiles(scratch.at('one'), { same: 's', changed: '1', 'gone/x': 'x', becomesFolder: 'f', 'becomesFile/x': 'x' });
  writeFiles(scratch.at('two'), { same: 's', changed: '2', 'new/y': 'y', 'becomesFolder/i': 'i', becomesFile: 'f' });
  mkdirSync(scratch.at('instructions'));
  mkdirSync(scratch.at('home'));
}

describeIf(!withoutProc('true').failed, 'mount namespaces')('without /proc', () => {
  test('revisions are installed one over the other, through links of the operator', () => {
    using scratch = scratchFolder();
    prepared(scratch);
    mkdirSync(scratch.at('data'));
    symlinkSync(scratch.at('data'), scratch.at('home/site'));
    expect(install(scratch, 'one')).toMatchObject({ hasProc: false, report: { files: 5 } });
    expect(install(scratch, 'two')).toMatchObject({ hasProc: false, report: { files: 4, unchanged: 1 } });
    expect(treeOf(scratch.at('data'))).toEqual(treeOf(scratch.at('two')));
  });

  test('a link that others can exchange is not followed, and the old tree comes back once it is gone', () => {
    using scratch = scratchFolder();
    prepared(scratch);
    // Others may write where the site is: no link in it is the operator's word.
    chmodSync(scratch.at('home'), 0o777);
    install(scratch, 'one');
    writeFiles(scratch.at('outside'), { same: 'o', changed: 'o', 'gone/x': 'o' });
    const before = { site: treeOf(scratch.at('home/site')), outside: treeOf(scratch.at('outside'), { times: true }) };

    const planted = install(scratch, 'two', scratch.at('outside'));
    expect(planted).toMatchObject({ hasProc: false, report: null, code: 'INSTALL_NOT_RECOVERED' });
    expect(planted.message).toContain(`${scratch.at('home/site')} is a link that is not followed`);
    expect(treeOf(scratch.at('outside'), { times: true })).toEqual(before.outside);

    rmSync(scratch.at('home/site'));
    renameSync(scratch.at('home/site.aside'), scratch.at('home/site'));
    expect(install(scratch, 'one')).toMatchObject({ recovered: ['rolled-back'], report: { files: 0, unchanged: 5 } });
    expect(treeOf(scratch.at('home/site'))).toEqual(before.site);
    expect(existsSync(scratch.at('instructions/group-install.journal'))).toBe(false);
  });
});
