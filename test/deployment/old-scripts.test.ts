/** Yesterday's stop script must not hold a host for ever. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DeploymentContext } from '../../src/deployment/context.ts';
import { runCommand } from '../../src/deployment/run-command.ts';
import { deploymentContext, specificationOf } from '../support/deployment.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const run = (ctx: DeploymentContext, commandName: string, deploymentId: string, folder: string) =>
  runCommand(ctx, {
    hostCommandIdentifier: `${deploymentId}/${commandName}`,
    commandName,
    specification: specificationOf(folder, { deploymentId }),
  });

/** Deploys a revision whose ApplicationStop fails, and writes one whose own would work. */
async function stuckHost(scratch: ScratchFolder, applicationStop: DeploymentContext['applicationStop']) {
  const ctx = deploymentContext(scratch, { applicationStop });
  const destination = scratch.at('www');
  const old = writeRevision(scratch.at('old'), {
    destination,
    files: { 'index.html': 'old' },
    scripts: { ApplicationStop: 'echo cannot stop\nexit 7' },
  });
  const young = writeRevision(scratch.at('young'), {
    destination,
    files: { 'index.html': 'new' },
    scripts: { ApplicationStop: `touch ${scratch.word('stopped-by-new')}` },
  });
  for (const event of ['DownloadBundle', 'Install']) await run(ctx, event, 'd-OLD', old);
  return { ctx, young };
}

describe('ApplicationStop of the last revision that fails', () => {
  test('fails the event, and says whose script it is and what to do', async () => {
    using scratch = scratchFolder();
    const { ctx, young } = await stuckHost(scratch, 'fail');
    const { status, diagnostics } = await run(ctx, 'ApplicationStop', 'd-NEW', young);
    expect(status).toBe('Failed');
    expect(diagnostics).toMatchObject({ errorCode: 4, scriptName: 'scripts/ApplicationStop.sh' });
    expect(diagnostics.message).toContain('scripts of the last revision, d-OLD in ');
    expect(diagnostics.message).toContain(
      `run \`slipway reset-group id:group-id --config-file ${scratch.word('codedeployagent.yml')}\` on this host`,
    );
    expect(diagnostics.log).toContain('cannot stop');
  });

  test('is left to the new revision with application_stop: use-new also when the old AppSpec file is broken', async () => {
    using scratch = scratchFolder();
    const { ctx, young } = await stuckHost(scratch, 'use-new');
    writeFileSync(scratch.at('root/group-id/d-OLD/deployment-archive/appspec.yml'), '- nothing');
    expect(await run(ctx, 'ApplicationStop', 'd-NEW', young)).toMatchObject({ status: 'Succeeded' });
    expect(await run(ctx, 'DownloadBundle', 'd-NEW', young)).toMatchObject({ status: 'Succeeded' });
    expect(existsSync(scratch.at('stopped-by-new'))).toBe(true);
  });

  test('is a warning with application_stop: warn', async () => {
    using scratch = scratchFolder();
    const { ctx, young } = await stuckHost(scratch, 'warn');
    const { status, diagnostics } = await run(ctx, 'ApplicationStop', 'd-NEW', young);
    expect(status).toBe('Succeeded');
    expect(diagnostics.message).toContain('exit code 7');
    expect(ctx.log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('goes on') }),
    );
    expect(await run(ctx, 'DownloadBundle', 'd-NEW', young)).toMatchObject({ status: 'Succeeded' });
    expect(existsSync(scratch.at('stopped-by-new'))).toBe(false);
  });

  test('is made good by the new revision with application_stop: use-new, once', async () => {
    using scratch = scratchFolder();
    const { ctx, young } = await stuckHost(scratch, 'use-new');
    expect(await run(ctx, 'ApplicationStop', 'd-NEW', young)).toMatchObject({ status: 'Succeeded' });
    expect(existsSync(scratch.at('stopped-by-new'))).toBe(false);
    expect(await run(ctx, 'DownloadBundle', 'd-NEW', young)).toMatchObject({ status: 'Succeeded' });
    expect(existsSync(scratch.at('stopped-by-new'))).toBe(true);
    expect(existsSync(join(scratch.at('root/group-id/d-NEW'), '.application-stop-failed'))).toBe(false);
  });
});
