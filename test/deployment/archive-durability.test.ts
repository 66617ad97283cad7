/** Revisions that were unpacked shortly before the power was cut: their files may be empty, though they have their names. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DeploymentContext } from '../../src/deployment/context.ts';
import { deploymentPaths, unsyncedNoteOf } from '../../src/deployment/layout.ts';
import { runCommand } from '../../src/deployment/run-command.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import type { DeploymentSpecification } from '../../src/protocol/specification.ts';
import { deploymentContext, specificationOf } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const SUCCEEDED = { status: 'Succeeded' };
const TORN = { status: 'Failed', diagnostics: { message: expect.stringContaining('[DEPLOYMENT_ARCHIVE_TORN]') } };

function run(ctx: DeploymentContext, name: string, specification: DeploymentSpecification): Promise<CommandOutcome> {
  const hostCommandIdentifier = `${specification.deploymentId}/${name}`;
  return runCommand(ctx, { hostCommandIdentifier, commandName: name, specification });
}

function revision(scratch: ScratchFolder): string {
  return writeRevision(scratch.at('revision'), { destination: scratch.at('www'), files: { 'index.html': 'whole' } });
}

/** As the machine finds it that comes back. */
async function cutPowerAfterUnpacking(ctx: DeploymentContext, deploymentId: string): Promise<string> {
  const { deploymentDir } = deploymentPaths(ctx.rootDir, 'group-id', deploymentId);
  const note = unsyncedNoteOf(deploymentDir);
  await eventually(() => !existsSync(note));
  writeFileSync(note, '00000000-0000-0000-0000-000000000000 of-that-time');
  return deploymentDir;
}

describe('an unpacked revision', () => {
  test('is noted as not on the disk before its first file is made, and until all of it is there', async () => {
    using scratch = scratchFolder();
    const specification = specificationOf(revision(scratch));
    const seen: boolean[] = [];
    const note = join(scratch.at('root/group-id/d-ONE'), '.archive-unsynced');
    const failing = deploymentContext(scratch, {
      fetchBundle: () => {
        seen.push(existsSync(note));
        return Promise.reject(new Error('the store is down'));
      },
    });
    const fromStore = { revisionType: 'Local File', location: scratch.at('bundle.tar'), bundleType: 'tar' } as const;
    expect(await run(failing, 'DownloadBundle', { ...specification, revision: fromStore })).toMatchObject({
      status: 'Failed',
    });
    expect(seen).toEqual([true]);
    expect(existsSync(note)).toBe(false);

    expect(await run(deploymentContext(scratch), 'DownloadBundle', specification)).toMatchObject(SUCCEEDED);
    await eventually(() => !existsSync(note));
  });

  test('is neither installed nor are its scripts run when the machine went down before; a new download mends it', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const specification = specificationOf(revision(scratch));
    expect(await run(ctx, 'DownloadBundle', specification)).toMatchObject(SUCCEEDED);
    const deploymentDir = await cutPowerAfterUnpacking(ctx, 'd-ONE');
    for (const name of ['BeforeInstall', 'Install']) {
      const outcome = await run(ctx, name, specification);
      expect(outcome).toMatchObject(TORN);
      expect(outcome.diagnostics.message).toContain(`the revision in ${deploymentDir} was safely on its disk`);
    }
    expect(existsSync(scratch.at('www'))).toBe(false);

    expect(await run(ctx, 'DownloadBundle', specification)).toMatchObject(SUCCEEDED);
    expect(await run(ctx, 'Install', specification)).toMatchObject(SUCCEEDED);
    expect(readFileSync(scratch.at('www/index.html'), 'utf8')).toBe('whole');
  });

  test('an unpacked revision of before that may be torn has no scripts that could be trusted, and no files to be taken again', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const first = specificationOf(revision(scratch));
    for (const name of ['DownloadBundle', 'Install']) expect(await run(ctx, name, first)).toMatchObject(SUCCEEDED);
    const oldDir = await cutPowerAfterUnpacking(ctx, 'd-ONE');

    const second = { ...first, deploymentId: 'd-TWO', reuseArchiveFromDeploymentId: 'd-ONE' };
    expect(await run(ctx, 'ApplicationStop', second)).toMatchObject(SUCCEEDED);
    expect(existsSync(scratch.at('root/group-id/d-TWO/logs/scripts.log'))).toBe(false);
    expect(ctx.log.lines.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/ApplicationStop would run scripts of may be incomplete.*; the event is skipped/),
    );
    expect(await run(ctx, 'DownloadBundle', second)).toMatchObject({
      diagnostics: { message: 'Succeeded: BundleSource=downloaded' },
    });

    const rollback = {
      ...first,
      deploymentId: 'd-THREE',
      revision: { ...first.revision, location: `${oldDir}/deployment-archive` },
    };
    expect(await run(ctx, 'DownloadBundle', rollback as DeploymentSpecification)).toMatchObject(TORN);
  });
});
