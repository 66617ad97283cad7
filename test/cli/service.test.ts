import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { environmentTemplate } from '../../src/cli/service/environment-file.ts';
import { unitForThisMachine } from '../../src/cli/service/install.ts';
import { startStateOf } from '../../src/cli/service/start.ts';
import { quoteWord, renderUnit } from '../../src/cli/service/unit.ts';
import { AGENT_CONFIG_KEYS } from '../../src/config/agent-keys.ts';
import { capturedContext } from '../support/cli-context.ts';
import { testWith } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';
import { runSlipway, SLIPWAY } from '../support/slipway.ts';

describe('the units', () => {
  test('words that systemd would read otherwise are quoted', () => {
    expect(quoteWord('/usr/bin/node')).toBe('/usr/bin/node');
    expect(quoteWord('/opt/my apps/50%/$x')).toBe('"/opt/my apps/50%%/$$x"');
    expect(quoteWord('a"b\\c')).toBe('"a\\"b\\\\c"');
  });

  test('ExecStart is replaced literally, whatever the path holds', () => {
    const unit = renderUnit('[Service]\nExecStart=/usr/bin/slipway agent\nRestart=always\n', {
      execStart: ['/a b', '$&c'],
    });
    expect(unit).toBe('[Service]\nExecStart="/a b" "$$&c"\nRestart=always\n');
  });

  testWith('systemd-analyze')('are clean to systemd-analyze verify', async () => {
    using scratch = scratchFolder();
    for (const name of ['slipway-agent', 'slipway-server'] as const) {
      const unit = unitForThisMachine({
        name,
        args: [name.replace('slipway-', '')],
        user: null,
        hiddenFolders: [],
        environmentFile: null,
      });
      const file = scratch.at(`${name}.service`);
      writeFileSync(file, unit);
      const verified = await execa('systemd-analyze', ['verify', file], { reject: false, all: true });
      expect(verified.all.split('\n').filter((line) => line.includes(name))).toEqual([]);
    }
  });

  testWith('systemd-analyze')('are clean to systemd-analyze verify wherever the program is', async () => {
    using scratch = scratchFolder();
    for (const folder of ['my apps', "it's here", 'a "name"', 'back\\slash', '50%', '$HOME']) {
      mkdirSync(scratch.at(folder));
      symlinkSync(process.execPath, scratch.at(folder, 'node'));
      const file = scratch.at('slipway-test.service');
      const execStart = [scratch.at(folder, 'node'), 'a "word"'];
      writeFileSync(file, renderUnit('[Service]\nExecStart=/usr/bin/slipway agent\n', { execStart }));
      const verified = await execa('systemd-analyze', ['verify', file], { reject: false, all: true });
      expect(verified.all.split('\n').filter((line) => line.includes('slipway-test.service'))).toEqual([]);
    }
  });

  test('install --print shows the unit for this machine and changes nothing', async () => {
    const printed = await runSlipway(['agent', 'install', '--print', '--config-file', '/etc/my agent.yml']);
    expect(printed.status).toBe(0);
    const program = [process.execPath, realpathSync(SLIPWAY)].map(quoteWord).join(' ');
    expect(printed.stdout).toMatch(/^ExecStart=/m);
    expect(printed.stdout).toContain(`${program} agent --config-file "/etc/my agent.yml"\n`);
    const relative = await runSlipway(['agent', 'install', '--print', '--config-file', 'agent.yml']);
    expect(relative.stdout).toContain(` agent --config-file ${quoteWord(join(process.cwd(), 'agent.yml'))}\n`);
    expect((await runSlipway(['server', 'install', '--print'])).stdout).toContain('Type=notify');
  });

  test.each([
    ['is ready', { ActiveState: 'active', SubState: 'running', MainPID: '7' }, { state: 'ready', pid: 7 }],
    ['still starts', { ActiveState: 'activating', SubState: 'start', MainPID: '7' }, { state: 'starting', pid: 7 }],
    [
      'waits to be restarted',
      { ActiveState: 'activating', SubState: 'auto-restart', MainPID: '0', Result: 'exit-code', ExecMainStatus: '78' },
      { state: 'failed', why: 'exit-code, exit status 78' },
    ],
    [
      'has failed',
      { ActiveState: 'failed', SubState: 'failed', MainPID: '0', Result: 'timeout', ExecMainStatus: '0' },
      { state: 'failed', why: 'timeout' },
    ],
    [
      'has ended at once',
      { ActiveState: 'inactive', SubState: 'dead', Result: 'success' },
      { state: 'failed', why: 'success' },
    ],
  ])('a service that %s is told apart', (_, properties, expected) => {
    expect(startStateOf(properties)).toEqual(expected);
  });

  test('the template of settings names every variable of the server, commented out', async () => {
    const program = await buildProgram(capturedContext(), () => undefined, 'server');
    const server = program.commands.find((command) => command.name() === 'server');
    const template = environmentTemplate('slipway-server', server?.options ?? []);
    expect(template).toContain('#SLIPWAY_LISTEN=127.0.0.1:8400\n');
    for (const { envVar } of server?.options ?? []) if (envVar !== undefined) expect(template).toContain(`#${envVar}=`);
    expect(template.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });

  test('a stop has the time that the agent’s default gives to running commands', () => {
    const agent = {
      name: 'slipway-agent',
      args: ['agent'],
      user: null,
      hiddenFolders: [],
      environmentFile: null,
    } as const;
    const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(unitForThisMachine(agent)) ?? [];
    const { default: waits } = AGENT_CONFIG_KEYS.find(({ key }) => key === 'kill_agent_max_wait_time_seconds') ?? {};
    expect(Number(seconds)).toBeGreaterThan(Number(waits));
  });
});
