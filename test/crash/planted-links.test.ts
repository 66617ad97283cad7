/**
 * A user who may write in the folders of a site exchanges one of them for a link. This happens at every call by which Install changes the
 * disk. Nothing changes where the link leads, whether Install goes on, gives up or is cut off.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runInstall } from '../../src/install/install.ts';
import { recoverInstalls } from '../../src/install/recover-installs.ts';
import { diskError, watchedFs } from '../support/failing-fs.ts';
import { appSpecFor, installContext, installRequest, writeFiles } from '../support/install.ts';
import { hasPrograms } from '../support/programs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

const hasSetfacl = hasPrograms('setfacl');
const OLD = { changed: '1', gone: '1', touched: 's', 'deep/changed': '1', 'deep/gone': '1', 'swap/file': '1' };
const YOUNG = { changed: '2', touched: 's', young: '2', 'deep/changed': '2', 'deep/young/er': '2', swap: '2' };

/** The same names outside: what is done through the link, is done to one of these. */
async function prepared(scratch: ScratchFolder): Promise<void> {
  writeFiles(scratch.at('one'), OLD);
  writeFiles(scratch.at('two'), YOUNG);
  writeFiles(scratch.at('outside'), { ...OLD, young: 'o', 'deep/deep/changed': 'o' });
  mkdirSync(scratch.at('home'));
  // Others may write where the site is: no link in it is the operator's word.
  chmodSync(scratch.at('home'), 0o777);
  await runInstall(installContext(), requestFor(scratch, 'one'));
  for (const folder of ['home/site', 'home/site/deep']) chmodSync(scratch.at(folder), 0o777);
  chmodSync(scratch.at('two/touched'), 0o600);
}

function requestFor(scratch: ScratchFolder, revision: string) {
  const site = scratch.at('home/site');
  const everything = { pattern: '**', except: [], owner: null, group: null, mode: '777', context: null };
  const acls = hasSetfacl && revision === 'two' ? ['user:1:r--'] : null;
  const permissions = [{ object: site, ...everything, types: ['directory' as const], acls }];
  const appSpec = appSpecFor({ files: [{ source: '', destination: site }], permissions });
  return installRequest(scratch.path, revision, { appSpec });
}

/** Whatever is done to a file, its ACL included, the kernel notes the time of it, which nobody can set. */
function stateOf(folder: string) {
  const names = ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })].sort();
  const changed = names.map((name) => `${name} ${lstatSync(join(folder, name), { bigint: true }).ctimeNs}`);
  return { tree: treeOf(folder, { times: true }), changed };
}

/** Puts a link in a folder's place and, when told to, takes it away again. */
function exchange(folder: string, outside: string): () => void {
  const aside = `${folder}.aside`;
  renameSync(folder, aside);
  symlinkSync(outside, folder);
  return () => {
    rmSync(folder);
    renameSync(aside, folder);
  };
}

describe.each(['site', 'site/deep'])('a link put in the place of %s', (name) => {
  test.each([
    // The folders are held, so what has begun comes to its end in them.
    ['goes on', ['new']],
    ['is cut off', ['new', 'old']],
  ])(
    'leads nothing astray while Install works, and %s',
    async (how, expected) => {
      using counting = scratchFolder();
      await prepared(counting);
      const counted = watchedFs(() => {});
      await runInstall({ ...installContext(counted.fs), tools: counted.tools }, requestFor(counting, 'two'));
      expect(counted.calls()).toBeGreaterThan(50);
      const endings = new Set<string>();

      for (let call = 1; call <= counted.calls(); call += 1) {
        using scratch = scratchFolder();
        await prepared(scratch);
        const old = treeOf(scratch.at('home/site'));
        const outside = stateOf(scratch.at('outside'));
        let putBack: (() => void) | null = null;
        const { fs, tools } = watchedFs((number) => {
          if (number === call) putBack = exchange(scratch.at('home', name), scratch.at('outside'));
          if (how === 'is cut off' && number > call) throw diskError('EIO');
        });
        await runInstall({ ...installContext(fs), tools }, requestFor(scratch, 'two')).catch(() => null);
        expect(stateOf(scratch.at('outside')), `call ${call}`).toEqual(outside);
        // Also what puts the host right later meets the link, and may refuse to work there.
        await recoverInstalls(installContext(), scratch.at('instructions')).catch(() => null);
        expect(stateOf(scratch.at('outside')), `recovery after call ${call}`).toEqual(outside);

        (putBack as (() => void) | null)?.();
        await recoverInstalls(installContext(), scratch.at('instructions'));
        const now = treeOf(scratch.at('home/site'));
        const isNew = now['changed'] === treeOf(scratch.at('two'))['changed'];
        endings.add(isNew ? 'new' : 'old');
        if (isNew) expect(Object.keys(now), `call ${call}`).toEqual(Object.keys(treeOf(scratch.at('two'))));
        else expect(now, `call ${call}`).toEqual(old);
      }
      expect([...endings].sort()).toEqual(expected);
    },
    120_000,
  );
});
