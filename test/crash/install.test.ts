/** A power cut at every call of Install that changes the disk: a real process is killed with SIGKILL there, and then recovery runs. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { runInstall } from '../../src/install/install.ts';
import { recoverInstalls } from '../../src/install/recover-installs.ts';
import { watchedFs } from '../support/failing-fs.ts';
import { appSpecFor, installContext, installRequest, writeFiles } from '../support/install.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

const PROGRAM = fileURLToPath(new URL('../support/install-and-die.ts', import.meta.url));

async function prepared(root: string): Promise<void> {
  writeFiles(`${root}/one`, { same: 's', changed: '1', 'gone/x': 'x', becomesFolder: 'f', 'becomesFile/x': 'x' });
  writeFiles(`${root}/two`, { same: 's', changed: '2', 'new/y': 'y', 'becomesFolder/i': 'i', becomesFile: 'f' });
  await runInstall(installContext(), installRequest(root, 'one'));
}

describe('kill -9 at a call of Install', () => {
  test('leaves the old tree or the new one after recovery, and nothing of its own', async () => {
    using counting = scratchFolder();
    await prepared(counting.path);
    const counted = watchedFs(() => {});
    await runInstall(installContext(counted.fs), installRequest(counting.path, 'two'));
    const outcomes = new Set<string>();

    for (let call = 1; call <= counted.calls(); call += 1) {
      using scratch = scratchFolder();
      await prepared(scratch.path);
      const old = { site: treeOf(scratch.at('site'), { times: true }), books: treeOf(scratch.at('instructions')) };

      const child = await execa(process.execPath, [PROGRAM, scratch.path, String(call)], { reject: false });
      expect(child.signal, `call ${call}`).toBe('SIGKILL');
      await recoverInstalls(installContext(), scratch.at('instructions'));

      if (existsSync(scratch.at('site', 'new'))) {
        outcomes.add('new');
        expect(treeOf(scratch.at('site')), `call ${call}`).toEqual(treeOf(scratch.at('two')));
      } else {
        outcomes.add('old');
        const now = { site: treeOf(scratch.at('site'), { times: true }), books: treeOf(scratch.at('instructions')) };
        expect(now, `call ${call}`).toEqual(old);
      }
      expect(await recoverInstalls(installContext(), scratch.at('instructions'))).toEqual([]);
    }
    expect([...outcomes].sort()).toEqual(['new', 'old']);
  }, 120_000);

  test('an Install that takes over another group’s files leaves each file to one group, and both can go on', async () => {
    const second = { deploymentGroupId: 'second', fileExistsBehavior: 'OVERWRITE' } as const;
    using counting = scratchFolder();
    await prepared(counting.path);
    const counted = watchedFs(() => {});
    await runInstall(installContext(counted.fs), installRequest(counting.path, 'two', second));
    const outcomes = new Set<string>();

    for (let call = 1; call <= counted.calls(); call += 1) {
      using scratch = scratchFolder();
      await prepared(scratch.path);
      const old = { site: treeOf(scratch.at('site'), { times: true }), books: treeOf(scratch.at('instructions')) };
      const args = [PROGRAM, scratch.path, String(call), 'instructions', 'second'];
      const child = await execa(process.execPath, args, { reject: false });
      expect(child.signal, `call ${call}`).toBe('SIGKILL');
      await recoverInstalls(installContext(), scratch.at('instructions'));

      const now = { site: treeOf(scratch.at('site'), { times: true }), books: treeOf(scratch.at('instructions')) };
      if (!existsSync(scratch.at('site', 'new'))) {
        outcomes.add('old');
        expect(now, `call ${call}`).toEqual(old);
        continue;
      }
      outcomes.add('new');
      const two = treeOf(scratch.at('two'));
      // What the second group does not bring stays, and stays the first one’s.
      expect(treeOf(scratch.at('site')), `call ${call}`).toEqual({
        ...two,
        gone: 'directory 755',
        'gone/x': 'file 644 "x"',
      });
      const claims = ['group', 'second'].map((group) => linesOf(scratch.at('instructions', `${group}-cleanup`)));
      expect(
        claims[0]?.filter((path) => claims[1]?.includes(path)),
        `call ${call}`,
      ).toEqual([]);
      const nothing = appSpecFor({});
      await runInstall(installContext(), installRequest(scratch.path, 'two', { appSpec: nothing }));
      expect(treeOf(scratch.at('site')), `call ${call}`).toEqual(two);
    }
    expect([...outcomes].sort()).toEqual(['new', 'old']);
  }, 120_000);
});

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}
