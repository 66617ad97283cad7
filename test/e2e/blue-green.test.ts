/** A blue/green deployment with real agents, and a load balancer behind a script; and its way back. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { type Daemon, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

// Several processes start; a busy machine takes its time.
vi.setConfig({ testTimeout: 180_000 });

test('traffic goes to the replacement host when it is continued, and back when it is stopped with a rollback', async () => {
  using scratch = scratchFolder();
  const [script, calls, file] = [scratch.at('balancer.sh'), scratch.at('calls'), scratch.at('balancers.json')];
  writeFileSync(script, `#!/bin/sh\necho "$1 $SLIPWAY_HOST" >> ${scratch.word('calls')}\n`, { mode: 0o755 });
  writeFileSync(file, JSON.stringify({ front: { kind: 'script', command: [script] } }));
  await using server = await startControlServer(scratch.at('server'), undefined, ['--load-balancers', file]);
  const slipway = async (...args: readonly string[]) => {
    const { status, stdout, stderr } = await runSlipway(args, server.env);
    if (status !== 0) throw new Error(`slipway ${args.join(' ')}: exit ${status}\n${stdout}${stderr}`);
    return stdout;
  };
  const agents: Daemon[] = [];
  try {
    for (const [name, tag] of [
      ['old', 'Fleet=a'],
      ['new', 'Fleet=b'],
    ] as const) {
      agents.push((await enrolHost(server, scratch.at(name), name, tag)).startAgent());
    }
    await slipway('applications', 'create', 'site');
    await slipway(
      ...['groups', 'create', 'web', '--application', 'site', '--tag', 'Fleet=a', '--load-balancers', 'front'],
      ...['--blue-green', '--ready-wait', '30', '--original', 'terminate', '--termination-wait', '30'],
    );
    const revision = writeRevision(scratch.at('one'), {
      destination: scratch.at('site'),
      files: { 'index.html': 'one' },
      scripts: { BeforeAllowTraffic: `echo allow >> ${scratch.word('hooks')}` },
    });
    const target = ['--application', 'site', '--group', 'web', '--no-follow'];
    const id = (await slipway('deploy', revision, ...target, '--green-tag', 'Fleet=b')).trim();
    const show = () => slipway('deployments', 'show', id);
    await eventually(async () => (await show()).includes(`${id}: Ready`));
    expect(await show()).toContain('waits for ContinueDeployment');
    expect(readFileSync(scratch.at('site/index.html'), 'utf8')).toBe('one');
    expect(existsSync(calls)).toBe(false);

    await slipway('deployments', 'continue', id);
    await eventually(async () => (await show()).includes('Traffic is rerouted'));
    expect(readFileSync(calls, 'utf8')).toBe('allow new\nblock old\n');
    expect(readFileSync(scratch.at('hooks'), 'utf8')).toBe('allow\n');
    expect(await show()).toMatch(/new +Green +Succeeded/);
    expect(await show()).toMatch(/old +Blue +Succeeded/);

    await slipway('deployments', 'stop', id, '--rollback');
    const listed = async () =>
      JSON.parse(await slipway('deployments', 'list', '--json')) as { creator?: string; status?: string }[];
    await eventually(async () => (await listed())[0]?.status === 'Succeeded');
    expect((await listed()).map(({ creator, status }) => [creator, status])).toEqual([
      ['codeDeployRollback', 'Succeeded'],
      ['user', 'Stopped'],
    ]);
    expect(readFileSync(calls, 'utf8')).toBe('allow new\nblock old\nallow old\nblock new\n');
    expect(await slipway('groups', 'show', 'site/web')).toMatch(/hosts +Fleet=a/);

    // Again, to its end: the group is the other fleet then.
    const second = (await slipway('deploy', revision, ...target, '--green-tag', 'Fleet=b')).trim();
    for (const [flags, said] of [
      [[], `${second}: Ready`],
      [['--termination'], 'Traffic is rerouted'],
    ] as const) {
      await eventually(async () => (await slipway('deployments', 'show', second)).includes(said));
      await slipway('deployments', 'continue', second, ...flags);
    }
    expect(await slipway('deployments', 'follow', second)).toContain('terminates no instances');
    expect(await slipway('groups', 'show', 'site/web')).toMatch(/hosts +Fleet=b/);
  } finally {
    for (const agent of agents) await agent[Symbol.asyncDispose]();
  }
});
