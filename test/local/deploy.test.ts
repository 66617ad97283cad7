import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { packBundle } from '../../src/archive/pack.ts';
import {
  type LocalDeploymentProgress,
  type LocalDeploymentResult,
  runLocalDeployment,
} from '../../src/local/deploy.ts';
import { type LocalDeploymentOptions, newLocalDeploymentId, planLocalDeployment } from '../../src/local/plan.ts';
import { systemRandom } from '../../src/system/random.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { deploymentContext } from '../support/deployment.ts';
import { testIf } from '../support/needs.ts';
import { isRunning } from '../support/process-tree.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { pidsIn } from '../support/scripts.ts';
import { SLIPWAY } from '../support/slipway.ts';

/** Root may write anywhere; `nobody` exists everywhere. */
const asOrdinaryUser = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
/** A working copy in root's home is nobody else's to read. */
const canReadSources = spawnSync(process.execPath, [SLIPWAY, '--version'], asOrdinaryUser).status === 0;

interface Deployed extends LocalDeploymentResult {
  readonly progress: readonly LocalDeploymentProgress[];
  /** Events that began, in order. */
  readonly began: readonly string[];
}

async function deploy(
  scratch: ScratchFolder,
  options: Partial<LocalDeploymentOptions>,
  signal?: AbortSignal,
): Promise<Deployed> {
  const planned = planLocalDeployment({
    bundleLocation: null,
    workingDirectory: scratch.path,
    deploymentId: newLocalDeploymentId(systemRandom),
    reservedIds: [],
    ...options,
  });
  if (!planned.ok) return expect.fail(planned.problems.join('; '));
  const progress: LocalDeploymentProgress[] = [];
  const result = await runLocalDeployment(
    deploymentContext(scratch),
    planned.plan,
    (step) => progress.push(step),
    signal,
  );
  const began = progress.filter(({ type }) => type === 'started').map(({ event }) => event);
  return { ...result, progress, began };
}

function revision(scratch: ScratchFolder, name: string, scripts: Record<string, string> = {}): string {
  return writeRevision(scratch.at(name), { destination: scratch.at('www'), files: { 'index.html': name }, scripts });
}

describe('a local deployment', () => {
  test('leaves no tracking file while it runs: that is for what a service has ordered', async () => {
    using scratch = scratchFolder();
    const seen = scratch.at('seen');
    const folder = revision(scratch, 'one', { AfterInstall: `ls ${scratch.word('root')} > ${quoteForShell(seen)}` });
    expect(await deploy(scratch, { bundleLocation: folder })).toMatchObject({ status: 'Succeeded' });
    const names = readFileSync(seen, 'utf8').trim().split('\n');
    expect(names).toContain('default-local-deployment-group');
    expect(names).not.toContain('ongoing-deployment');
  });

  test.each(['directory', 'tar', 'tgz', 'zip'] as const)(
    'of a %s runs every event and installs the files',
    async (bundleType) => {
      using scratch = scratchFolder();
      const folder = revision(scratch, 'one', {
        AfterInstall: 'echo "$DEPLOYMENT_GROUP_NAME: $(cat "$(dirname "$0")/../files/index.html")"',
      });
      const bundleFile = scratch.at('bundle');
      if (bundleType !== 'directory') await packBundle({ sourceDir: folder, bundleFile, bundleType });
      const deployed = await deploy(scratch, {
        bundleLocation: bundleType === 'directory' ? 'one' : 'bundle',
        bundleType,
      });

      expect(deployed).toMatchObject({ status: 'Succeeded', failure: null });
      expect(deployed.began).toHaveLength(11);
      expect(deployed.progress).toHaveLength(22);
      expect(readFileSync(scratch.at('www/index.html'), 'utf8')).toBe('one');
      expect(deployed.deploymentDir).toMatch(/root\/default-local-deployment-group\/d-[A-Z0-9]{9}-local$/);
      const log = readFileSync(deployed.scriptsLog, 'utf8');
      expect(log).toContain('[stdout]LocalFleet: one\n');
      // Nothing was deployed before, so there is nobody's stop script to run.
      expect(log).not.toContain('ApplicationStop');
      const pointer = scratch.at('root/deployment-instructions/default-local-deployment-group_last_successful_install');
      expect(readFileSync(pointer, 'utf8')).toBe(deployed.deploymentDir);
    },
  );

  test('after another one stops that one’s application with its own script and replaces its files', async () => {
    using scratch = scratchFolder();
    revision(scratch, 'one', { ApplicationStop: 'echo "one is stopped"' });
    revision(scratch, 'two', { ApplicationStop: 'echo "two is stopped"' });
    expect(await deploy(scratch, { bundleLocation: 'one' })).toMatchObject({ status: 'Succeeded' });
    const second = await deploy(scratch, { bundleLocation: 'two' });
    expect(second).toMatchObject({ status: 'Succeeded' });
    expect(readFileSync(second.scriptsLog, 'utf8')).toContain('[stdout]one is stopped\n');
    expect(readFileSync(scratch.at('www/index.html'), 'utf8')).toBe('two');
  });

  test('ends at the first event that fails, and names the script, which may be an old one', async () => {
    using scratch = scratchFolder();
    revision(scratch, 'one', { ApplicationStop: 'echo "cannot stop" >&2\nexit 2' });
    const first = await deploy(scratch, { bundleLocation: 'one' });
    const second = await deploy(scratch, { bundleLocation: 'one' });
    expect(second.began).toEqual(['BeforeBlockTraffic', 'AfterBlockTraffic', 'ApplicationStop']);
    expect(second.failure).toMatchObject({
      event: 'ApplicationStop',
      script: `${first.deploymentDir}/deployment-archive/scripts/ApplicationStop.sh`,
      outcome: { diagnostics: { errorCode: 4, log: expect.stringContaining('[stderr]cannot stop\n') } },
    });
  });

  test('runs custom events that the AppSpec file has scripts for', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('one'));
    writeFileSync(scratch.at('one/hello.sh'), 'echo "hello from $LIFECYCLE_EVENT"');
    const appSpec = 'version: 0.0\nos: linux\nhooks:\n  MyOwnEvent:\n    - location: hello.sh\n';
    writeFileSync(scratch.at('one/appspec.yml'), appSpec);
    const deployed = await deploy(scratch, { bundleLocation: 'one', events: 'MyOwnEvent' });
    expect(deployed).toMatchObject({ status: 'Succeeded', began: ['DownloadBundle', 'Install', 'MyOwnEvent'] });
    expect(readFileSync(deployed.scriptsLog, 'utf8')).toContain('[stdout]hello from MyOwnEvent\n');

    const other = await deploy(scratch, { bundleLocation: 'one', events: 'MyOwnEvent,NotThere' });
    expect(other.failure).toMatchObject({ event: 'Install', script: null });
    expect(other.failure?.outcome.diagnostics.message).toMatch(/appspec\.yml.*NotThere/);
  });

  test('refuses a misspelt event in the AppSpec file', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('one'));
    const appSpec = 'version: 0.0\nos: linux\nhooks:\n  AfterInstal:\n    - location: a.sh\n';
    writeFileSync(scratch.at('one/appspec.yml'), appSpec);
    const { failure } = await deploy(scratch, { bundleLocation: 'one' });
    expect(failure?.outcome.diagnostics.message).toContain('AfterInstal');
  });

  test('a local deployment that is interrupted kills the script that runs and ends', async () => {
    using scratch = scratchFolder();
    const controller = new AbortController();
    revision(scratch, 'one', { ApplicationStart: `echo $$ > ${scratch.word('pid')}\nsleep 600` });
    const running = deploy(scratch, { bundleLocation: 'one' }, controller.signal);
    const [pid = 0] = await pidsIn(scratch.at('pid'), 1);
    controller.abort();
    expect((await running).failure).toMatchObject({ event: 'ApplicationStart' });
    expect(isRunning(pid)).toBe(false);
  });
});

describe('before anything is done', () => {
  test.each([
    ['absent', 'directory', 'REVISION_NOT_FOUND', 'does not exist'],
    ['empty', 'directory', 'APPSPEC_MISSING', 'looked for appspec.yml, appspec.yaml'],
    ['file', 'directory', 'REVISION_NOT_FOUND', 'is no folder'],
    ['empty', 'zip', 'REVISION_NOT_FOUND', 'is no file'],
  ] as const)('%s as %s is refused with %s', async (bundleLocation, bundleType, code, words) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('empty'));
    writeFileSync(scratch.at('file'), '');
    await expect(deploy(scratch, { bundleLocation, bundleType })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
    expect(existsSync(scratch.at('root'))).toBe(false);
  });

  test('a deployment root that cannot be used is named, and what to do about it', async () => {
    using scratch = scratchFolder();
    revision(scratch, 'one');
    writeFileSync(scratch.at('root'), 'in the way');
    await expect(deploy(scratch, { bundleLocation: 'one' })).rejects.toMatchObject({
      code: 'DEPLOYMENT_ROOT_UNUSABLE',
      message: expect.stringContaining(scratch.at('root')),
      remedy: expect.stringContaining('root_dir'),
    });
  });

  testIf(canReadSources, 'a checkout that other users can read')(
    'a deployment root of somebody else is, too',
    async () => {
      using scratch = scratchFolder();
      revision(scratch, 'one');
      chmodSync(scratch.path, 0o755);
      mkdirSync(scratch.at('root'));
      chmodSync(scratch.at('root'), 0o555);
      writeFileSync(scratch.at('agent.yml'), `root_dir: ${scratch.at('root')}\n`);
      const args = [SLIPWAY, 'local', '-l', scratch.at('one'), '-c', scratch.at('agent.yml')];
      const refused = await execa(process.execPath, args, { ...asOrdinaryUser, reject: false });
      expect(refused.exitCode).toBe(2);
      expect(refused.stderr).toContain(`root_dir ${scratch.at('root')} cannot be used`);
      expect(refused.stderr).toContain('DEPLOYMENT_ROOT_UNUSABLE');
    },
  );
});
