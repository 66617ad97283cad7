import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway } from '../support/slipway.ts';

/** A host with its configuration, and a revision that installs one file. @returns arguments that name the configuration */
function prepare(scratch: ScratchFolder, destination: string, revision = 'revision'): string[] {
  for (const folder of ['host/root', revision]) mkdirSync(scratch.at(folder), { recursive: true });
  const lines = [
    `root_dir: ${scratch.at('host/root')}`,
    `log_dir: ${scratch.at('host/log')}`,
    `on_premises_config_file: ${scratch.at('host/identity.yml')}`,
  ];
  writeFileSync(scratch.at('host/agent.yml'), lines.join('\n'));
  writeFileSync(scratch.at('host/identity.yml'), '{}');
  writeFileSync(scratch.at(revision, 'app.txt'), 'app');
  writeFileSync(
    scratch.at(revision, 'appspec.yml'),
    `version: 0.0\nos: linux\nfiles:\n  - source: app.txt\n    destination: ${scratch.at(destination)}\n`,
  );
  return ['--agent-configuration-file', scratch.at('host/agent.yml')];
}

describe('a destination in the agent’s own places', () => {
  test.each(['host/root/x', 'host/log', 'host/identity.yml'])(
    'is an error of validate --host, plan and local (%s)',
    async (to) => {
      using scratch = scratchFolder();
      const config = prepare(scratch, to);
      const validated = await runSlipway(['validate', scratch.at('revision'), '--host', ...config]);
      expect(validated).toMatchObject({ status: 1, stdout: expect.stringMatching(/appspec\.yml:5:.*agent’s own/) });
      const elsewhere = await runSlipway(['validate', scratch.at('revision'), ...config]);
      expect(elsewhere.status).toBe(0);
      const location = ['--bundle-location', scratch.at('revision'), ...config];
      const planned = await runSlipway(['plan', scratch.at('revision'), ...config, '--json']);
      expect(JSON.parse(planned.stdout)).toMatchObject({ outcome: 'impossible', problems: [{ rule: 'own-place' }] });
      const deployed = await runSlipway(['local', ...location]);
      expect(deployed.status).not.toBe(0);
      expect(deployed.stdout + deployed.stderr).toMatch(/agent’s own/);
    },
  );
});

describe('a folder that holds what is the agent’s', () => {
  test.each(['.', 'host', 'host/root'])('is no revision for plan and local (%s)', async (folder) => {
    using scratch = scratchFolder();
    const config = prepare(scratch, 'site', folder);
    for (const command of [['plan'], ['local', '--bundle-location']]) {
      const { status, stderr, stdout } = await runSlipway([...command, scratch.at(folder), ...config]);
      expect(status).not.toBe(0);
      expect(stdout + stderr).toContain('REVISION_IS_OWN');
    }
  });
});
