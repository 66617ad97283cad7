/** The agent as PID 1 of a container, where orphans are its to take leave of. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execaSync } from 'execa';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { testIf } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';
import { enrolHost, runSlipway, SLIPWAY, startControlServer } from '../support/slipway.ts';

const NAMESPACE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const canMakeOne = !execaSync('unshare', [...NAMESPACE, 'true'], { reject: false }).failed;

testIf(canMakeOne, 'rights to make a PID namespace')(
  'an agent that is the first process of its container says that zombies stay, and how to start it instead',
  async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const host = await enrolHost(server, scratch.at('host'), 'boxed');
    const agent = spawn(
      'unshare',
      [...NAMESPACE, process.execPath, SLIPWAY, 'agent', '--config-file', host.configFile],
      {
        env: { PATH: process.env['PATH'] },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    const exited = once(agent, 'exit');
    let log = '';
    agent.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    try {
      await eventually(() => log.includes('the agent is ready'));
      expect(log).toContain('the agent is the first process of its container');
      expect(log).toContain('docker run --init');
    } finally {
      agent.kill('SIGKILL');
      await exited;
    }
    expect((await runSlipway(['status', '--config-file', host.configFile])).stdout).toContain('does not run');
  },
);
