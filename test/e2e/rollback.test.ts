/** Back and forth on one host with no server, through the real command line. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { takeInstanceLock } from '../../src/system/instance-lock.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway } from '../support/slipway.ts';

interface Host {
  readonly page: () => string;
  readonly configFile: string;
  deploy(name: string, scripts?: Record<string, string>): Promise<Awaited<ReturnType<typeof runSlipway>>>;
}

function host(scratch: ScratchFolder): Host {
  const configFile = scratch.at('codedeployagent.yml');
  writeFileSync(configFile, `root_dir: ${scratch.at('root')}\nlog_dir: ${scratch.at('log')}\n`);
  const destination = scratch.at('www');
  return {
    configFile,
    page: () => readFileSync(join(destination, 'index.html'), 'utf8'),
    deploy(name, scripts = {}) {
      const folder = writeRevision(scratch.at(name), { destination, files: { 'index.html': name }, scripts });
      return runSlipway(['local', '--bundle-location', folder, '-g', 'shop', '-d', 'Shop', '-c', configFile]);
    },
  };
}

interface Listed {
  readonly deployments: readonly { deploymentId: string; failedEvent: string | null; isCurrent: boolean }[];
}

describe('slipway rollback', () => {
  test('goes back to the newest revision that went well, past one that did not, and forth again', async () => {
    using scratch = scratchFolder();
    const { deploy, page, configFile } = host(scratch);
    expect(await deploy('one')).toMatchObject({ status: 0 });
    expect(await deploy('bad', { ValidateService: 'exit 1' })).toMatchObject({ status: 1 });
    expect(await deploy('three')).toMatchObject({ status: 0 });
    expect(page()).toBe('three');

    const back = await runSlipway(['rollback', '--config-file', configFile]);
    expect(back).toMatchObject({ status: 0 });
    expect(back.stdout).toContain('rolling back to the revision of d-');
    expect(page()).toBe('one');

    const listed = await runSlipway(['rollback', '--list', '--json', '--config-file', configFile]);
    const { deployments } = JSON.parse(listed.stdout) as Listed;
    expect(deployments.map(({ failedEvent, isCurrent }) => [failedEvent, isCurrent])).toEqual([
      [null, true],
      [null, false],
      ['ValidateService', false],
      [null, false],
    ]);
    const three = deployments[1]?.deploymentId ?? '';
    expect(await runSlipway(['rollback', '--to', three, '--config-file', configFile])).toMatchObject({ status: 0 });
    expect(page()).toBe('three');
  });

  test('says what there is when nothing can be gone back to, and changes nothing', async () => {
    using scratch = scratchFolder();
    const { deploy, configFile } = host(scratch);
    const nowhere = await runSlipway(['rollback', '--config-file', configFile]);
    expect(nowhere.status).not.toBe(0);
    expect(nowhere.stderr).toMatch(/nothing was ever installed for a deployment group below .*\n.*--config-file/);
    await deploy('one');
    const first = await runSlipway(['rollback', '--group', 'Shop', '--config-file', configFile]);
    expect(first.stderr).toContain('no earlier revision');
    const other = await runSlipway(['rollback', '--group', 'Other', '--config-file', configFile]);
    expect(other.stderr).toContain("no deployment group of this host is called 'Other': Shop (shop)");
  });
});

describe('slipway reset-group', () => {
  test('frees a host whose last revision cannot be stopped', async () => {
    using scratch = scratchFolder();
    const { deploy, page, configFile } = host(scratch);
    await deploy('stuck', { ApplicationStop: 'exit 3' });
    const held = await deploy('two');
    expect(held).toMatchObject({ status: 1 });
    expect(held.stderr).toContain('slipway reset-group Shop');
    expect(await runSlipway(['reset-group', 'Shop', '--config-file', configFile])).toMatchObject({ status: 0 });
    expect(await deploy('two')).toMatchObject({ status: 0 });
    expect(page()).toBe('two');
  });

  test('with --files lets another group have what this one has installed', async () => {
    using scratch = scratchFolder();
    const { deploy, configFile } = host(scratch);
    await deploy('one');
    const other = ['local', '--bundle-location', scratch.at('one'), '-g', 'anew', '-b', 'OVERWRITE', '-c', configFile];
    const blocked = await runSlipway(other);
    expect(blocked).toMatchObject({ status: 1, stderr: expect.stringContaining('shop') });
    const reset = await runSlipway(['reset-group', 'shop', '--files', '--config-file', configFile]);
    expect(reset).toMatchObject({ status: 0 });
    expect(await runSlipway(other)).toMatchObject({ status: 0 });
  });

  test('waits for nobody: while somebody deploys in the group it is refused, naming the process', async () => {
    using scratch = scratchFolder();
    const { deploy, configFile } = host(scratch);
    await deploy('one');
    const lock = takeInstanceLock(scratch.at('root/.slipway/locks/shop'), () => {
      throw new Error('nobody else has it');
    });
    const refused = await runSlipway(['reset-group', 'shop', '--config-file', configFile]);
    lock.release();
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(`process ${process.pid} (`);
  });
});
