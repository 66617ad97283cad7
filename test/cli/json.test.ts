/** The results of commands that work on this machine alone, as JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway, SLIPWAY } from '../support/slipway.ts';

function agentConfig(scratch: ScratchFolder): string {
  const file = scratch.at('agent.yml');
  writeFileSync(
    file,
    `log_dir: ${scratch.at('log')}\nroot_dir: ${scratch.at('root')}\npid_dir: ${scratch.at('pid')}\n`,
  );
  return file;
}

function objects(stdout: string): unknown[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

test('slipway local --json prints each event and the deployment, and so do rollback, whose advice runs as printed, and logs', async () => {
  using scratch = scratchFolder();
  const config = agentConfig(scratch);
  mkdirSync(scratch.at('bundle'));
  writeFileSync(scratch.at('bundle/say.sh'), '#!/bin/sh\necho said "$LIFECYCLE_EVENT"\n');
  const appSpec = (hooks: string) =>
    writeFileSync(scratch.at('bundle/appspec.yml'), `version: 0.0\nos: linux\nhooks:\n${hooks}`);
  const local = ['local', '-l', scratch.at('bundle'), '-c', config, '--json'];

  appSpec('  AfterInstall:\n    - location: say.sh\n');
  const done = await runSlipway(local);
  expect(done).toMatchObject({ status: 0, stderr: '' });
  const printed = objects(done.stdout);
  expect(printed[0]).toEqual({
    type: 'event',
    lifecycleEventName: 'BeforeBlockTraffic',
    status: 'Succeeded',
    durationMs: expect.any(Number),
    diagnostics: expect.objectContaining({ errorCode: 0 }),
  });
  expect(printed.at(-1)).toEqual({
    type: 'deployment',
    deploymentId: expect.stringMatching(/^d-/),
    status: 'Succeeded',
    deploymentDir: expect.stringContaining(scratch.at('root')),
    scriptsLog: expect.stringContaining('scripts.log'),
    failure: null,
  });

  appSpec('  AfterInstall:\n    - location: say.sh\n  ValidateService:\n    - location: none.sh\n');
  writeFileSync(scratch.at('bundle/none.sh'), '#!/bin/sh\nexit 3\n');
  const failed = await runSlipway(local);
  expect(failed).toMatchObject({ status: 1, stderr: '' });
  const failure = { lifecycleEventName: 'ValidateService', script: expect.stringMatching(/none\.sh$/) };
  expect(objects(failed.stdout).at(-1)).toMatchObject({ type: 'deployment', status: 'Failed', failure });

  const back = await runSlipway(['rollback', '--yes', '--json', '--config-file', config]);
  expect(back.status).toBe(0);
  expect(objects(back.stdout).at(-1)).toMatchObject({ type: 'deployment', status: 'Succeeded' });

  const none = await runSlipway(['rollback', '--yes', '--to', 'd-NONE', '--config-file', config]);
  const [, advised = ''] = /`slipway (rollback --list [^`]*)`/.exec(none.stderr) ?? [];
  // As a shell runs what was copied from there.
  const run = await execa('/bin/sh', ['-c', `"$0" "$1" ${advised} --json`, process.execPath, SLIPWAY]);
  expect(JSON.parse(run.stdout)).toMatchObject({ deployments: expect.any(Array) });

  const logs = await runSlipway(['logs', 'latest', '--json', '--config-file', config]);
  expect(objects(logs.stdout)).toContainEqual({
    source: expect.stringContaining('scripts.log'),
    line: expect.stringContaining('said AfterInstall'),
  });
});

test('slipway agent start, status, stop and install --print have their answers as JSON', async () => {
  using scratch = scratchFolder();
  const config = agentConfig(scratch);
  const ask = async (...args: string[]) => {
    const { status, stdout } = await runSlipway([...args, '--json', '--config-file', config]);
    return { status, answer: objects(stdout) };
  };
  const stopped = { state: 'stopped', pid: null, unit: null };
  expect(await ask('agent', 'status')).toEqual({ status: 3, answer: [stopped] });
  expect(await ask('agent', 'stop')).toEqual({ status: 0, answer: [stopped] });
  const printed = await ask('agent', 'install', '--print');
  expect(printed.answer).toEqual([{ unit: 'slipway-agent.service', text: expect.stringContaining('ExecStart=') }]);
  // Where it cannot be told, that is the answer.
  writeFileSync(scratch.at('pid'), '');
  const unknown = await ask('agent', 'status');
  expect(unknown).toMatchObject({ status: 4, answer: [{ state: 'unknown', pid: null, why: expect.any(String) }] });
});
