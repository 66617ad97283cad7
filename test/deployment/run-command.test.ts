import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { packBundle } from '../../src/archive/pack.ts';
import { runUpdate } from '../../src/deployment/commands/update-agent.ts';
import type { CommandRequest, DeploymentContext } from '../../src/deployment/context.ts';
import { isCommandNoop, recoverHost, runCommand } from '../../src/deployment/run-command.ts';
import { MARKER_VARIABLE } from '../../src/hooks/environment.ts';
import { createHookScopes, isInScope, scopePrefix, updateScope } from '../../src/hooks/scope.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import { HOOK_EVENTS } from '../../src/protocol/lifecycle-events.ts';
import type { DeploymentSpecification } from '../../src/protocol/specification.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { deploymentContext, specificationOf } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { isRunning } from '../support/process-tree.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { pidsIn, writeScript } from '../support/scripts.ts';

function request(commandName: string, specification: DeploymentSpecification): CommandRequest {
  return { hostCommandIdentifier: `${specification.deploymentId}/${commandName}`, commandName, specification };
}

async function runAll(
  ctx: DeploymentContext,
  specification: DeploymentSpecification,
  events: readonly string[],
): Promise<CommandOutcome[]> {
  const outcomes: CommandOutcome[] = [];
  for (const event of events) outcomes.push(await runCommand(ctx, request(event, specification)));
  return outcomes;
}

/** A revision whose file and whose stop script say its name. */
function revision(scratch: ScratchFolder, name: string): string {
  return writeRevision(scratch.at(name), {
    destination: scratch.at('www'),
    files: { 'index.html': name },
    scripts: { ApplicationStop: `echo "stopping what ${name} started for $DEPLOYMENT_ID"` },
  });
}

const SUCCEEDED = { status: 'Succeeded', diagnostics: { errorCode: 0 } };

describe('DownloadBundle', () => {
  test.each(['tar', 'tgz', 'zip'] as const)('fetches and unpacks a %s, and points to it', async (bundleType) => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const bundleFile = scratch.at(`bundle.${bundleType}`);
    await packBundle({ sourceDir: revision(scratch, 'one'), bundleFile, bundleType });
    const specification = specificationOf('', {
      revision: { revisionType: 'Local File', location: bundleFile, bundleType },
    });
    expect(await runCommand(ctx, request('DownloadBundle', specification))).toEqual({
      status: 'Succeeded',
      diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded: BundleSource=downloaded', log: '' },
    });
    const folder = scratch.at('root/group-id/d-ONE');
    await eventually(() => !existsSync(join(folder, '.archive-unsynced')));
    expect(readdirSync(folder).sort()).toEqual(['.bundle-source', 'bundle.tar', 'deployment-archive']);
    expect(readdirSync(join(folder, 'deployment-archive')).sort()).toEqual(['appspec.yml', 'files', 'scripts']);
    expect(statSync(join(folder, 'deployment-archive/scripts/AfterInstall.sh')).mode & 0o111).not.toBe(0);
    const pointers = scratch.at('root/deployment-instructions');
    expect(readFileSync(join(pointers, 'group-id_most_recent_install'), 'utf8')).toBe(folder);
    expect(existsSync(join(pointers, 'group-id_last_successful_install'))).toBe(false);
  });

  test('copies a folder as it is, without a bundle', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const outcome = await runCommand(ctx, request('DownloadBundle', specificationOf(revision(scratch, 'one'))));
    expect(outcome).toMatchObject(SUCCEEDED);
    const folder = scratch.at('root/group-id/d-ONE');
    await eventually(() => !existsSync(join(folder, '.archive-unsynced')));
    expect(readdirSync(folder).sort()).toEqual(['.bundle-source', 'deployment-archive']);
  });

  test('remembers the ETag that it saw', async () => {
    using scratch = scratchFolder();
    const bundle = scratch.at('bundle.zip');
    await packBundle({ sourceDir: revision(scratch, 'one'), bundleFile: bundle, bundleType: 'zip' });
    const ctx = deploymentContext(scratch, {
      fetchBundle: async ({ bundleFile }) => {
        writeFileSync(bundleFile, readFileSync(bundle));
        return { eTag: 'seen-tag', sizeBytes: 1 };
      },
    });
    const s3 = { revisionType: 'S3', bucket: 'b', key: 'k', bundleType: 'zip', version: null, eTag: null } as const;
    const specification = specificationOf('', { revision: s3 });
    await runAll(ctx, specification, ['DownloadBundle']);
    writeScript(
      scratch.at('root/group-id/d-ONE/deployment-archive/scripts/AfterInstall.sh'),
      '#!/bin/sh\necho "etag $BUNDLE_ETAG"',
    );
    const [outcome] = await runAll(ctx, specification, ['AfterInstall']);
    expect(outcome?.diagnostics.log).toContain('[stdout]etag seen-tag\n');
  });

  test('accepts a bundle that has only appspec.yaml', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('one'));
    writeFileSync(scratch.at('one/appspec.yaml'), 'version: 0.0\nos: linux\n');
    const [outcome] = await runAll(deploymentContext(scratch), specificationOf(scratch.at('one')), ['DownloadBundle']);
    expect(outcome).toMatchObject(SUCCEEDED);
  });

  test('DownloadBundle without an AppSpec file fails, and the pointers and the old revisions stay', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch, { maxRevisions: 1 });
    await runAll(ctx, specificationOf(revision(scratch, 'one')), ['DownloadBundle']);
    mkdirSync(scratch.at('empty'));
    const broken = specificationOf(scratch.at('empty'), { deploymentId: 'd-TWO' });
    const [outcome] = await runAll(ctx, broken, ['DownloadBundle']);
    expect(outcome).toMatchObject({
      status: 'Failed',
      diagnostics: { errorCode: 5, message: expect.stringContaining('[APPSPEC_MISSING]') },
    });
    const pointer = scratch.at('root/deployment-instructions/group-id_most_recent_install');
    expect(readFileSync(pointer, 'utf8')).toBe(scratch.at('root/group-id/d-ONE'));
    expect(existsSync(scratch.at('root/group-id/d-ONE/deployment-archive/appspec.yml'))).toBe(true);
  });

  test.each([
    ['a folder that is not there', { revisionType: 'Local Directory', location: '/no/such/folder' }],
    ['a file that is not there', { revisionType: 'Local File', location: '/no/such.tar', bundleType: 'tar' }],
  ] as const)('DownloadBundle of %s fails with the place', async (_, location) => {
    using scratch = scratchFolder();
    const [outcome] = await runAll(deploymentContext(scratch), specificationOf('', { revision: location }), [
      'DownloadBundle',
    ]);
    expect(outcome?.diagnostics).toMatchObject({ errorCode: 5, message: expect.stringContaining('/no/such') });
    expect(outcome?.diagnostics.message).toContain('[REVISION_NOT_FOUND]');
  });

  test('prunes old revisions after it went well: never the last successful one, never the current', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const folder = revision(scratch, 'one');
    const ids = ['d-1', 'd-2', 'd-3', 'd-4'];
    for (const [index, deploymentId] of ids.entries()) {
      await runAll(ctx, specificationOf(folder, { deploymentId }), ['DownloadBundle']);
      if (deploymentId === 'd-1') await runAll(ctx, specificationOf(folder, { deploymentId }), ['Install']);
      const time = new Date(2026, 0, index + 1);
      if (deploymentId !== 'd-4') utimesSync(scratch.at('root/group-id', deploymentId), time, time);
    }
    expect(readdirSync(scratch.at('root/group-id')).sort()).toEqual(['d-1', 'd-4']);
  });

  test('DownloadBundle that is interrupted says so', async () => {
    using scratch = scratchFolder();
    const controller = new AbortController();
    const ctx = deploymentContext(scratch, {
      fetchBundle: ({ signal }) => {
        controller.abort();
        return Promise.reject(signal?.reason ?? new Error('the signal was not handed on'));
      },
    });
    const revisionLocation = { revisionType: 'Local File', location: '/x.tar', bundleType: 'tar' } as const;
    const specification = specificationOf('', { revision: revisionLocation });
    const outcome = await runCommand(ctx, request('DownloadBundle', specification), controller.signal);
    expect(outcome.diagnostics.message).toContain('[DEPLOYMENT_INTERRUPTED]');
  });
});

describe('Install', () => {
  test('puts the files in place and makes the revision the last successful one', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const specification = specificationOf(revision(scratch, 'one'));
    expect((await runAll(ctx, specification, ['DownloadBundle', 'Install'])).at(-1)).toMatchObject(SUCCEEDED);
    expect(readFileSync(scratch.at('www/index.html'), 'utf8')).toBe('one');
    const pointer = scratch.at('root/deployment-instructions/group-id_last_successful_install');
    expect(readFileSync(pointer, 'utf8')).toBe(scratch.at('root/group-id/d-ONE'));
  });

  test('an Install without a download names what is missing', async () => {
    using scratch = scratchFolder();
    const [outcome] = await runAll(deploymentContext(scratch), specificationOf('/x'), ['Install']);
    expect(outcome?.diagnostics.message).toContain('[DEPLOYMENT_ARCHIVE_MISSING]');
  });

  test.each([
    ['scripts for an event that the deployment does not have', [...HOOK_EVENTS].slice(1), 'BeforeBlockTraffic'],
    ['no scripts for a custom event of the deployment', [...HOOK_EVENTS, 'MyOwnEvent'], 'MyOwnEvent'],
  ])('refuses a revision with %s', async (_, allPossibleLifecycleEvents, event) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('one'));
    const appSpec = 'version: 0.0\nos: linux\nhooks:\n  BeforeBlockTraffic:\n    - location: a.sh\n';
    writeFileSync(scratch.at('one/appspec.yml'), appSpec);
    const specification = specificationOf(scratch.at('one'), { allPossibleLifecycleEvents });
    const [, outcome] = await runAll(deploymentContext(scratch), specification, ['DownloadBundle', 'Install']);
    expect(outcome?.diagnostics.message).toContain('[DEPLOYMENT_EVENT_UNKNOWN]');
    expect(outcome?.diagnostics.message).toMatch(new RegExp(`appspec.yml.*${event}`));
  });
});

describe('a hook event', () => {
  test('runs the deployment’s own scripts and logs them below its own folder', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const [, outcome] = await runAll(ctx, specificationOf(revision(scratch, 'one')), [
      'DownloadBundle',
      'AfterInstall',
    ]);
    expect(outcome).toMatchObject(SUCCEEDED);
    expect(outcome?.diagnostics.log).toBe(
      'LifecycleEvent - AfterInstall\nScript - scripts/AfterInstall.sh\n[stdout]this is AfterInstall\n',
    );
    expect(readFileSync(scratch.at('root/group-id/d-ONE/logs/scripts.log'), 'utf8')).toContain('[stdout]this is');
    const deploymentsLog = scratch.at('root/deployment-logs/codedeploy-agent-deployments.log');
    expect(readFileSync(deploymentsLog, 'utf8')).toMatch(
      /^\[[-\d]+ [:.\d]+\] \[d-ONE\]\[stdout\]this is AfterInstall$/m,
    );
  });

  test('keeps no log of all deployments when that is switched off', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch, { enableDeploymentsLog: false });
    await runAll(ctx, specificationOf(revision(scratch, 'one')), ['DownloadBundle', 'AfterInstall']);
    expect(existsSync(scratch.at('root/deployment-logs'))).toBe(false);
  });

  test('goes on when its log cannot be written, and still reports the words', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const specification = specificationOf(revision(scratch, 'one'));
    await runAll(ctx, specification, ['DownloadBundle']);
    writeFileSync(scratch.at('root/group-id/d-ONE/logs'), 'in the way');
    const [outcome] = await runAll(ctx, specification, ['AfterInstall']);
    expect(outcome).toMatchObject(SUCCEEDED);
    expect(outcome?.diagnostics.log).toContain('[stdout]this is AfterInstall');
    expect(ctx.log.lines.filter(({ message }) => message.includes('cannot be written'))).toHaveLength(1);
  });

  test('ApplicationStop runs the last successful revision’s script for the new deployment', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    await runAll(ctx, specificationOf(revision(scratch, 'one')), ['DownloadBundle', 'Install']);
    const second = specificationOf(revision(scratch, 'two'), { deploymentId: 'd-TWO' });
    const [outcome] = await runAll(ctx, second, ['ApplicationStop']);
    expect(outcome?.diagnostics.log).toContain('stopping what one started for d-TWO');
    expect(existsSync(scratch.at('root/group-id/d-TWO/logs/scripts.log'))).toBe(true);
  });

  test('a hook event of a first deployment, or of a revision that is gone, is skipped', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const first = specificationOf(revision(scratch, 'one'));
    expect(isCommandNoop(ctx, request('ApplicationStop', first))).toBe(true);
    expect((await runAll(ctx, first, ['ApplicationStop', 'DownloadBundle', 'Install']))[0]).toMatchObject(SUCCEEDED);
    rmSync(scratch.at('root/group-id/d-ONE'), { recursive: true });
    const second = specificationOf(revision(scratch, 'two'), { deploymentId: 'd-TWO' });
    expect((await runAll(ctx, second, ['ApplicationStop']))[0]).toMatchObject(SUCCEEDED);
    expect(ctx.log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('is gone; the event is skipped') }),
    );
  });

  test('a hook event of a blue/green rollback runs the most recent revision’s scripts', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    await runAll(ctx, specificationOf(revision(scratch, 'one')), ['DownloadBundle', 'Install']);
    const two = writeRevision(scratch.at('two'), {
      destination: scratch.at('www'),
      files: {},
      scripts: { ApplicationStop: 'echo two' },
    });
    const appSpec = readFileSync(join(two, 'appspec.yml'), 'utf8').replace('ApplicationStop:', 'BeforeBlockTraffic:');
    writeFileSync(join(two, 'appspec.yml'), appSpec);
    await runAll(ctx, specificationOf(two, { deploymentId: 'd-TWO' }), ['DownloadBundle']);
    const rollback = specificationOf('/x', {
      deploymentId: 'd-THREE',
      deploymentCreator: 'codeDeployRollback',
      deploymentType: 'BLUE_GREEN',
    });
    const [outcome] = await runAll(ctx, rollback, ['BeforeBlockTraffic']);
    expect(outcome?.diagnostics.log).toContain('[stdout]two\n');
  });

  test('a hook event of an old revision finds its AppSpec file under any of the names, and is skipped with a warning when it has none', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    await runAll(ctx, specificationOf(revision(scratch, 'one')), ['DownloadBundle', 'Install']);
    const archive = scratch.at('root/group-id/d-ONE/deployment-archive');
    renameSync(join(archive, 'appspec.yml'), join(archive, 'appspec.yaml'));
    const second = specificationOf(revision(scratch, 'two'), { deploymentId: 'd-TWO', appSpecFilename: 'mine.yml' });
    const [outcome] = await runAll(ctx, second, ['ApplicationStop']);
    expect(outcome?.diagnostics.log).toContain('stopping what one started for d-TWO');
    rmSync(join(archive, 'appspec.yaml'));
    const [skipped] = await runAll(ctx, second, ['ApplicationStop']);
    expect(skipped).toMatchObject({ status: 'Succeeded', diagnostics: { log: expect.stringContaining(archive) } });
    for (const name of ['mine.yml', 'appspec.yaml', 'appspec.yml']) expect(skipped?.diagnostics.log).toContain(name);
  });

  test('says in the agent’s log which script it runs as whom', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    await runAll(ctx, specificationOf(revision(scratch, 'one')), ['DownloadBundle', 'AfterInstall']);
    const script = scratch.at('root/group-id/d-ONE/deployment-archive/scripts/AfterInstall.sh');
    const user = userInfo().username;
    expect(ctx.log.lines).toContainEqual({
      level: 'info',
      message: 'running a hook script',
      fields: { event: 'AfterInstall', script, sourceUser: user, targetUser: user, sudo: false },
    });
  });

  test.each<[string, (text: string) => string]>([
    ['a wrong version', (text) => text.replace(/version: \S+/, 'version: 7')],
    ['no os', (text) => text.replace('os: linux\n', '')],
    ['the os of another platform', (text) => text.replace('os: linux', 'os: windows')],
    ['a key twice', (text) => `${text}\nversion: 0.0\nos: linux\n`],
    ['a relative destination', (text) => text.replace(/destination: .+/, 'destination: www/here')],
    ['an unknown file_exists_behavior', (text) => `${text}\nfile_exists_behavior: MAYBE\n`],
    ['unknown keys', (text) => `${text}\nfils: []\nresources: []\n`],
    ['permissions that are none', (text) => `${text}\npermissions: {object: /}\n`],
    ['a second document', (text) => `${text}\n---\nfiles: 7\n`],
    ['a broken hook of another event', (text) => `${text}\n  AfterInstall: [{timeout: never}]\n`],
  ])('a hook event of an old revision runs its scripts though its AppSpec file has %s', async (_, spoil) => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    await runAll(ctx, specificationOf(revision(scratch, 'one')), ['DownloadBundle', 'Install']);
    const file = scratch.at('root/group-id/d-ONE/deployment-archive/appspec.yml');
    const text = readFileSync(file, 'utf8').trimEnd();
    const spoilt = spoil(text);
    expect(spoilt).not.toBe(text);
    writeFileSync(file, spoilt);
    const second = specificationOf(revision(scratch, 'two'), { deploymentId: 'd-TWO' });
    const [outcome] = await runAll(ctx, second, ['ApplicationStop']);
    expect(outcome).toMatchObject({ status: 'Succeeded' });
    expect(outcome?.diagnostics.log).toContain('stopping what one started for d-TWO');
  });

  test('a hook event of an old revision takes the last of hooks that stand twice, as the official agent did', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    await runAll(ctx, specificationOf(revision(scratch, 'one')), ['DownloadBundle', 'Install']);
    const archive = scratch.at('root/group-id/d-ONE/deployment-archive');
    appendFileSync(join(archive, 'appspec.yml'), '\nhooks:\n  ApplicationStop: [{location: last.sh}]\n');
    writeFileSync(join(archive, 'last.sh'), '#!/bin/sh\necho the last one\n');
    const second = specificationOf(revision(scratch, 'two'), { deploymentId: 'd-TWO' });
    const [outcome] = await runAll(ctx, second, ['ApplicationStop']);
    expect(outcome?.diagnostics.log).toContain('the last one');
  });

  test.each([
    ['is no YAML', 'version: ["\nfiles'],
    ['is empty', ''],
    ['is a list', '- a\n'],
    ['is no text', '\0\xff\0'],
    ['is far too large', `# ${'x'.repeat(300 * 1024)}`],
  ])(
    'a hook event of an old revision whose AppSpec file %s is skipped with a warning that names that revision',
    async (_, text) => {
      using scratch = scratchFolder();
      const ctx = deploymentContext(scratch);
      await runAll(ctx, specificationOf(revision(scratch, 'one')), ['DownloadBundle', 'Install']);
      writeFileSync(scratch.at('root/group-id/d-ONE/deployment-archive/appspec.yml'), text);
      const second = specificationOf(revision(scratch, 'two'), { deploymentId: 'd-TWO' });
      const [outcome] = await runAll(ctx, second, ['ApplicationStop']);
      expect(outcome?.status).toBe('Succeeded');
      expect(outcome?.diagnostics.log).toMatch(
        /^warning: ApplicationStop was skipped.*d-ONE.*group-id\/d-ONE\/deployment-archive\/appspec.yml/,
      );
      // It has to be run to be reported.
      expect(isCommandNoop(ctx, request('ApplicationStop', second))).toBe(false);
      // The new revision is asked everything.
      const bad = specificationOf(revision(scratch, 'bad'), { deploymentId: 'd-BAD' });
      writeFileSync(scratch.at('bad/appspec.yml'), text);
      const [, install] = await runAll(ctx, bad, ['DownloadBundle', 'Install']);
      expect(install?.status).toBe('Failed');
    },
  );

  test('a hook event that fails reports code, script and the last words', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const folder = writeRevision(scratch.at('one'), {
      destination: scratch.at('www'),
      files: {},
      scripts: { ValidateService: 'echo "no answer on port 80" >&2\nexit 3' },
    });
    const [, outcome] = await runAll(ctx, specificationOf(folder), ['DownloadBundle', 'ValidateService']);
    expect(outcome).toEqual({
      status: 'Failed',
      diagnostics: {
        errorCode: 4,
        scriptName: 'scripts/ValidateService.sh',
        message: 'the script scripts/ValidateService.sh failed: exit code 3',
        log: 'LifecycleEvent - ValidateService\nScript - scripts/ValidateService.sh\n[stderr]no answer on port 80\n',
      },
    });
  });

  test('a hook event that runs when the agent must end is killed', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const controller = new AbortController();
    const folder = writeRevision(scratch.at('one'), {
      destination: scratch.at('www'),
      files: {},
      scripts: { ApplicationStart: `echo $$ > ${scratch.word('pid')}\nsleep 600` },
    });
    const specification = specificationOf(folder);
    await runAll(ctx, specification, ['DownloadBundle']);
    const running = runCommand(ctx, request('ApplicationStart', specification), controller.signal);
    const [pid = 0] = await pidsIn(scratch.at('pid'), 1);
    controller.abort();
    expect(await running).toMatchObject({ status: 'Failed', diagnostics: { errorCode: 5 } });
    expect(isRunning(pid)).toBe(false);
  });
});

describe('whether a command is a no-op', () => {
  test('depends on the scripts that would run', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const specification = specificationOf(revision(scratch, 'one'));
    await runAll(ctx, specification, ['DownloadBundle']);
    const isNoop = (name: string) => isCommandNoop(ctx, request(name, specification));
    expect(isNoop('AfterInstall')).toBe(false);
    expect(isNoop('AfterAllowTraffic')).toBe(true);
    expect(isNoop('DownloadBundle')).toBe(false);
    expect(isNoop('Install')).toBe(false);
    expect(isNoop('BlockTraffic')).toBe(true);
    expect(isNoop('constructor')).toBe(true);
  });
});

test.each(['BlockTraffic', 'constructor', ''])('the command %j fails as unknown', async (name) => {
  using scratch = scratchFolder();
  const [outcome] = await runAll(deploymentContext(scratch), specificationOf('/x'), [name]);
  expect(outcome?.diagnostics).toMatchObject({ errorCode: 5, message: expect.stringContaining(`'${name}'`) });
});

describe('UpdateDeploymentAgent', () => {
  test('is refused, saying what to do', async () => {
    using scratch = scratchFolder();
    const [outcome] = await runAll(deploymentContext(scratch), specificationOf('/x'), ['UpdateDeploymentAgent']);
    expect(outcome?.diagnostics).toMatchObject({ errorCode: 5, message: expect.stringContaining('update_command') });
  });

  test('runs what the operator has configured, and nothing else', async () => {
    using scratch = scratchFolder();
    const update = (updateCommand: string) =>
      runAll(deploymentContext(scratch, { updateCommand }), specificationOf('/x'), ['UpdateDeploymentAgent']);
    expect(await update('echo updated')).toMatchObject([{ status: 'Succeeded', diagnostics: { log: 'updated\n' } }]);
    expect(await update('echo no; exit 3')).toMatchObject([
      { status: 'Failed', diagnostics: { errorCode: 4, log: 'no\n' } },
    ]);
  });

  /** As `update_command`, with a time limit of the test's own. */
  function update(scratch: ScratchFolder, updateCommand: string, timeoutMs: number, signal?: AbortSignal) {
    const hostCommandIdentifier = `${scratch.path}/command`;
    const ctx = deploymentContext(scratch);
    return runUpdate(
      ctx,
      { hostCommandIdentifier, updateCommand, output: scratch.at('update.log'), timeoutMs },
      signal,
    );
  }

  test('says as much as it likes', async () => {
    using scratch = scratchFolder();
    const much = await update(scratch, 'yes "a line of many" | head -n 200000; echo the last', 60_000);
    expect(much.status).toBe('Succeeded');
    expect(much.diagnostics.log).toMatch(/a line of many\nthe last\n$/);
  });

  test('ends with all that it has started when its time is over', async () => {
    using scratch = scratchFolder();
    const [child, escaped] = [scratch.at('child'), scratch.at('escaped')];
    const slow = await update(
      scratch,
      `sleep 600 & echo $! > ${quoteForShell(child)}; setsid sh -c 'echo $$ > "$0"; exec sleep 600' ${quoteForShell(escaped)} & echo waiting; wait`,
      3_000,
    );
    expect(slow.diagnostics).toMatchObject({ errorCode: 4, log: 'waiting\n' });
    expect(slow.diagnostics.message).toBe('update_command failed: it took longer than 3 s and was ended');
    for (const file of [child, escaped]) expect(isRunning(Number(readFileSync(file, 'utf8')))).toBe(false);
  });

  test('is not waited for when what it has started holds its output', async () => {
    using scratch = scratchFolder();
    const daemon = scratch.at('daemon');
    const done = await update(scratch, `sleep 600 & echo $! > ${quoteForShell(daemon)}; echo done`, 60_000);
    expect(done).toMatchObject({ status: 'Succeeded', diagnostics: { log: 'done\n' } });
    process.kill(Number(readFileSync(daemon, 'utf8')), 'SIGKILL');
  });

  test('goes on when the agent ends, and is no hook that the next agent ends', async () => {
    using scratch = scratchFolder();
    const [begun, go, ended] = [scratch.at('begun'), scratch.at('go'), scratch.at('ended')];
    const agentEnds = new AbortController();
    const command = `touch ${scratch.word('begun')}; until [ -e ${scratch.word('go')} ]; do sleep 0.05; done; echo still here; echo done > ${scratch.word('ended')}`;
    const outcome = update(scratch, command, 60_000, agentEnds.signal);
    await eventually(() => existsSync(begun));
    agentEnds.abort();
    await expect(outcome).rejects.toThrow();
    await recoverHost(deploymentContext(scratch), [`${scratch.path}/command`]);
    writeFileSync(go, '');
    await eventually(() => existsSync(ended));
    expect(readFileSync(scratch.at('update.log'), 'utf8')).toBe('still here\n');
  });

  test('runs without a scope where systemd gives none, and not at all where one is insisted upon', async () => {
    using scratch = scratchFolder();
    const bin = dirname(writeScript(scratch.at('bin/systemd-run'), '#!/bin/sh\necho no bus here >&2\nexit 1'));
    const baseEnvironment = { PATH: `${bin}:${process.env['PATH']}` };
    const said: string[] = [];
    const run = (mode: 'auto' | 'on') => {
      const refusing = createHookScopes('on', {}, () => {});
      const hookScopes = { ...refusing, refused: (why: string) => said.push(why) > 0 && mode === 'auto' };
      const ctx = deploymentContext(scratch, { updateCommand: 'echo updated', baseEnvironment, hookScopes });
      return runAll(ctx, specificationOf('/x'), ['UpdateDeploymentAgent']);
    };
    expect(await run('auto')).toMatchObject([{ status: 'Succeeded', diagnostics: { log: 'updated\n' } }]);
    expect(said).toEqual(['no bus here']);
    expect(await run('on')).toMatchObject([
      { status: 'Failed', diagnostics: { message: expect.stringContaining('no bus here') } },
    ]);
  });

  test('has a scope of its own, which is none of the hooks’', () => {
    expect(updateScope('a command').unit).toMatch(/^slipway-update-[0-9a-f]{20}-0\.scope$/);
    expect(isInScope(`0::/system.slice/${updateScope('a command').unit}\n`, scopePrefix('a command'))).toBe(false);
  });
});

describe('recovery', () => {
  test('kills what interrupted hooks left, and nothing else', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const start = (marker: string) =>
      execa('sleep', ['600'], { env: { [MARKER_VARIABLE]: marker }, detached: true, reject: false, stdio: 'ignore' });
    const interrupted = start(`${scratch.path}/interrupted`);
    const daemon = start(`${scratch.path}/ended`);
    await recoverHost(ctx, [`${scratch.path}/interrupted`]);
    await interrupted;
    expect(isRunning(daemon.pid ?? 0)).toBe(true);
    daemon.kill('SIGKILL');
    await daemon;
    await eventually(() => !isRunning(interrupted.pid ?? 0));
  });

  test('removes half-fetched and half-unpacked bundles, but not those of local deployments, which may be at work', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    for (const id of ['d-ONE', 'd-ABCDEFGHI-local']) {
      mkdirSync(scratch.at('root/group-id', id, 'deployment-archive-temp/files'), { recursive: true });
      writeFileSync(scratch.at('root/group-id', id, 'bundle.tar.part'), 'half');
      writeFileSync(scratch.at('root/group-id', id, 'bundle.tar'), 'whole');
    }
    await recoverHost(ctx, []);
    expect(readdirSync(scratch.at('root/group-id/d-ONE'))).toEqual(['bundle.tar']);
    expect(readdirSync(scratch.at('root/group-id/d-ABCDEFGHI-local'))).toHaveLength(3);
  });

  test('recovery of a host that has never deployed does nothing', async () => {
    using scratch = scratchFolder();
    expect(await recoverHost(deploymentContext(scratch), [])).toEqual([]);
    expect(existsSync(scratch.at('root'))).toBe(false);
  });
});
