/** Installs of several deployment groups on one host: one at a time, and none on what another has left half done. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import type { CommandRequest } from '../../src/deployment/context.ts';
import { runCommand } from '../../src/deployment/run-command.ts';
import { runInstall } from '../../src/install/install.ts';
import type { DeploymentSpecification } from '../../src/protocol/specification.ts';
import { startTimeOf } from '../../src/system/processes.ts';
import { deploymentContext, specificationOf } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { watchedFs } from '../support/failing-fs.ts';
import { installContext, installRequest, writeFiles } from '../support/install.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway } from '../support/slipway.ts';
import { treeOf } from '../support/tree.ts';

const DIE = fileURLToPath(new URL('../support/install-and-die.ts', import.meta.url));
/** The agent's root folder and the destination stand beside each other: nothing is installed below the first. */
const INSTRUCTIONS = 'root/deployment-instructions';
const SUCCEEDED = { status: 'Succeeded' };

function request(commandName: string, specification: DeploymentSpecification): CommandRequest {
  return { hostCommandIdentifier: `${specification.deploymentId}/${commandName}`, commandName, specification };
}

function revision(scratch: ScratchFolder, name: string): string {
  // So many that two Installs which do not wait for each other meet.
  const others = Array.from({ length: 400 }, (_, index) => [`other-${index}`, name] as const);
  const files = { changed: name, ...Object.fromEntries(others) };
  return writeRevision(scratch.at(name), { destination: scratch.at('site'), files });
}

/** A process that holds the lock until its input ends. */
function installingElsewhere(scratch: ScratchFolder) {
  const other = spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] });
  mkdirSync(scratch.at('root/.slipway'), { recursive: true });
  writeFileSync(scratch.at('root/.slipway/install-lock'), `${other.pid} ${startTimeOf(other.pid ?? 0)}`);
  return other;
}

describe('Install', () => {
  test('waits for that of another group, and says for whom', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const specification = specificationOf(revision(scratch, 'one'));
    expect(await runCommand(ctx, request('DownloadBundle', specification))).toMatchObject(SUCCEEDED);
    const other = installingElsewhere(scratch);

    const installing = runCommand(ctx, request('Install', specification));
    const waits = `process ${other.pid} (cat) is installing for another deployment group; waiting for it`;
    await eventually(() => ctx.log.lines.some(({ message }) => message === waits));
    expect(readdirSync(scratch.path)).not.toContain('site');
    other.stdin.end();
    expect(await installing).toMatchObject(SUCCEEDED);
    expect(readFileSync(scratch.at('site/changed'), 'utf8')).toBe('one');
  });

  test('an Install that is told to end while it waits has changed nothing', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const specification = specificationOf(revision(scratch, 'one'));
    await runCommand(ctx, request('DownloadBundle', specification));
    const other = installingElsewhere(scratch);
    const ending = new AbortController();
    const installing = runCommand(ctx, request('Install', specification), ending.signal);
    await eventually(() => ctx.log.lines.some(({ message }) => message.endsWith('waiting for it')));
    ending.abort();
    expect(await installing).toMatchObject({ status: 'Failed' });
    expect(readdirSync(scratch.path)).not.toContain('site');
    other.stdin.end();
  });

  test('an Install of one of two groups that bring the same file at the same time fails, naming the other', async () => {
    using scratch = scratchFolder();
    const configFile = scratch.at('agent.yml');
    writeFileSync(configFile, `root_dir: ${scratch.at('root')}\nlog_dir: ${scratch.at('log')}\n`);
    mkdirSync(scratch.at('site'), { recursive: true });
    const deploy = (group: string) =>
      runSlipway(['local', '-l', revision(scratch, group), '-g', group, '-c', configFile]);
    const ended = await Promise.all(['first', 'second'].map(deploy));
    const [winner = ''] = ['first', 'second'].filter((_, index) => ended[index]?.status === 0);
    expect(readFileSync(scratch.at('site/changed'), 'utf8')).toBe(winner);
    const [loser] = ended.filter(({ status }) => status !== 0);
    expect(`${loser?.stdout}${loser?.stderr}`).toMatch(
      new RegExp(`changed belongs to the deployment group .+/LocalFleet \\(${winner}\\)`),
    );
  });

  test('puts right first what cut-off ones have left, its own group’s and another’s', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const root = scratch.path;
    const specification = specificationOf(revision(scratch, 'mine'));
    await runCommand(ctx, request('DownloadBundle', specification));
    await installOne(root);
    const old = treeOf(scratch.at('site'));
    await cutOffInTheMiddle(root);
    // Of the own group not even the beginning was durable: nothing had happened yet.
    writeFileSync(join(root, INSTRUCTIONS, 'group-id-install.journal'), 'torn');
    expect(readFileSync(scratch.at('site/changed'), 'utf8')).toBe('2');

    const outcome = await runCommand(ctx, request('Install', specification));
    expect(outcome.diagnostics.message).toContain(`${root}/site/changed belongs to the deployment group group`);
    expect(treeOf(scratch.at('site'))).toEqual(old);
    expect(readdirSync(join(root, INSTRUCTIONS)).filter((name) => name.endsWith('.journal'))).toEqual([]);
  });
});

/** Installs `one` for a group of its own, and has `two` ready. */
async function installOne(root: string): Promise<void> {
  mkdirSync(join(root, INSTRUCTIONS), { recursive: true });
  writeFiles(join(root, 'one'), { changed: '1', gone: 'x' });
  writeFiles(join(root, 'two'), { changed: '2', more: 'y' });
  await runInstall(installContext(), forOtherGroup(root, 'one'));
}

function forOtherGroup(root: string, archive: string) {
  return installRequest(root, archive, { instructionsDir: join(root, INSTRUCTIONS) });
}

/** Kills the Install of `two` when new files have come to their places, and what is to go has not gone. */
async function cutOffInTheMiddle(root: string): Promise<void> {
  using rehearsal = scratchFolder();
  await installOne(rehearsal.path);
  let removal = 0;
  const watched = watchedFs((call, name, [path]) => {
    if (name === 'renameSync' && String(path).endsWith('/gone')) removal = call;
  });
  await runInstall(installContext(watched.fs), forOtherGroup(rehearsal.path, 'two'));
  const { signal } = await execa(process.execPath, [DIE, root, String(removal), INSTRUCTIONS], { reject: false });
  expect(signal).toBe('SIGKILL');
}
