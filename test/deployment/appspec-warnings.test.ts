/** Warnings about an AppSpec file reach the people who look at a deployment's events, and not only those who validate. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { packBundle } from '../../src/archive/pack.ts';
import type { DeploymentContext } from '../../src/deployment/context.ts';
import { groupPointers, readPointer } from '../../src/deployment/layout.ts';
import { runCommand } from '../../src/deployment/run-command.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import type { DeploymentSpecification } from '../../src/protocol/specification.ts';
import { deploymentContext, specificationOf } from '../support/deployment.ts';
import { writeFiles } from '../support/install.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

async function run(
  ctx: DeploymentContext,
  specification: DeploymentSpecification,
  ...events: readonly string[]
): Promise<CommandOutcome[]> {
  const outcomes: CommandOutcome[] = [];
  for (const commandName of events) {
    outcomes.push(await runCommand(ctx, { hostCommandIdentifier: `h/${commandName}`, commandName, specification }));
  }
  return outcomes;
}

function revision(scratch: ScratchFolder, appSpec: string, files: Readonly<Record<string, string>>): string {
  writeFiles(scratch.at('revision'), files);
  writeFileSync(scratch.at('revision/appspec.yml'), `version: 0.0\nos: linux\n${appSpec}`);
  return scratch.at('revision');
}

const mapping = (scratch: ScratchFolder, source: string, destination: string) =>
  `files:\n  - source: ${source}\n    destination: ${scratch.at(destination)}\n`;

test('a key in the wrong place is told in the logs of DownloadBundle and of the Install that fails for it', async () => {
  using scratch = scratchFolder();
  const appSpec = `${mapping(scratch, 'site', 'www')}    overwrite: true\n`;
  const folder = revision(scratch, appSpec, { 'site/a': 'new' });
  writeFiles(scratch.at('www'), { a: 'old' });
  const [download, install] = await run(
    deploymentContext(scratch),
    specificationOf(folder),
    'DownloadBundle',
    'Install',
  );
  const line =
    "appspec.yml:6: warning: 'overwrite' is no key of an entry of files and is ignored: file_exists_behavior: OVERWRITE belongs at the top of the file";
  expect(download).toMatchObject({ status: 'Succeeded', diagnostics: { log: expect.stringContaining(line) } });
  expect(install).toMatchObject({
    status: 'Failed',
    diagnostics: {
      errorCode: 5,
      log: expect.stringContaining(line),
      message: expect.stringContaining('exists already'),
    },
  });
});

test('a revision with neither files nor scripts succeeds, and the event’s log says that it has nothing to do', async () => {
  using scratch = scratchFolder();
  const folder = revision(scratch, '', { 'site/a': 'new' });
  const [download] = await run(deploymentContext(scratch), specificationOf(folder), 'DownloadBundle');
  const line = 'appspec.yml: warning: appspec.yml has neither files nor scripts';
  expect(download).toMatchObject({ status: 'Succeeded', diagnostics: { log: expect.stringContaining(line) } });
});

test('a destination that is the file’s own name collides with that file, and the fault says what to write', async () => {
  for (const where of ['on the host', 'in the revision', 'in the revision, later'] as const) {
    using scratch = scratchFolder();
    const single = `  - source: index.html\n    destination: ${scratch.at('www/index.html')}\n`;
    const whole = `  - source: site\n    destination: ${scratch.at('www')}\n`;
    const entries = {
      'on the host': single,
      'in the revision': whole + single,
      'in the revision, later': single + whole,
    };
    const folder = revision(scratch, `files:\n${entries[where]}`, { 'index.html': 'new', 'site/index.html': 'other' });
    if (where === 'on the host') writeFiles(scratch.at('www'), { 'index.html': 'old' });
    const [, install] = await run(deploymentContext(scratch), specificationOf(folder), 'DownloadBundle', 'Install');
    expect(install?.diagnostics.message, where).toContain(
      `a destination is the folder that index.html goes into, so write ${scratch.at('www')}`,
    );
  }
});

test.each(['directory', 'tar', 'tgz', 'zip'] as const)(
  'a virtual environment goes through all events from a %s, is run by a script, and is there again after a rollback',
  async (kind) => {
    using scratch = scratchFolder();
    const hooks = 'hooks:\n  AfterInstall:\n    - location: scripts/check.sh\n';
    const folder = revision(scratch, `${mapping(scratch, 'app', 'www')}${hooks}`, {
      'app/venv/lib/python3/site.py': '',
      'app/venv/lib64': '->lib',
      'app/venv/bin/python': '->python3',
      'app/venv/bin/python3': '->/usr/bin/env',
      'app/node_modules/.bin/tool': '->../../../outside',
    });
    mkdirSync(`${folder}/scripts`);
    writeFileSync(`${folder}/scripts/check.sh`, `#!/bin/sh\n${scratch.word('www/venv/bin/python')} echo it runs\n`, {
      mode: 0o755,
    });
    const ctx = deploymentContext(scratch);
    const location = scratch.at('bundle');
    if (kind !== 'directory') await packBundle({ sourceDir: folder, bundleFile: location, bundleType: kind });
    const specification = specificationOf(
      folder,
      kind === 'directory' ? {} : { revision: { revisionType: 'Local File', location, bundleType: kind } },
    );
    const events = ['DownloadBundle', 'Install', 'AfterInstall'];
    const outcomes = await run(ctx, specification, ...events);
    expect(outcomes.map(({ status }) => status)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
    expect(outcomes[2]?.diagnostics.log).toContain('it runs');
    expect(treeOf(scratch.at('www'))).toEqual(treeOf(`${folder}/app`));

    // Back to it by way of what is kept on the host, after something else was there.
    const kept = readPointer(groupPointers(ctx.rootDir, 'group-id').lastSuccessful);
    symlinkSync('/etc', `${folder}/app/venv/extra`);
    await run(ctx, specificationOf(folder, { deploymentId: 'd-TWO' }), ...events);
    const again = specificationOf(`${kept}/deployment-archive`, { deploymentId: 'd-BACK' });
    const back = await run(ctx, again, ...events);
    expect(back.map(({ status }) => status)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
    expect(Object.keys(treeOf(scratch.at('www')))).not.toContain('venv/extra');
    expect(treeOf(scratch.at('www/venv'))).toMatchObject({ 'bin/python3': '-> /usr/bin/env', lib64: '-> lib' });
  },
);
