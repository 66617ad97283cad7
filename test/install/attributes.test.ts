/** Owners, modes, ACLs and SELinux contexts of an AppSpec file, from its text to what the host has afterwards. */
import { chmodSync, lstatSync, type Mode, mkdirSync, readFileSync, statSync } from 'node:fs';
import { execaSync } from 'execa';
import { describe, expect, test } from 'vitest';
import { parseAppSpec } from '../../src/appspec/parse.ts';
import type { AppSpec } from '../../src/appspec/types.ts';
import { parseContextRules } from '../../src/install/attribute-tools.ts';
import { completeAcl } from '../../src/install/attributes.ts';
import { runInstall } from '../../src/install/install.ts';
import { realInstallFs } from '../../src/install/install-fs.ts';
import type { InstallRules } from '../../src/install/types.ts';
import { lookupGroup, lookupUser } from '../../src/system/users.ts';
import { fakePrograms } from '../support/fake-programs.ts';
import { type Files, installContext, installRequest, writeFiles } from '../support/install.ts';
import { describeWith, testIf } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const isRoot = process.getuid?.() === 0;

/** An AppSpec that installs everything into `site`, with these permissions; `SITE` stands for that folder. */
function appSpecWith(scratch: ScratchFolder, permissions: string): AppSpec {
  const text = `version: 0.0\nos: linux\nfiles:\n  - {source: /, destination: SITE}\npermissions:\n${permissions}`;
  const result = parseAppSpec(text.replaceAll('SITE', scratch.at('site')), {
    filename: 'appspec.yml',
    platform: 'linux',
  });
  if (!result.ok) throw new Error(JSON.stringify(result.findings));
  return result.appSpec;
}

async function install(
  scratch: ScratchFolder,
  files: Files,
  permissions: string,
  revision = 'one',
  rules?: InstallRules,
) {
  writeFiles(scratch.at(revision), files);
  for (const [name, content] of Object.entries(files))
    if (!content.startsWith('->')) chmodSync(scratch.at(revision, name), 0o644);
  const ctx = {
    ...installContext(),
    ids: { userId: (name: string) => lookupUser(name)?.uid ?? null, groupId: lookupGroup },
  };
  const appSpec = appSpecWith(scratch, permissions);
  return runInstall(
    ctx,
    installRequest(scratch.path, revision, { appSpec, ...(rules === undefined ? {} : { rules }) }),
  );
}

/** ACL as `getfacl` prints it, without comments about what the mask leaves. */
function aclOf(path: string): string[] {
  const { stdout } = execaSync('getfacl', ['--omit-header', '--absolute-names', '--no-effective', path]);
  return stdout.split('\n').filter((line) => line !== '');
}

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

describe('modes and owners', () => {
  test('modes and owners of the AppSpec file are the first that a new file has for others: whom they keep out never gets in', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { secret: 'key', open: 'page' });
    for (const name of ['secret', 'open']) chmodSync(scratch.at('one', name), 0o644);
    const modes: string[] = [];
    const fs = {
      ...realInstallFs,
      openSync(...[path, flags, mode]: Parameters<typeof realInstallFs.openSync>) {
        const file = realInstallFs.openSync(path, flags, mode);
        if (flags === 'wx') modes.push(Number(mode).toString(8));
        return file;
      },
      fchmodSync(file: number, mode: Mode) {
        modes.push(Number(mode).toString(8));
        realInstallFs.fchmodSync(file, mode);
      },
    };
    const permissions = '  - {object: SITE, pattern: secret, mode: 400, type: [file]}\n';
    const appSpec = appSpecWith(scratch, permissions);
    await runInstall(installContext(fs), installRequest(scratch.path, 'one', { appSpec }));
    expect([modeOf(scratch.at('site/secret')), modeOf(scratch.at('site/open'))]).toEqual(['400', '644']);
    // The journal, the two files in the order of their names, and the agent's own four. Only root may have to give a file away, and opens
    // the first one of a folder closed.
    const open = process.getuid?.() === 0 ? ['600', '644'] : ['644'];
    expect(modes).toEqual(['600', ...open, '600', '400', '644', '644', '644', '644']);
  });

  test('apply to what this Install brings and a permission means, and to nothing else', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('site/mine'), { recursive: true });
    chmodSync(scratch.at('site/mine'), 0o700);
    const files = { 'a.html': '', 'b.txt': '', 'draft.html': '', 'sub/c.html': '', 'mine/d.html': '' };
    await install(
      scratch,
      files,
      '  - {object: SITE, pattern: "*.html", except: ["draft*"], type: [file], mode: "600"}\n  - {object: SITE, type: [directory], mode: "750"}\n',
    );
    const modes = ['a.html', 'b.txt', 'draft.html', 'sub/c.html', 'sub', 'mine', 'mine/d.html'].map((name) =>
      modeOf(scratch.at('site', name)),
    );
    // Only direct children match a pattern, and a folder that was there is not touched.
    expect(modes).toEqual(['600', '644', '644', '644', '750', '700', '644']);
  });

  test('a file that is named itself gets its mode', async () => {
    using scratch = scratchFolder();
    await install(scratch, { a: '', b: '' }, '  - {object: SITE/a, mode: 7}\n  - {object: SITE/b, mode: "0640"}\n');
    expect(['a', 'b'].map((name) => modeOf(scratch.at('site', name)))).toEqual(['7', '640']);
  });

  testIf(isRoot, 'root')('setuid and setgid survive the change of the owner', async () => {
    using scratch = scratchFolder();
    await install(scratch, { a: '' }, '  - {object: SITE/a, owner: daemon, group: daemon, mode: "6755"}\n');
    expect(modeOf(scratch.at('site/a'))).toBe('6755');
    expect(statSync(scratch.at('site/a')).uid).toBe(lookupUser('daemon')?.uid);
  });

  testIf(isRoot, 'root')('of a link are its own: what it points to is not touched', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('outside'), { target: '' });
    chmodSync(scratch.at('outside/target'), 0o600);
    await install(
      scratch,
      { link: `->${scratch.at('outside/target')}` },
      '  - {object: SITE/link, owner: daemon, mode: "777"}\n',
    );
    expect(modeOf(scratch.at('outside/target'))).toBe('600');
    expect(statSync(scratch.at('outside/target')).uid).toBe(0);
    expect(lstatSync(scratch.at('site/link')).uid).toBe(lookupUser('daemon')?.uid);
  });

  test('an owner, a group or a user of an ACL who does not exist is found before anything is touched', async () => {
    using scratch = scratchFolder();
    const permissions =
      '  - {object: SITE/a, owner: nobody-at-all, group: no-such-group, acls: ["u:no-one:r", "g:no-group:r"]}\n';
    await expect(install(scratch, { a: '' }, permissions)).rejects.toThrow(
      /nobody-at-all.*no-such-group.*no-one.*no-group/,
    );
    expect(() => statSync(scratch.at('site'))).toThrow('ENOENT');
  });
});

describeWith('setfacl', 'getfacl')('ACLs through the real setfacl', () => {
  test.each([
    [
      'a mask is the group’s rights when a user is named',
      '"640"',
      '["u:root:rw"]',
      ['user::rw-', 'user:root:rw-', 'group::r--', 'mask::r--', 'other::---'],
    ],
    [
      'a mask that is given is used',
      '"640"',
      '["u:root:rw", "m::rwx"]',
      ['user::rw-', 'user:root:rw-', 'group::r--', 'mask::rwx', 'other::---'],
    ],
    [
      'a mask is made for a named group',
      '"664"',
      '["g:root:7"]',
      ['user::rw-', 'group::rw-', 'group:root:rwx', 'mask::rw-', 'other::r--'],
    ],
    [
      'two parts mean a user',
      '"600"',
      '["root:r"]',
      ['user::rw-', 'user:root:r--', 'group::---', 'mask::---', 'other::---'],
    ],
    [
      'without a mode the entries of owner, group and others come from the file',
      'null',
      '["u:root:x"]',
      ['user::rw-', 'user:root:--x', 'group::r--', 'mask::r--', 'other::r--'],
    ],
    ['an empty list leaves the base entries alone', '"640"', '[]', ['user::rw-', 'group::r--', 'other::---']],
  ])('%s', async (_what, mode, acls, expected) => {
    using scratch = scratchFolder();
    await install(scratch, { a: '' }, `  - {object: SITE/a, mode: ${mode}, acls: ${acls}}\n`);
    expect(aclOf(scratch.at('site/a'))).toEqual(expected);
  });

  test('default entries of a folder are completed from its mode, and a default mask from the default group’s rights', async () => {
    using scratch = scratchFolder();
    await install(
      scratch,
      { 'sub/a': '' },
      '  - {object: SITE, type: directory, mode: "750", acls: ["d:u:root:rwx", "d:g::rw"]}\n',
    );
    expect(aclOf(scratch.at('site/sub'))).toEqual([
      ...['user::rwx', 'group::r-x', 'other::---'],
      ...[
        'default:user::rwx',
        'default:user:root:rwx',
        'default:group::rw-',
        'default:mask::rw-',
        'default:other::---',
      ],
    ]);
  });

  test('a default entry for a file is refused before anything is touched', async () => {
    using scratch = scratchFolder();
    await expect(install(scratch, { a: '' }, '  - {object: SITE, acls: ["d:u:root:r"]}\n')).rejects.toThrow(
      'type: [directory]',
    );
    expect(() => statSync(scratch.at('site'))).toThrow('ENOENT');
  });

  test('each object has the mask of its own mode: nothing leaks from one to the next', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: '', b: '' });
    await install(scratch, { a: '', b: '' }, '  - {object: SITE, type: file, acls: ["u:root:rwx"]}\n');
    chmodSync(scratch.at('one/a'), 0o604);
    chmodSync(scratch.at('one/b'), 0o670);
    const appSpec = appSpecWith(scratch, '  - {object: SITE, type: file, acls: ["u:root:rwx"]}\n');
    await runInstall(installContext(), installRequest(scratch.path, 'one', { appSpec }));
    expect(aclOf(scratch.at('site/a'))).toContain('mask::---');
    expect(aclOf(scratch.at('site/b'))).toContain('mask::rwx');
  });
});

describe('SELinux contexts, with stand-ins for the programs that set them', () => {
  test('a rule is added with user, type and range, the label is put on, and the next Install takes away what it no longer has', async () => {
    using scratch = scratchFolder();
    using programs = fakePrograms(scratch.at('bin'), ['semanage', 'restorecon']);
    const context = '{user: staff_u, type: httpd_sys_content_t, range: "s0-s1:c2,c1"}';
    await install(scratch, { 'a.b': 'a' }, `  - {object: SITE/a.b, context: ${context}}\n`);
    const escaped = scratch.at('site/a\\.b');
    expect(programs.calls()).toEqual([
      ['semanage', 'fcontext', '-l', '-C', '-n'],
      ['semanage', 'fcontext', '-a', '-t', 'httpd_sys_content_t', '-s', 'staff_u', '-r', 's0-s1:c1.c2', escaped],
      ['restorecon', '-vF', scratch.at('site/a.b')],
    ]);
    expect(readFileSync(scratch.at('instructions/group-cleanup'), 'utf8')).toContain(
      `semanage\0${scratch.at('site/a.b')}\n`,
    );
    await install(scratch, { other: '' }, '  - {object: SITE/other, mode: "600"}\n', 'two');
    expect(programs.calls().slice(3)).toEqual([['semanage', 'fcontext', '-d', escaped]]);
  });

  test('a context without user and range sets only the type, and characters of a shell or an expression in the name do no harm', async () => {
    using scratch = scratchFolder();
    using programs = fakePrograms(scratch.at('bin'), ['semanage', 'restorecon']);
    await install(scratch, { '$(id) [x]*;': '' }, '  - {object: "SITE/$(id) [x]*;", context: {type: bin_t}}\n');
    expect(programs.calls()).toEqual([
      ['semanage', 'fcontext', '-l', '-C', '-n'],
      ['semanage', 'fcontext', '-a', '-t', 'bin_t', `${scratch.at('site')}/\\$\\(id\\) \\[x\\]\\*;`],
      ['restorecon', '-vF', scratch.at('site/$(id) [x]*;')],
    ]);
  });

  test('setuid in an AppSpec file is refused where the configuration says so', async () => {
    using scratch = scratchFolder();
    const rules = { rejectUnsafePermissions: true, rejectUnconfinedSelinux: true };
    await expect(install(scratch, { a: '' }, '  - {object: SITE/a, mode: "4755"}\n', 'one', rules)).rejects.toThrow(
      '4755',
    );
    expect(() => statSync(scratch.at('site'))).toThrow('ENOENT');
  });

  test('a type without confinement is refused before anything is touched', async () => {
    using scratch = scratchFolder();
    await expect(install(scratch, { a: '' }, '  - {object: SITE/a, context: {type: unconfined_t}}\n')).rejects.toThrow(
      'unconfined_t',
    );
    expect(() => statSync(scratch.at('site'))).toThrow('ENOENT');
  });
});

test('files of every mode, many of each in one folder, are installed with their modes whatever the umask of the agent is', async () => {
  const modes = [0o644, 0o600, 0o755, 0o664, 0o640, 0o777, 0o400, 0o4755, 0o2755, 0o666];
  const files = Object.fromEntries(modes.flatMap((_, kind) => [1, 2, 3].map((n) => [`in/${n}-${kind}`, 'content'])));
  const before = process.umask();
  try {
    for (const umask of [0o022, 0o077, 0o002, 0o027]) {
      using scratch = scratchFolder();
      writeFiles(scratch.at('new'), files);
      for (const name of Object.keys(files)) chmodSync(scratch.at(`new/${name}`), modes[Number(name.at(-1))] as Mode);
      process.umask(umask);
      await runInstall(installContext(), installRequest(scratch.path, 'new'));
      const installed = Object.keys(files).map((name) => [name, lstatSync(scratch.at(`site/${name}`)).mode & 0o7777]);
      expect(installed).toEqual(Object.keys(files).map((name) => [name, modes[Number(name.at(-1))]]));
      process.umask(before);
    }
  } finally {
    process.umask(before);
  }
});

test('a complete ACL has one entry each for owner, group and others, whatever is asked for', () => {
  expect(completeAcl([], 0o640)).toEqual(['user::rw-', 'group::r--', 'other::---']);
  expect(completeAcl(['mask::rwx'], 0o777)).toEqual(['user::rwx', 'group::rwx', 'other::rwx', 'mask::rwx']);
});

test('the host’s own rules are read from what semanage lists, names with blanks included', () => {
  const listed = [
    `${'/srv/a\\.b'.padEnd(50)} all files          system_u:object_r:bin_t:s0 `,
    '/srv/with blank and a name that is longer than its column all files          staff_u:object_r:etc_t:s0-s1:c2,c1 ',
    `${'/srv/without range'.padEnd(50)} all files          system_u:object_r:bin_t `,
    `${'/srv/folders'.padEnd(50)} directory          system_u:object_r:bin_t:s0 `,
    `${'/srv/none'.padEnd(50)} all files          <<None>>`,
  ];
  expect([...parseContextRules(listed.join('\n'))]).toEqual([
    ['/srv/a\\.b', { user: 'system_u', type: 'bin_t', range: 's0' }],
    [
      '/srv/with blank and a name that is longer than its column',
      { user: 'staff_u', type: 'etc_t', range: 's0-s1:c2,c1' },
    ],
    ['/srv/without range', { user: 'system_u', type: 'bin_t', range: null }],
  ]);
});
