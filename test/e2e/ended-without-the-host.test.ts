/** Deployments that end without their host: it is taken out, its deployment is stopped now, or its agent is gone, all during a hook. */
import { closeSync, constants, existsSync, openSync, writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, type Daemon, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

// Several processes start in each; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

interface Ground extends AsyncDisposable {
  readonly server: ControlServer;
  readonly agent: Daemon;
  readonly deploymentId: string;
  /** Lets the script go on, which then succeeds. */
  openGate(): void;
  status(): Promise<string | undefined>;
  hookEvent(): Promise<{ readonly status?: string | undefined; readonly message: string }>;
}

/** A deployment whose script of BeforeInstall runs and waits. */
async function duringHook(scratch: ScratchFolder): Promise<Ground> {
  const server = await startControlServer(scratch.at('server'));
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  await runSlipway(['applications', 'create', 'site'], server.env);
  await runSlipway(['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test'], server.env);
  const gate = scratch.at('gate');
  const word = scratch.word('gate');
  const revision = writeRevision(scratch.at('one'), {
    destination: scratch.at('site'),
    files: { 'index.html': 'one' },
    scripts: { BeforeInstall: `mkfifo ${word}.new\nmv ${word}.new ${word}\nread line < ${word}` },
  });
  const agent = host.startAgent();
  const target = ['--application', 'site', '--group', 'test', '--no-follow'];
  const deploymentId = (await runSlipway(['deploy', revision, ...target], server.env)).stdout.trim();
  await eventually(() => existsSync(gate));
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  const admin = managementClient(server.url, { accessKeyId, secretAccessKey });
  return {
    ...{ server, agent, deploymentId },
    openGate: () => writeFileSync(gate, 'go on\n'),
    status: async () => (await admin.call('GetDeployment', { deploymentId })).deploymentInfo?.status,
    async hookEvent() {
      const { deploymentTarget } = await admin.call('GetDeploymentTarget', { deploymentId, targetId: 'web-1' });
      const events = deploymentTarget?.instanceTarget?.lifecycleEvents ?? [];
      const event = events.find(({ lifecycleEventName }) => lifecycleEventName === 'BeforeInstall');
      return { status: event?.status, message: event?.diagnostics?.message ?? '' };
    },
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function hasReader(pipe: string): boolean {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}

test('a host that is deregistered during a hook ends its deployment at once, and its report afterwards changes nothing', async () => {
  using scratch = scratchFolder();
  await using ground = await duringHook(scratch);
  const gone = await runSlipway(['hosts', 'deregister', 'web-1'], ground.server.env);
  expect(gone).toMatchObject({ status: 0 });
  expect(await ground.status()).toBe('Failed');
  const ended = await ground.hookEvent();
  expect(ended).toMatchObject({ status: 'Failed', message: expect.stringContaining('deregistered') });
  ground.openGate();
  await eventually(() => ground.agent.log().includes('was disabled on'));
  expect(await ground.hookEvent()).toEqual(ended);
  expect(existsSync(scratch.at('site', 'index.html'))).toBe(false);
});

test('stop --now during a hook ends the deployment at once, and the late report of its agent is kept and changes nothing', async () => {
  using scratch = scratchFolder();
  await using ground = await duringHook(scratch);
  const stop = ['deployments', 'stop', ground.deploymentId, '--now'];
  expect(await runSlipway(stop, ground.server.env)).toMatchObject({ status: 0 });
  expect(await ground.status()).toBe('Stopped');
  expect(await ground.hookEvent()).toMatchObject({ status: 'Failed' });
  ground.openGate();
  await eventually(async () => (await ground.hookEvent()).message.includes('Too late'));
  expect(await ground.hookEvent()).toMatchObject({ status: 'Failed', message: expect.stringContaining('Succeeded') });
  expect(await ground.status()).toBe('Stopped');
  expect(existsSync(scratch.at('site', 'index.html'))).toBe(false);
});

test('an agent that is killed during a hook and does not come back is waited for as long as show says, or until stop --now', async () => {
  using scratch = scratchFolder();
  await using ground = await duringHook(scratch);
  ground.agent.kill('SIGKILL');
  await ground.agent.exited;
  expect(await ground.status()).toBe('InProgress');
  const shown = await runSlipway(['deployments', 'show', ground.deploymentId], ground.server.env);
  expect(shown.stdout).toMatch(/BeforeInstall/);
  expect(shown.stdout).toMatch(
    /waiting for web-1: BeforeInstall, running since .*; is given up at .* unless it is heard of/,
  );
  const stop = ['deployments', 'stop', ground.deploymentId, '--now'];
  expect(await runSlipway(stop, ground.server.env)).toMatchObject({ status: 0 });
  expect(await ground.status()).toBe('Stopped');
  // Whoever carried the command out has ended the script and gone, too.
  await eventually(() => !hasReader(scratch.at('gate')));
});
