import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packBundle } from '../../src/archive/pack.ts';
import type { DeploymentContext } from '../../src/deployment/context.ts';
import { freeSpace, noSpace, SPARE, shortage } from '../../src/deployment/disk-space.ts';
import { removeHalfDone } from '../../src/deployment/half-done.ts';
import {
  deploymentPaths,
  groupPointers,
  instructionsDir,
  setAsideDir,
  writePointer,
} from '../../src/deployment/layout.ts';
import { pruneForSpace, pruneRevisions } from '../../src/deployment/prune-revisions.ts';
import { runCommand } from '../../src/deployment/run-command.ts';
import { unpackedSize } from '../../src/deployment/unpacked-size.ts';
import { realInstallFs } from '../../src/install/install-fs.ts';
import type { DeploymentSpecification } from '../../src/protocol/specification.ts';
import { noteFileOf, openBundlePart, partFileOf } from '../../src/revision/bundle-part.ts';
import { mountPointOf } from '../../src/system/mount-point.ts';
import { deploymentContext, specificationOf } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { writeFiles } from '../support/install.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const GROUP = 'group-id';

/** Revisions of one group, oldest first, each with some content. */
function oldRevisions(ctx: DeploymentContext, names: readonly string[], bytes = 10_000): void {
  for (const [index, name] of names.entries()) {
    const { deploymentDir } = deploymentPaths(ctx.rootDir, GROUP, name);
    mkdirSync(deploymentDir, { recursive: true });
    writeFileSync(join(deploymentDir, 'content'), randomBytes(bytes));
    utimesSync(deploymentDir, index + 1, index + 1);
  }
  mkdirSync(instructionsDir(ctx.rootDir), { recursive: true });
}

function left(ctx: DeploymentContext): string[] {
  return readdirSync(join(ctx.rootDir, GROUP)).sort();
}

describe('old revisions', () => {
  test('go when they take more bytes than they may, oldest first', () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch, { maxRevisions: 10, maxRevisionsBytes: 250_000 });
    oldRevisions(ctx, ['d-1', 'd-2', 'd-3', 'd-4'], 100_000);
    pruneRevisions(ctx, GROUP, 'd-4');
    expect(left(ctx)).toEqual(['d-3', 'd-4']);
  });

  test('are measured without the targets of their links', () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch, { maxRevisions: 10, maxRevisionsBytes: 250_000 });
    oldRevisions(ctx, ['d-1', 'd-2', 'd-3'], 1_000);
    mkdirSync(scratch.at('elsewhere'));
    writeFileSync(scratch.at('elsewhere/large'), randomBytes(900_000));
    for (const name of ['d-1', 'd-2', 'd-3']) {
      const folder = join(deploymentPaths(ctx.rootDir, GROUP, name).deploymentDir, 'deployment-archive/d');
      mkdirSync(folder, { recursive: true });
      symlinkSync(scratch.at('elsewhere'), join(folder, 'out'));
      symlinkSync('/', join(folder, 'everything'));
    }
    pruneRevisions(ctx, GROUP, 'd-3');
    expect(left(ctx)).toEqual(['d-1', 'd-2', 'd-3']);
    expect(ctx.log.lines).toEqual([]);
  });

  test('stay while they are the current one, the last successful one, or in use', () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch, { maxRevisions: 1 });
    oldRevisions(ctx, ['d-1', 'd-2', 'd-3', 'd-4', 'd-5']);
    writePointer(
      groupPointers(ctx.rootDir, GROUP).lastSuccessful,
      deploymentPaths(ctx.rootDir, GROUP, 'd-2').deploymentDir,
    );
    mkdirSync(ctx.trackingDir, { recursive: true });
    writeFileSync(join(ctx.trackingDir, 'd-3'), 'a command');
    pruneRevisions(ctx, GROUP, 'd-5');
    expect(left(ctx)).toEqual(['d-2', 'd-3', 'd-5']);
  });

  test('make room only for as long as there is too little, and the log says why', () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    oldRevisions(ctx, ['d-1', 'd-2', 'd-3', 'd-4']);
    const lacking = () => (existsSync(join(ctx.rootDir, GROUP, 'd-2')) ? { bytes: 1, inodes: 0 } : null);
    pruneForSpace(ctx, GROUP, 'd-4', lacking);
    expect(left(ctx)).toEqual(['d-3', 'd-4']);
    expect(ctx.log.lines.map(({ message }) => message)).toEqual(
      Array(2).fill('removed an old revision, because space is short'),
    );
  });

  test('stay when what is set aside already holds the room that is missing', () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    oldRevisions(ctx, ['d-1', 'd-2']);
    const aside = join(setAsideDir(ctx.rootDir), 'old');
    mkdirSync(join(aside, 'folder'), { recursive: true });
    pruneForSpace(ctx, GROUP, 'd-2', () => (existsSync(aside) ? { bytes: 10_000_000, inodes: 0 } : null));
    expect(left(ctx)).toEqual(['d-1', 'd-2']);
    expect({ isThere: existsSync(aside), lines: ctx.log.lines }).toEqual({ isThere: false, lines: [] });
  });

  test('old revisions that are being deleted are waited for when an Install lacks their space', async () => {
    using scratch = scratchFolder();
    const plain = deploymentContext(scratch);
    const aside = join(setAsideDir(plain.rootDir), 'old');
    const statfsSync = ((path: string) => {
      const facts = realInstallFs.statfsSync(path);
      return existsSync(aside) ? { ...facts, bavail: 0, bfree: 0 } : facts;
    }) as typeof realInstallFs.statfsSync;
    const ctx = { ...plain, install: { ...plain.install, fs: { ...realInstallFs, statfsSync } } };
    const specification = specificationOf(
      writeRevision(scratch.at('source'), { destination: scratch.at('www'), files: { a: 'x' } }),
    );
    const run = (commandName: string) => runCommand(ctx, { hostCommandIdentifier: 'c', commandName, specification });
    expect(await run('DownloadBundle')).toMatchObject({ status: 'Succeeded' });
    mkdirSync(join(aside, 'folder'), { recursive: true });
    expect(await run('Install')).toMatchObject({ status: 'Succeeded' });
    expect(existsSync(aside)).toBe(false);
  });

  test('old revisions of many files are removed after the Install, or by the next download where none came', async () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch, { maxRevisions: 1 });
    oldRevisions(ctx, ['d-1']);
    const old = deploymentPaths(ctx.rootDir, GROUP, 'd-1').deploymentDir;
    writeFiles(old, Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`file-${n}`, ''])));
    const revision = writeRevision(scratch.at('source'), { destination: scratch.at('www'), files: { a: 'x' } });
    const specification = { ...specificationOf(revision), deploymentGroupId: GROUP };
    const run = (commandName: string) => runCommand(ctx, { hostCommandIdentifier: 'c', commandName, specification });
    const aside = () => readdirSync(setAsideDir(ctx.rootDir));

    expect(await run('DownloadBundle')).toMatchObject({ status: 'Succeeded' });
    expect(existsSync(old)).toBe(false);
    const [kept = ''] = aside();
    expect(readdirSync(join(setAsideDir(ctx.rootDir), kept)).length).toBeGreaterThan(1000);
    expect(await run('Install')).toMatchObject({ status: 'Succeeded' });
    await eventually(() => aside().length === 0);

    mkdirSync(join(setAsideDir(ctx.rootDir), 'left'));
    expect(await run('DownloadBundle')).toMatchObject({ status: 'Succeeded' });
    await eventually(() => aside().length === 0);
  });

  test('stay when all of them together would not make enough room', () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    oldRevisions(ctx, ['d-1', 'd-2', 'd-3']);
    for (const lacks of [
      { bytes: 10_000_000, inodes: 0 },
      { bytes: 0, inodes: 100 },
    ]) {
      pruneForSpace(ctx, GROUP, 'd-3', () => lacks);
      expect(ctx.log.lines.at(-1)?.message).toMatch(/would not make enough room/);
    }
    expect(left(ctx)).toEqual(['d-1', 'd-2', 'd-3']);
  });

  test('old revisions that cannot be removed never fail a deployment', () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch, { rootDir: scratch.at('nowhere') });
    pruneRevisions(ctx, GROUP, 'd-1');
    expect(ctx.log.lines).toMatchObject([{ level: 'warn' }]);
  });
});

describe('what a crash has left of a download', () => {
  function part(ctx: DeploymentContext, deploymentId: string) {
    const { deploymentDir, bundleFile } = deploymentPaths(ctx.rootDir, GROUP, deploymentId);
    mkdirSync(deploymentDir, { recursive: true });
    const opened = openBundlePart(bundleFile, 'somewhere', []);
    return { opened, partFile: partFileOf(bundleFile) };
  }

  test('stays when it can be gone on with, for three days; all else goes', () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const good = part(ctx, 'd-GOOD');
    good.opened.begin({ source: 'somewhere', validator: 'tag', sizeBytes: 100 });
    good.opened.write(0, Buffer.from('begun'));
    good.opened.keep();
    const bare = part(ctx, 'd-BARE');
    bare.opened.write(0, Buffer.from('begun'));
    removeHalfDone(ctx);
    expect([existsSync(good.partFile), existsSync(bare.partFile)]).toEqual([true, false]);

    const note = JSON.parse(readFileSync(noteFileOf(good.partFile), 'utf8'));
    writeFileSync(noteFileOf(good.partFile), JSON.stringify({ ...note, boot: 'before the power cut' }));
    removeHalfDone(ctx);
    expect(existsSync(good.partFile)).toBe(false);
    expect(existsSync(noteFileOf(good.partFile))).toBe(false);
  });

  test('goes when it is old', () => {
    using scratch = scratchFolder();
    const ctx = deploymentContext(scratch);
    const { opened, partFile } = part(ctx, 'd-OLD');
    opened.begin({ source: 'somewhere', validator: 'tag', sizeBytes: 100 });
    opened.write(0, Buffer.from('begun'));
    opened.keep();
    utimesSync(partFile, 1, 1);
    removeHalfDone(ctx);
    expect(existsSync(partFile)).toBe(false);
  });
});

describe('space', () => {
  test('is short by what is needed and a spare, less what is free', () => {
    const amount = fc.nat(1e9);
    fc.assert(
      fc.property(amount, amount, amount, fc.option(amount), (bytes, inodes, freeBytes, freeInodes) => {
        const lacks = shortage({ bytes: freeBytes, inodes: freeInodes }, { bytes, inodes });
        const fits = freeBytes >= bytes + SPARE.bytes && (freeInodes === null || freeInodes >= inodes + SPARE.inodes);
        expect(lacks === null).toBe(fits);
        if (lacks === null) return;
        expect(
          shortage(
            { bytes: freeBytes + lacks.bytes, inodes: (freeInodes ?? 0) + lacks.inodes },
            { bytes, inodes: freeInodes === null ? 0 : inodes },
          ) === null || freeInodes === null,
        ).toBe(true);
      }),
    );
  });

  test('space that is missing is reported with the file system, the bytes needed and the bytes free', () => {
    using scratch = scratchFolder();
    const fault = noSpace(scratch.path, 'the bundle', { bytes: 5e6, inodes: 9 }, { bytes: 2e9, inodes: 1 });
    expect(fault.message).toContain(mountPointOf(scratch.path));
    expect(fault.message).toContain('2.02 GB are needed and 5 MB are free');
    const inodes = noSpace(scratch.path, 'the bundle', { bytes: 5e12, inodes: 9 }, { bytes: 1, inodes: 100 });
    expect(inodes.message).toContain('164 inodes are needed and 9 are free');
    expect(freeSpace(scratch.path).bytes).toBeGreaterThan(0);
  });

  test('is checked before a bundle is fetched, and nothing is written then', async () => {
    using scratch = scratchFolder();
    const specification = specificationOf('', {
      revision: { revisionType: 'HTTPS', url: 'https://example.com/a.tgz', bundleType: 'tgz', sha256: 'ab'.repeat(32) },
    });
    const ctx = deploymentContext(scratch, {
      fetchBundle: async ({ reserve }) => {
        reserve?.(2 ** 60);
        throw new Error('it was not refused');
      },
    });
    oldRevisions(ctx, ['d-1']);
    const request = { hostCommandIdentifier: 'c', commandName: 'DownloadBundle', specification };
    const outcome = await runCommand(ctx, request);
    expect(outcome.diagnostics.message).toContain('REVISION_NO_SPACE');
    // No revision was given up for what cannot fit anyhow.
    expect(left(ctx)).toEqual(['d-1', 'd-ONE']);
  });

  test.each(['zip', 'tgz', 'tar'] as const)(
    'that a %s will take is known before it is unpacked',
    async (bundleType) => {
      using scratch = scratchFolder();
      mkdirSync(scratch.at('source'));
      for (const n of [1, 2, 3]) writeFileSync(scratch.at('source', `file${n}`), Buffer.alloc(100_000));
      const bundleFile = scratch.at('bundle');
      await packBundle({ sourceDir: scratch.at('source'), bundleFile, bundleType });
      const { bytes, inodes } = unpackedSize(bundleFile, bundleType, 4096);
      expect(bytes).toBeGreaterThanOrEqual(300_000);
      expect(bytes).toBeLessThan(400_000);
      if (bundleType === 'zip') expect(inodes).toBeGreaterThanOrEqual(3);
    },
  );

  test('a bundle that is no zip archive counts with its own size, and unpacking it names it for what it is', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('bundle'), '<html>403 Forbidden</html>');
    expect(unpackedSize(scratch.at('bundle'), 'zip', 4096)).toEqual({ bytes: 26, inodes: 0 });
  });
});

describe('a restart', () => {
  async function deployed(scratch: ScratchFolder, overrides: Partial<DeploymentContext> = {}) {
    const ctx = deploymentContext(scratch, overrides);
    const folder = writeRevision(scratch.at('revision'), { destination: scratch.at('target'), files: { a: 'one' } });
    const bundleFile = scratch.at('bundle.tgz');
    await packBundle({ sourceDir: folder, bundleFile, bundleType: 'tgz' });
    const download = (specification: Partial<DeploymentSpecification>) =>
      runCommand(ctx, {
        hostCommandIdentifier: 'c',
        commandName: 'DownloadBundle',
        specification: specificationOf('', {
          revision: { revisionType: 'Local File', location: bundleFile, bundleType: 'tgz' },
          ...specification,
        }),
      });
    expect((await download({})).diagnostics.message).toBe('Succeeded: BundleSource=downloaded');
    return { ctx, download, bundleFile };
  }

  test('takes the files of the earlier deployment again, as a copy, and reports so', async () => {
    using scratch = scratchFolder();
    const { ctx, download, bundleFile } = await deployed(scratch);
    execFileSync('rm', [bundleFile]);
    const outcome = await download({ deploymentId: 'd-TWO', reuseArchiveFromDeploymentId: 'd-ONE' });
    expect(outcome.diagnostics.message).toBe('Succeeded: BundleSource=archive-reuse');
    const [one, two] = ['d-ONE', 'd-TWO'].map((id) => deploymentPaths(ctx.rootDir, GROUP, id));
    expect(readFileSync(two?.bundleSourceFile ?? '', 'utf8')).toBe('archive-reuse');
    writeFileSync(join(two?.archiveDir ?? '', 'files/a'), 'changed');
    expect(readFileSync(join(one?.archiveDir ?? '', 'files/a'), 'utf8')).toBe('one');
  });

  test.each([
    ['an id that is none', 'd-lower'],
    ['its own id', 'd-TWO'],
    ['a deployment that is not here', 'd-GONE'],
  ])('a restart from %s downloads instead', async (_what, reuseArchiveFromDeploymentId) => {
    using scratch = scratchFolder();
    const { ctx, download } = await deployed(scratch);
    const { diagnostics } = await download({ deploymentId: 'd-TWO', reuseArchiveFromDeploymentId });
    expect(diagnostics.message).not.toContain('archive-reuse');
    expect(ctx.log.lines.some(({ message }) => message.includes('cannot be taken again'))).toBe(true);
  });

  test('a restart from a revision without its AppSpec file, or one that is a link out of the group, downloads instead', async () => {
    using scratch = scratchFolder();
    const { ctx, download } = await deployed(scratch);
    const { archiveDir } = deploymentPaths(ctx.rootDir, GROUP, 'd-ONE');
    renameSync(join(archiveDir, 'appspec.yml'), join(archiveDir, 'moved'));
    const again = { deploymentId: 'd-TWO', reuseArchiveFromDeploymentId: 'd-ONE' };
    expect((await download(again)).diagnostics.message).toBe('Succeeded: BundleSource=downloaded');
    renameSync(archiveDir, scratch.at('elsewhere'));
    symlinkSync(scratch.at('elsewhere'), archiveDir);
    expect((await download(again)).diagnostics.message).toBe('Succeeded: BundleSource=downloaded');
  });

  test('downloads where the configuration says so', async () => {
    using scratch = scratchFolder();
    const { download } = await deployed(scratch, { enableArchiveReuse: false });
    const { diagnostics } = await download({ deploymentId: 'd-TWO', reuseArchiveFromDeploymentId: 'd-ONE' });
    expect(diagnostics.message).toBe('Succeeded: BundleSource=downloaded');
  });
});
