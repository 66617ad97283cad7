import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { restrictFolders } from '../../src/deployment/folder-modes.ts';
import { deploymentPaths, groupPointers } from '../../src/deployment/layout.ts';
import { runCommand } from '../../src/deployment/run-command.ts';
import { deploymentContext, specificationOf } from '../support/deployment.ts';
import { testIf } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const isRoot = process.getuid?.() === 0;

describe('with restrict_agent_dir_permissions', () => {
  test('a deployment leaves nothing that other users can list or read, but the way to its scripts', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch, { restrictFolders: true });
    const revision = writeRevision(scratch.at('one'), { destination: scratch.at('site'), files: { a: 'a' } });
    const specification = specificationOf(revision);
    for (const commandName of ['DownloadBundle', 'Install', 'AfterInstall']) {
      const outcome = await runCommand(ctx, { hostCommandIdentifier: 'c', commandName, specification });
      expect(outcome).toMatchObject({ status: 'Succeeded' });
    }
    const { groupDir, deploymentDir, archiveDir, scriptsLog, bundleSourceFile } = deploymentPaths(
      ctx.rootDir,
      'group-id',
      'd-ONE',
    );
    const { lastSuccessful } = groupPointers(ctx.rootDir, 'group-id');
    expect(Object.fromEntries([groupDir, deploymentDir, archiveDir].map((path) => [path, modeOf(path)]))).toEqual({
      [groupDir]: '711',
      [deploymentDir]: '711',
      [archiveDir]: '711',
    });
    expect(modeOf(dirname(scriptsLog))).toBe('750');
    expect(modeOf(scriptsLog)).toBe('640');
    expect(modeOf(bundleSourceFile)).toBe('600');
    expect(modeOf(dirname(lastSuccessful))).toBe('700');
    expect(modeOf(lastSuccessful)).toBe('600');
    expect(modeOf(`${ctx.rootDir}/.slipway`)).toBe('700');
    expect(modeOf(`${ctx.rootDir}/deployment-logs`)).toBe('750');
    expect(modeOf(`${archiveDir}/appspec.yml`)).toBe('644');
  });

  test('folders that an earlier agent left open are closed, and the target of a link is not touched', () => {
    using scratch = scratchFolder();
    const rootDir = scratch.at('root');
    const trackingDir = `${rootDir}/ongoing-deployment`;
    const { bundleFile, archiveDir } = deploymentPaths(rootDir, 'group-id', 'd-ONE');
    mkdirSync(archiveDir, { recursive: true });
    mkdirSync(trackingDir);
    writeFileSync(`${trackingDir}/d-ONE`, 'c');
    writeFileSync(scratch.at('elsewhere'), '');
    symlinkSync(scratch.at('elsewhere'), bundleFile);
    mkdirSync(scratch.at('folder'));
    symlinkSync(scratch.at('folder'), `${rootDir}/link`);
    const linked = () => [modeOf(scratch.at('elsewhere')), modeOf(scratch.at('folder'))];
    const before = linked();
    restrictFolders({ rootDir, trackingDir });
    expect([modeOf(rootDir), modeOf(trackingDir), modeOf(`${trackingDir}/d-ONE`), modeOf(archiveDir)]).toEqual([
      '711',
      '700',
      '600',
      '711',
    ]);
    expect(linked()).toEqual(before);
  });

  testIf(isRoot, 'root')(
    'another user can still run a script whose path is known, and list nothing on the way',
    async () => {
      using scratch = scratchFolder();
      chmodSync(scratch.path, 0o755);
      const ctx = deploymentContext(scratch, { restrictFolders: true });
      const revision = writeRevision(scratch.at('one'), { destination: scratch.at('site'), files: { a: 'a' } });
      restrictFolders(ctx);
      const request = {
        hostCommandIdentifier: 'c',
        commandName: 'DownloadBundle',
        specification: specificationOf(revision),
      };
      expect(await runCommand(ctx, request)).toMatchObject({ status: 'Succeeded' });
      const { archiveDir, groupDir, bundleSourceFile } = deploymentPaths(ctx.rootDir, 'group-id', 'd-ONE');
      const asNobody = (...command: string[]) =>
        spawnSync('setpriv', ['--reuid=65534', '--clear-groups', ...command], { encoding: 'utf8' });
      expect(asNobody(`${archiveDir}/scripts/AfterInstall.sh`).stdout).toBe('this is AfterInstall\n');
      for (const folder of [ctx.rootDir, groupDir, archiveDir]) expect(asNobody('ls', folder).status).toBe(2);
      expect(asNobody('cat', bundleSourceFile).status).toBe(1);
    },
  );
});
