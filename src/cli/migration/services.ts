/** The services of both agents, on this machine or in the file system of another one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { requireProgram } from '../../system/programs.ts';
import { requireSystemd, runForService } from '../service/run.ts';

export interface AgentServices {
  /** @throws SlipwayError where services cannot be changed; nothing is changed by it */
  require(): void;
  official(): Promise<{ readonly wasEnabled: boolean; readonly wasActive: boolean }>;
  stop(unit: string): Promise<void>;
  start(unit: string, also: { readonly enable: boolean; readonly now: boolean }): Promise<void>;
  /** Whether a package has brought the unit; else the command that installs the service writes it. */
  hasUnit(unit: string): boolean;
}

/** @param root not `/`: nothing of it runs here, so services are only enabled and disabled for its next start */
export function agentServices(root: string): AgentServices {
  const isHere = root === '/';
  const where = isHere ? [] : [`--root=${root}`];
  const ask = async (verb: string, unit: string) =>
    (await execa('systemctl', [...where, verb, unit], { reject: false, stdin: 'ignore' })).stdout.trim();
  return {
    require() {
      if (isHere) requireSystemd();
      else requireProgram('systemctl', process.env['PATH']);
    },
    official: async () => ({
      wasEnabled: /^enabled/.test(await ask('is-enabled', 'codedeploy-agent')),
      wasActive: isHere && (await ask('is-active', 'codedeploy-agent')) === 'active',
    }),
    async stop(unit) {
      // An older agent's script refuses to stop in the middle of a deployment; systemd waits for what its unit says.
      if (isHere) await runForService('systemctl', ['stop', unit]);
      await runForService('systemctl', [...where, 'disable', unit]);
      if (isHere) await runForService('systemctl', ['daemon-reload']);
    },
    async start(unit, { enable, now }) {
      if (enable) await runForService('systemctl', [...where, 'enable', unit]);
      if (isHere && now) await runForService('systemctl', ['start', '--no-block', unit]);
    },
    hasUnit: (unit) =>
      ['etc/systemd/system', 'lib/systemd/system', 'usr/lib/systemd/system'].some((folder) =>
        existsSync(join(root, folder, `${unit}.service`)),
      ),
  };
}
