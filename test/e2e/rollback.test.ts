import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { takeInstanceLock } from '../../src/system/instance-lock.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { testWith } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway, SLIPWAY } from '../support/slipway.ts';

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

  test('says that the host will differ from its group, and marks a revision whose stop script failed', async () => {
    using scratch = scratchFolder();
    const { deploy, page, configFile } = host(scratch);
    await deploy('one', { ApplicationStop: `test ! -e ${scratch.word('broken')}` });
    writeFileSync(scratch.at('broken'), '');
    expect(await deploy('two')).toMatchObject({ status: 1 });
    const list = () => runSlipway(['rollback', '--list', '--config-file', configFile]);
    expect((await list()).stdout).toMatch(/went well; its ApplicationStop failed later +installed now/);
    rmSync(scratch.at('broken'));
    expect(await deploy('two')).toMatchObject({ status: 0 });
    expect((await list()).stdout).not.toContain('failed');
    const back = await runSlipway(['rollback', '--yes', '--config-file', configFile]);
    expect(back.status).toBe(0);
    expect(back.stderr).toMatch(/only this host goes back; it will differ from its group .+\/Shop \(shop\)/);
    expect(page()).toBe('one');
  });

  test('after reset-group goes back past what is installed, and not to it', async () => {
    using scratch = scratchFolder();
    const { deploy, page, configFile } = host(scratch);
    await deploy('one');
    await deploy('two');
    await runSlipway(['reset-group', 'Shop', '--config-file', configFile]);
    expect(await runSlipway(['rollback', '--config-file', configFile])).toMatchObject({ status: 0 });
    expect(page()).toBe('one');
  });

  testWith('script')('asks whoever sits at a terminal, and changes nothing without a yes', async () => {
    using scratch = scratchFolder();
    const { deploy, page, configFile } = host(scratch);
    await deploy('one');
    await deploy('two');
    const words = [process.execPath, SLIPWAY, 'rollback', '--config-file', configFile];
    const command = words.map(quoteForShell).join(' ');
    const type = (input: string) =>
      execa('script', ['-qec', command, '/dev/null'], { input, reject: false, env: { TERM: 'dumb' } });
    for (const input of ['\n', 'n\n', '\x04']) {
      const refused = await type(input);
      expect(refused.stdout).toMatch(/\[y\/N\].*nothing was changed/s);
      expect(refused.exitCode).toBe(1);
      expect(page()).toBe('two');
    }
    expect((await type('y\n')).exitCode).toBe(0);
    expect(page()).toBe('one');
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
    expect(other.stderr).toMatch(/no deployment group of this host is called 'Other': .+\/Shop \(shop\)/);
  });
});

describe('slipway reset-group', () => {
  test('frees a host whose last revision cannot be stopped', async () => {
    using scratch = scratchFolder();
    const { deploy, page, configFile } = host(scratch);
    await deploy('stuck', { ApplicationStop: 'exit 3' });
    const held = await deploy('two');
    expect(held).toMatchObject({ status: 1 });
    expect(held.stderr).toContain('slipway reset-group id:shop');
    expect(await runSlipway(['reset-group', 'Shop', '--config-file', configFile])).toMatchObject({ status: 0 });
    expect(await deploy('two')).toMatchObject({ status: 0 });
    expect(page()).toBe('two');
  });

  test('is what the error of a stuck host prints, literally, also where the server’s name is another group’s id', async () => {
    using scratch = scratchFolder();
    const { deploy, page, configFile } = host(scratch);
    await deploy('stuck', { ApplicationStop: 'exit 3' });
    const other = writeRevision(scratch.at('other'), { destination: scratch.at('elsewhere'), files: { x: 'x' } });
    const clash = ['local', '--bundle-location', other, '-g', 'Shop', '-c', configFile];
    expect(await runSlipway(clash)).toMatchObject({ status: 0 });
    const held = await deploy('two');
    const [, printed = ''] = /run `slipway ([^`]+)`/.exec(held.stderr) ?? [];
    const typed = execFileSync('sh', ['-c', `printf '%s\\0' ${printed}`], { encoding: 'utf8' });
    expect(await runSlipway(typed.split('\0').slice(0, -1))).toMatchObject({ status: 0 });
    expect(await deploy('two')).toMatchObject({ status: 0 });
    expect(page()).toBe('two');
    const pointers = readdirSync(scratch.at('root/deployment-instructions'));
    expect(pointers).toContain('Shop_last_successful_install');

    const ambiguous = await runSlipway(['reset-group', 'Shop', '--config-file', configFile]);
    expect(ambiguous.status).toBe(2);
    expect(ambiguous.stderr).toMatch(
      /more than one deployment group of this host is called 'Shop': .*\(Shop\), .*\(shop\)/,
    );
  });

  test('knows groups that only the official agent has deployed to, by their ids', async () => {
    using scratch = scratchFolder();
    const { configFile } = host(scratch);
    const deployment = scratch.at('root/3f2a-official/d-OFFICIAL1');
    mkdirSync(join(deployment, 'deployment-archive'), { recursive: true });
    mkdirSync(scratch.at('root/deployment-instructions'));
    const pointer = scratch.at('root/deployment-instructions/3f2a-official_last_successful_install');
    writeFileSync(pointer, deployment);
    const byName = await runSlipway(['reset-group', 'production', '--config-file', configFile]);
    expect(byName).toMatchObject({ status: 2, stderr: expect.stringContaining('3f2a-official') });
    const status = await runSlipway(['status', '--config-file', configFile]);
    expect(status.stdout).toContain('3f2a-official: d-OFFICIAL1 is installed');
    const rollback = await runSlipway(['rollback', '--config-file', configFile]);
    expect(rollback.stderr).toContain('Only another tool has deployed to this group here');
    const reset = await runSlipway(['reset-group', '3f2a-official', '--config-file', configFile]);
    expect(reset).toMatchObject({ status: 0, stdout: expect.stringContaining(`forgot ${deployment}`) });
    expect(existsSync(pointer)).toBe(false);
  });

  test('slipway reset-group with --files makes what a group has installed nobody’s', async () => {
    using scratch = scratchFolder();
    const { deploy, configFile } = host(scratch);
    await deploy('one');
    const other = ['local', '--bundle-location', scratch.at('one'), '-g', 'anew', '-c', configFile];
    const blocked = await runSlipway(other);
    expect(blocked).toMatchObject({ status: 1, stderr: expect.stringContaining('/Shop (shop)') });
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
