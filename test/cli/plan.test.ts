import { appendFileSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { realInstallFs } from '../../src/install/install-fs.ts';
import { beginJournal } from '../../src/install/journal.ts';
import type { HostPlan } from '../../src/local/plan-on-host.ts';
import { capturedContext } from '../support/cli-context.ts';
import { elfProgram } from '../support/elf.ts';
import { testWith } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway } from '../support/slipway.ts';
import { treeOf } from '../support/tree.ts';

/** A host of its own in a scratch folder, and a person at its keyboard. */
function host(scratch: ScratchFolder) {
  const config = scratch.at('agent.yml');
  writeFileSync(config, `root_dir: ${scratch.at('root')}\nlog_dir: ${scratch.at('log')}\n`);
  const run = async (...args: string[]) => {
    const ctx = capturedContext({ env: { PATH: process.env['PATH'] } });
    const status = await runCli([...args, '-c', config], ctx);
    return { status, printed: ctx.printed(), complained: ctx.complained() };
  };
  return {
    config,
    plan: (bundle: string, ...args: string[]) => run('plan', bundle, ...args),
    async planned(bundle: string, ...args: string[]): Promise<{ status: number; plan: HostPlan }> {
      const { status, printed } = await run('plan', bundle, '--json', ...args);
      return { status, plan: JSON.parse(printed) };
    },
    async deploy(bundle: string, ...args: string[]): Promise<void> {
      const { status, complained } = await run('local', '--bundle-location', bundle, ...args);
      expect(status, complained).toBe(0);
    },
  };
}

function revision(scratch: ScratchFolder, name: string, files: Readonly<Record<string, string>>): string {
  return writeRevision(scratch.at(name), { destination: scratch.at('site'), files });
}

/** `change path-below-the-scratch-folder` of every change but those that keep something. */
function changesOf(plan: HostPlan, scratch: ScratchFolder): string[] {
  return plan.changes.map(({ change, path }) => `${change} ${path.slice(scratch.path.length + 1)}`);
}

describe('slipway plan', () => {
  test('shows what a first deployment would create and run, exits with 10, and changes nothing', async () => {
    using scratch = scratchFolder();
    const one = revision(scratch, 'one', { a: 'a', 'sub/b': 'b' });
    const { plan, planned } = host(scratch);
    const before = treeOf(scratch.path, { times: true });
    const { status, plan: seen } = await planned(one);
    expect(status).toBe(10);
    expect(changesOf(seen, scratch)).toEqual(['create site', 'create site/a', 'create site/sub', 'create site/sub/b']);
    expect(seen.hooks.map(({ event, revision: whose }) => `${event} ${whose}`)).toEqual([
      'BeforeInstall this',
      'AfterInstall this',
      'ApplicationStart this',
      'ValidateService this',
    ]);
    expect(seen.space).toEqual([expect.objectContaining({ bytesToWrite: 2 })]);
    const { bavail, bfree, bsize } = statfsSync(scratch.path);
    const free = (process.getuid?.() === 0 ? bfree : bavail) * bsize;
    // The figure that the verdict rests on; others write as well.
    expect(Math.abs((seen.space[0]?.bytesFree ?? 0) - free)).toBeLessThan(2 ** 30);
    const { printed } = await plan(one);
    expect(printed).toMatch(
      /\nplan for the deployment group default-local-deployment-group: 4 to create, 4 scripts to run\n$/,
    );
    expect(treeOf(scratch.path, { times: true })).toEqual(before);
  });

  test('is what the next deployment does: creates, replaces, deletes, and runs the installed revision’s stop script', async () => {
    using scratch = scratchFolder();
    const { planned, deploy } = host(scratch);
    await deploy(revision(scratch, 'one', { changed: '1', gone: 'g', 'old/x': 'x' }));
    const before = treeOf(scratch.at('site'));
    const two = revision(scratch, 'two', { changed: '22', added: 'a' });
    const { status, plan } = await planned(two);
    expect(status).toBe(10);
    expect(changesOf(plan, scratch)).toEqual([
      'create site/added',
      'replace site/changed',
      'delete site/gone',
      'delete site/old',
      'delete site/old/x',
    ]);
    expect(plan.hooks[0]).toMatchObject({ event: 'ApplicationStop', revision: expect.stringMatching(/^d-.*-local$/) });
    expect(treeOf(scratch.at('site'))).toEqual(before);
    await deploy(two);
    expect(Object.keys(treeOf(scratch.at('site')))).toEqual(['added', 'changed']);
  });

  test('slipway plan of the revision that is installed already exits with 0', async () => {
    using scratch = scratchFolder();
    const { plan, planned, deploy } = host(scratch);
    const one = revision(scratch, 'one', { a: 'a', 'sub/b': 'b' });
    await deploy(one);
    const { status, plan: seen } = await planned(one);
    expect(status).toBe(0);
    expect(seen.changes).toMatchObject([
      { change: 'keep', path: scratch.at('site/a'), why: 'identical' },
      { change: 'keep', path: scratch.at('site/sub/b'), why: 'identical' },
    ]);
    expect((await plan(one)).printed).toContain('Install would change nothing; 2 to keep, 5 scripts to run');
  });

  test('says which files another hand has changed since, and which are protected', async () => {
    using scratch = scratchFolder();
    const { config, planned, deploy } = host(scratch);
    await deploy(revision(scratch, 'one', { a: '1', local: '1' }));
    writeFileSync(scratch.at('site/a'), 'changed by hand');
    appendFileSync(config, `protect_paths: ["${scratch.at('site/local')}"]\n`);
    const { plan } = await planned(revision(scratch, 'two', { a: '2', local: '2' }));
    expect(changesOf(plan, scratch)).toEqual(['save site/a', 'replace site/a', 'keep site/local']);
    expect(plan.changes.at(-1)).toMatchObject({ why: 'protected' });
  });

  test('names a script whose interpreter this host does not have', async () => {
    using scratch = scratchFolder();
    const { planned } = host(scratch);
    const one = revision(scratch, 'one', { a: '1' });
    writeFileSync(scratch.at('one/scripts/AfterInstall.sh'), '#!/opt/none/python3\n', { mode: 0o755 });
    const { status, plan: seen } = await planned(one);
    expect(status).toBe(1);
    expect(seen.problems).toMatchObject([
      {
        rule: 'interpreter-missing',
        message: expect.stringContaining('AfterInstall.sh needs /opt/none/python3, which is not on this host'),
      },
    ]);
    // Where the agent would find it is for the agent's PATH to say.
    writeFileSync(scratch.at('one/scripts/AfterInstall.sh'), '#!/usr/bin/env none\n', { mode: 0o755 });
    expect(await planned(one)).toMatchObject({ status: 10, plan: { problems: [] } });
  });

  test.each([
    ['program-other-machine', elfProgram({ machine: 22, isBigEndian: true }), 'is a program for s390x'],
    ['script-no-program', 'MZ\x90\0', 'is a program for Windows'],
    ['script-no-program', '\xff\xfe#\0!\0', 'is text in UTF-16'],
  ])('names a script that this host cannot start (%s, case %#)', async (rule, content, message) => {
    using scratch = scratchFolder();
    const { planned } = host(scratch);
    const one = revision(scratch, 'one', { a: '1' });
    writeFileSync(scratch.at('one/scripts/AfterInstall.sh'), content, { encoding: 'latin1', mode: 0o755 });
    const { status, plan: seen } = await planned(one);
    expect(status).toBe(1);
    expect(seen.problems).toMatchObject([{ rule, message: expect.stringContaining(message) }]);
  });

  test('says that an Install of the group was cut off, and what is done about it first', async () => {
    using scratch = scratchFolder();
    const one = revision(scratch, 'one', { a: 'a' });
    const { plan, planned, deploy } = host(scratch);
    await deploy(one);
    expect((await planned(one)).plan.interrupted).toBeNull();
    const journal = scratch.at('root/deployment-instructions/default-local-deployment-group-install.journal');
    const begin = { deploymentGroupId: 'default-local-deployment-group', deploymentId: 'd-CUT' };
    beginJournal(realInstallFs, journal, { ...begin, commit: [], folderRemovals: [] }).close();
    const before = treeOf(scratch.at('root'));
    expect((await planned(one)).plan.interrupted).toEqual({ deploymentId: 'd-CUT', outcome: 'rolled-back' });
    expect((await plan(one)).printed).toMatch(/^first\n {2}! the Install of d-CUT .* rolled back before anything else/);
    expect(treeOf(scratch.at('root'))).toEqual(before);
    await deploy(one);
    expect((await planned(one)).plan.interrupted).toBeNull();
  });

  test('names what would be in the way and whose it is, exits with 1, and says everything at once', async () => {
    using scratch = scratchFolder();
    const { plan, planned, deploy } = host(scratch);
    await deploy(revision(scratch, 'one', { a: '1' }), '--deployment-group', 'other-group');
    const two = revision(scratch, 'two', { a: '2', b: '2' });
    writeFileSync(scratch.at('site/b'), 'by hand');
    rmSync(scratch.at('two/scripts/AfterInstall.sh'));
    const anew = ['--deployment-group', 'new-group'];
    const { status, plan: seen } = await planned(two, ...anew);
    expect(status).toBe(1);
    expect(seen.outcome).toBe('impossible');
    expect(seen.problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/site\/a .*other-group/),
      expect.stringMatching(/site\/b exists already/),
      'AfterInstall would fail: the script scripts/AfterInstall.sh is not in the bundle',
    ]);
    expect(seen.remedies).toEqual([
      expect.stringMatching(/^Deploy this revision to the group that the files belong to, or .*OVERWRITE/),
      expect.stringMatching(/^Move the files that exist out of the way, or .*OVERWRITE/),
    ]);
    const { printed } = await plan(two, ...anew);
    expect(printed).toMatch(/impossible, for 3 reasons\n$/);
    expect(printed).toContain('to do\n  Deploy this revision to the group');
    expect(printed).not.toContain('reset-group');
  });

  test('is made for the only group of the host, or for the one that is named in whichever way', async () => {
    using scratch = scratchFolder();
    const { planned, deploy } = host(scratch);
    const one = revision(scratch, 'one', { a: '1' });
    const names = [
      '--deployment-group',
      'live-id',
      '--deployment-group-name',
      'Production',
      '--application-name',
      'Shop',
    ];
    await deploy(one, ...names);
    const two = revision(scratch, 'two', { a: '2' });
    expect(await planned(two)).toMatchObject({ status: 10, plan: { deploymentGroupId: 'live-id' } });
    const other = writeRevision(scratch.at('other'), { destination: scratch.at('elsewhere'), files: { x: 'x' } });
    await deploy(other, '--deployment-group', 'other-id', '--deployment-group-name', 'Production');
    for (const group of ['Shop/Production', 'live-id', 'id:live-id']) {
      expect(await planned(two, '--group', group)).toMatchObject({
        status: 10,
        plan: { deploymentGroupId: 'live-id' },
      });
    }
  });

  test.each([[[]], [['--group', 'Production']], [['--group', 'nobody']]])(
    'lists the groups of the host and how to name each when %j leaves open which is meant',
    async (args) => {
      using scratch = scratchFolder();
      const { plan, deploy } = host(scratch);
      const one = revision(scratch, 'one', { a: '1' });
      const called = (id: string, application: string) => ['-g', id, '-d', 'Production', '-a', application];
      await deploy(one, ...called('first', 'Shop'));
      const other = writeRevision(scratch.at('other'), { destination: scratch.at('elsewhere'), files: { x: 'x' } });
      await deploy(other, ...called('second', 'My Blog'));
      const { status, complained } = await plan(one, ...args);
      expect(status).toBe(2);
      expect(complained).toContain('Shop/Production (first), My Blog/Production (second)');
      expect(complained).toContain("Name one of them, as Shop/Production or 'My Blog/Production'.");
    },
  );

  test('shows what OVERWRITE would take over from which group, and the deployment says the same', async () => {
    using scratch = scratchFolder();
    const { config, planned, deploy } = host(scratch);
    await deploy(revision(scratch, 'one', { a: '1', own: 'o' }), '-g', 'live-id', '-d', 'Production', '-a', 'Shop');
    const two = revision(scratch, 'two', { a: '2' });
    const overwrite = ['-g', 'anew', '-b', 'OVERWRITE'];
    const { status, plan: seen } = await planned(two, ...overwrite);
    expect(status).toBe(10);
    expect(seen.changes).toContainEqual({
      change: 'take-over',
      path: scratch.at('site/a'),
      groupId: 'live-id',
      groupName: 'Shop/Production (live-id)',
    });
    const done = await runSlipway(['local', '--bundle-location', two, ...overwrite, '-c', config]);
    expect(done).toMatchObject({ status: 0 });
    expect(done.stderr).toBe(
      `slipway: warning: OVERWRITE took over a file of the deployment group Shop/Production (live-id): ${scratch.at('site/a')}\n`,
    );
    await deploy(revision(scratch, 'three', { other: '3' }), '-g', 'live-id');
    expect(Object.keys(treeOf(scratch.at('site')))).toEqual(['a', 'other']);
  });

  test('takes --group or --deployment-group, and not both', async () => {
    using scratch = scratchFolder();
    const { plan, deploy } = host(scratch);
    const one = revision(scratch, 'one', { a: '1' });
    await deploy(one);
    const { status, complained } = await plan(one, '--group', 'LocalFleet', '-g', 'new');
    expect(status).toBe(2);
    expect(complained).toContain('both name the deployment group');
  });

  test('follows --file-exists-behavior and shows modes and owners that would be set', async () => {
    using scratch = scratchFolder();
    const one = revision(scratch, 'one', { a: 'new' });
    mkdirSync(scratch.at('site'));
    writeFileSync(scratch.at('site/a'), 'by hand');
    const { planned } = host(scratch);
    expect((await planned(one)).status).toBe(1);
    const retained = await planned(one, '--file-exists-behavior', 'RETAIN');
    expect(changesOf(retained.plan, scratch)).toEqual(['keep site/a']);
    expect(retained).toMatchObject({ status: 0, plan: { outcome: 'unchanged' } });
    const overwritten = await planned(one, '--file-exists-behavior', 'OVERWRITE');
    expect(changesOf(overwritten.plan, scratch)).toEqual(['replace site/a']);
    expect(overwritten.status).toBe(10);
  });

  test('shows modes, owners, ACLs and contexts that would be set, and the missing programs that would set them', async () => {
    using scratch = scratchFolder();
    const folder = scratch.at('one');
    mkdirSync(folder);
    writeFileSync(scratch.at('one/a'), 'a');
    writeFileSync(
      scratch.at('one/appspec.yml'),
      `version: 0.0
os: linux
files: [{source: a, destination: ${scratch.at('site')}}]
permissions:
  - object: ${scratch.at('site/a')}
    mode: "640"
    owner: root
    acls: ["u:root:rw"]
    context: {type: httpd_sys_content_t}
`,
    );
    const { config } = host(scratch);
    const env = { PATH: scratch.at('bin') };
    mkdirSync(scratch.at('bin'));
    const without = await runSlipway(['plan', folder, '-c', config], env);
    for (const program of ['setfacl', 'semanage', 'restorecon']) {
      expect(without.stdout).toContain(`the program ${program} is not installed`);
      // A plan only asks whether it is there.
      writeFileSync(scratch.at('bin', program), '#!/bin/false\n', { mode: 0o755 });
    }
    const { stdout } = await runSlipway(['plan', folder, '-c', config], env);
    for (const line of [
      /% .+site\/a {2}root:\n/,
      /% .+site\/a {2}640\n/,
      /% .+site\/a {2}user:root:rw-\n/,
      /% .+site\/a {2}httpd_sys_content_t\n/,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  for (const [type, program, flags] of [
    ['tar', 'tar', '-cf'],
    ['tgz', 'tar', '-czf'],
    ['zip', 'zip', '-qr'],
  ] as const)
    testWith(program)(`reads a ${type} without being told so, and leaves nothing of it behind`, async () => {
      using scratch = scratchFolder();
      const one = revision(scratch, 'one', { a: 'a' });
      const file = scratch.at(`bundle.${type}`);
      await execa(program, [flags, file, '.'], { cwd: one });
      mkdirSync(scratch.at('tmp'));
      const { config } = host(scratch);
      const { status, stdout } = await runSlipway(['plan', file, '-c', config, '--json'], {
        TMPDIR: scratch.at('tmp'),
      });
      expect(status).toBe(10);
      expect(changesOf(JSON.parse(stdout), scratch)).toEqual(['create site', 'create site/a']);
      expect(readdirSync(scratch.at('tmp'))).toEqual([]);
    });

  test('slipway plan of a revision with a faulty AppSpec file, or a damaged bundle, is impossible and says why', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('bad'));
    writeFileSync(scratch.at('bad/appspec.yml'), 'version: 0.0\n');
    writeFileSync(scratch.at('bad.zip'), 'PK\x03\x04 and then nothing');
    const { planned } = host(scratch);
    expect(await planned(scratch.at('bad'))).toMatchObject({
      status: 1,
      plan: { problems: [{ rule: 'APPSPEC_INVALID' }] },
    });
    expect(await planned(scratch.at('bad.zip'))).toMatchObject({
      status: 1,
      plan: { problems: [{ rule: expect.stringMatching(/^ARCHIVE_/) }] },
    });
  });

  test('slipway plan of yesterday’s revision with a faulty stop script says so before it hurts', async () => {
    using scratch = scratchFolder();
    const { config, planned, deploy } = host(scratch);
    await deploy(revision(scratch, 'one', { a: '1' }));
    const [deployment = ''] = readdirSync(scratch.at('root/default-local-deployment-group'));
    rmSync(
      scratch.at('root/default-local-deployment-group', deployment, 'deployment-archive/scripts/ApplicationStop.sh'),
    );
    const { status, plan } = await planned(revision(scratch, 'two', { a: '2' }));
    expect(status).toBe(1);
    appendFileSync(config, 'application_stop: warn\n');
    expect((await planned(scratch.at('two'))).status).toBe(10);
    expect(plan.problems).toEqual([
      expect.objectContaining({
        rule: 'script-missing',
        path: expect.stringContaining(deployment),
        message: expect.stringContaining('ApplicationStop would fail'),
      }),
    ]);
  });

  test('slipway plan of a bundle that is not there exits with 2', async () => {
    using scratch = scratchFolder();
    const { plan } = host(scratch);
    const { status, complained } = await plan(scratch.at('nowhere'));
    expect(complained).toContain('REVISION_NOT_FOUND');
    expect(status).toBe(2);
  });
});
