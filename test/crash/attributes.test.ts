/**
 * Owners, modes, ACLs and SELinux contexts of folders that stay from one Install to the next. A power cut or a fault at any call that
 * changes the disk leaves them all old or all new. The same holds for a call that runs such a program.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { execaSync } from 'execa';
import { expect, test } from 'vitest';
import type { Permission } from '../../src/appspec/types.ts';
import { runInstall } from '../../src/install/install.ts';
import { recoverInstalls } from '../../src/install/recover-installs.ts';
import { diskError, watchedFs } from '../support/failing-fs.ts';
import { type FakeSelinux, fakeSelinux } from '../support/fake-selinux.ts';
import { appSpecFor, installContext, installRequest, writeFiles } from '../support/install.ts';
import { describeWith, testWith } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

function permission(object: string, overrides: Partial<Permission>): Permission {
  const everything = { pattern: '**', except: [], types: ['directory' as const] };
  return { object, ...everything, owner: null, group: null, mode: null, acls: null, context: null, ...overrides };
}

/** Folders of the old revision: one with an ACL and default entries, one with a context, one with neither. */
function oldPermissions(site: string): Permission[] {
  return [
    permission(site, { pattern: 'acl', mode: '750', acls: ['user:1:rwx', 'default:user:2:r-x'] }),
    permission(site, { pattern: 'con.text', mode: '711', context: { user: 'staff_u', type: 'old_t', range: 's0:c1' } }),
  ];
}

function newPermissions(site: string): Permission[] {
  return [
    permission(site, { pattern: 'acl', owner: 'me', mode: '700', acls: ['user:3:r--'] }),
    permission(site, { pattern: 'con.text', mode: '755', context: { user: null, type: 'new_t', range: null } }),
    permission(site, {
      pattern: 'plain',
      group: 'me',
      mode: '2770',
      acls: ['group:4:rwx', 'default:group:4:rwx'],
      context: { user: null, type: 'new_t', range: null },
    }),
    permission(site, { types: ['file'], acls: ['user:5:r--'], context: { user: null, type: 'file_t', range: null } }),
  ];
}

async function prepared(scratch: ScratchFolder, selinux: FakeSelinux): Promise<void> {
  writeFiles(scratch.at('one'), { 'acl/a': '1', 'con.text/a': '1', 'plain/a': '1' });
  writeFiles(scratch.at('two'), { 'acl/a': '2', 'con.text/a': '2', 'plain/a': '2' });
  const files = [{ source: '', destination: scratch.at('site') }];
  const appSpec = appSpecFor({ files, permissions: oldPermissions(scratch.at('site')) });
  await runInstall(installContext(), installRequest(scratch.path, 'one', { appSpec }));
  // A label that no rule has put on, as an operator would with chcon.
  execaSync('chcon', ['--', 'system_u:object_r:by_hand_t:s0', scratch.at('site/plain')]);
  expect(selinux.labelOf(scratch.at('site/con.text'))).toBe('staff_u:object_r:old_t:s0:c1');
}

/** Everything that a permission can change. */
function visible(scratch: ScratchFolder, selinux: FakeSelinux) {
  const folders = ['acl', 'con.text', 'plain'].map((name) => scratch.at('site', name));
  const acls = execaSync('getfacl', ['-R', '-n', '--absolute-names', scratch.at('site')]).stdout;
  const labels = folders.map((folder) => selinux.labelOf(folder));
  return { site: treeOf(scratch.at('site'), { times: true }), acls, labels, rules: selinux.rules() };
}

function requestOfTwo(scratch: ScratchFolder) {
  const files = [{ source: '', destination: scratch.at('site') }];
  const appSpec = appSpecFor({ files, permissions: newPermissions(scratch.at('site')) });
  return installRequest(scratch.path, 'two', { appSpec });
}

function newState(scratch: ScratchFolder, selinux: FakeSelinux) {
  const { acls, labels, rules } = visible(scratch, selinux);
  const withoutPlace = (text: string) => text.replaceAll(scratch.path, '');
  return { site: treeOf(scratch.at('site')), acls: withoutPlace(acls), labels, rules: withoutPlace(rules) };
}

describeWith('setfacl', 'getfacl')('attributes of folders that stay', () => {
  test('are the old ones or the new ones after a fault or a power cut at any call', async () => {
    using counting = scratchFolder();
    using selinux = fakeSelinux(counting.at('selinux'));
    await prepared(counting, selinux);
    const names: string[] = [];
    const counted = watchedFs((_, name) => names.push(name));
    await runInstall({ ...installContext(counted.fs), tools: counted.tools }, requestOfTwo(counting));
    // The first file that gets a second name: before that nothing of the tree is touched.
    const firstOfCommit = 1 + names.indexOf('linkSync');
    const wanted = newState(counting, selinux);
    expect(wanted.labels).toEqual([null, 'system_u:object_r:new_t:s0', 'system_u:object_r:new_t:s0']);
    expect(wanted.acls).toContain('default:group:4:rwx');
    // A new ACL without default entries takes those of the old one away.
    expect(wanted.acls).not.toContain('default:user:2');

    for (let call = firstOfCommit; call <= counted.calls(); call += 1) {
      using scratch = scratchFolder();
      using own = fakeSelinux(scratch.at('selinux'));
      await prepared(scratch, own);
      const before = visible(scratch, own);
      // After a power cut nothing works any more, the rollback neither.
      const isPowerCut = call % 3 !== 0;
      const { fs, tools } = watchedFs((number) => {
        if (number === call || (isPowerCut && number > call)) throw diskError('EIO');
      });
      await runInstall({ ...installContext(fs), tools }, requestOfTwo(scratch)).catch(() => null);
      await recoverInstalls(installContext(), scratch.at('instructions'));
      const isNew = treeOf(scratch.at('site'))['acl/a']?.includes('2');
      if (isNew) expect(newState(scratch, own), `call ${call}`).toEqual(wanted);
      else expect(visible(scratch, own), `call ${call}`).toEqual(before);
    }
  }, 120_000);
});

testWith('setfacl', 'getfacl')(
  'a rule that goes with the old tree goes also when the power is cut after the commit',
  async () => {
    using scratch = scratchFolder();
    using selinux = fakeSelinux(scratch.at('selinux'));
    await prepared(scratch, selinux);
    const { tools } = watchedFs((_, name) => {
      if (name === 'dropContext') throw diskError('EIO');
    });
    await runInstall({ ...installContext(), tools }, installRequest(scratch.path, 'two'));
    expect(selinux.rules()).toContain('old_t');
    expect(await recoverInstalls(installContext(), scratch.at('instructions'))).toMatchObject([
      { outcome: 'completed' },
    ]);
    expect(selinux.rules()).toBe('');
  },
);

testWith('setfacl', 'getfacl')(
  'without getfacl an ACL that would be replaced is a reason to change nothing',
  async () => {
    using scratch = scratchFolder();
    using selinux = fakeSelinux(scratch.at('selinux'));
    await prepared(scratch, selinux);
    const before = visible(scratch, selinux);
    writeFileSync(scratch.at('selinux/bin/getfacl'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    await expect(runInstall(installContext(), requestOfTwo(scratch))).rejects.toMatchObject({ code: 'INSTALL_FAILED' });
    rmSync(scratch.at('selinux/bin/getfacl'));
    expect(visible(scratch, selinux)).toEqual(before);
    expect(existsSync(scratch.at('instructions/group-install.journal'))).toBe(false);
  },
);
