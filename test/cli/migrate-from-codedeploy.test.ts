/** An official agent as its packages leave it, in a scratch root: taken over, and brought back. */
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { findOfficialAgent } from '../../src/cli/migration/facts.ts';
import { planMigration } from '../../src/cli/migration/plan.ts';
import { runCli } from '../../src/cli/program.ts';
import { capturedContext } from '../support/cli-context.ts';
import { describeWith } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type EnrolledHost, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';
import { treeOf } from '../support/tree.ts';

const GROUP = '1a2b3c4d-group';
const UNIT = (name: string) =>
  `[Unit]\nDescription=${name}\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n`;

type Version = '1.x' | '2.x' | 'bare';

/** The files of an installed official agent that has deployed once. `bare`: with nothing but its program, service and deployments. */
function officialRoot(scratch: ScratchFolder, version: Version): string {
  const root = scratch.at('root');
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(`${root}${path}`), { recursive: true });
    writeFileSync(`${root}${path}`, text);
    chmodSync(`${root}${path}`, mode);
  };
  put('/opt/codedeploy-agent/bin/codedeploy-agent', '#!/bin/sh\n', 0o755);
  put('/lib/systemd/system/codedeploy-agent.service', UNIT('AWS CodeDeploy Host Agent'));
  mkdirSync(`${root}/etc/systemd/system/multi-user.target.wants`, { recursive: true });
  symlinkSync(
    '/lib/systemd/system/codedeploy-agent.service',
    `${root}/etc/systemd/system/multi-user.target.wants/codedeploy-agent.service`,
  );
  put('/lib/systemd/system/slipway-agent.service', `${UNIT('slipway')}Alias=codedeploy-agent.service\n`);
  const deployment = `/opt/codedeploy-agent/deployment-root/${GROUP}/d-OLD`;
  put(`${deployment}/deployment-archive/appspec.yml`, 'version: 0.0\nos: linux\n');
  put(`/opt/codedeploy-agent/deployment-root/deployment-instructions/${GROUP}_last_successful_install`, deployment);
  mkdirSync(`${root}/opt/codedeploy-agent/deployment-root/ongoing-deployment`);
  if (version === 'bare') return root;
  put(
    '/opt/codedeploy-agent/.version',
    `agent_version: OFFICIAL_${version === '1.x' ? '1.8.1-2_deb' : '2.1.0-1_rpm'}\n`,
    0o444,
  );
  put('/etc/cron.d/codedeploy-agent-update', '@daily root /opt/codedeploy-agent/bin/install auto\n');
  const key = ':region: eu-central-1\n:iam_user_arn: arn:aws:iam::123456789012:user/web-1\n';
  const secret = ':aws_access_key_id: AKIDEXAMPLE\n:aws_secret_access_key: secret\n';
  put('/etc/codedeploy-agent/conf/codedeploy.onpremises.yml', key + secret, 0o600);
  const config =
    ':log_aws_wire: false\n:root_dir: /opt/codedeploy-agent/deployment-root\n:max_revisions: 7\n:user: deployer\n';
  if (version === '1.x') put('/opt/codedeploy-agent/conf/codedeployagent.yml', `---\n${config}`);
  else put('/etc/codedeploy-agent/conf/codedeployagent.yml', config);
  return root;
}

async function migrate(root: string, ...args: readonly string[]) {
  const ctx = capturedContext();
  const status = await runCli(['migrate-from-codedeploy', '--root', root, ...args], ctx);
  return { status, said: ctx.printed(), complained: ctx.complained() };
}

describeWith('systemctl')('an official agent', () => {
  test.each(['1.x', '2.x', 'bare'] as const)(
    'of version %s is taken over, and comes back with every file as it was',
    async (version) => {
      using scratch = scratchFolder();
      const root = officialRoot(scratch, version);
      const before = treeOf(root);
      const dry = await migrate(root, '--dry-run');
      expect(dry).toMatchObject({ status: 0, complained: '' });
      expect(dry.said).toContain('1 deployment group in ');
      expect(treeOf(root)).toEqual(before);

      expect(await migrate(root, '--yes')).toMatchObject({ status: 0, complained: '' });
      const wanted = `${root}/etc/systemd/system/multi-user.target.wants`;
      expect(existsSync(`${wanted}/codedeploy-agent.service`)).toBe(false);
      expect(Object.keys(treeOf(wanted))).toEqual(['slipway-agent.service']);
      if (version !== 'bare') {
        const config = readFileSync(`${root}/etc/codedeploy-agent/conf/codedeployagent.yml`, 'utf8');
        expect(config).toContain(':max_revisions: 7');
        expect(existsSync(`${root}/etc/cron.d/codedeploy-agent-update`)).toBe(false);
        const kept = treeOf(`${root}/etc/codedeploy-agent`);
        const secrets = Object.entries(kept).filter(([path]) => path.includes('onpremises'));
        expect(secrets.map(([, entry]) => entry.split(' ', 2).join(' '))).toEqual(['file 600', 'file 600']);
        expect(kept['before-slipway']).toBe('directory 700');
        // As the new agent writes its own, and a person the settings.
        chmodSync(`${root}/opt/codedeploy-agent/.version`, 0o644);
        writeFileSync(`${root}/opt/codedeploy-agent/.version`, 'agent_version: SLIPWAY_0.1.0\n');
      }
      const twice = await migrate(root, '--yes');
      expect(twice.complained).toContain('has been taken over already');

      expect(await migrate(root, '--undo', '--yes')).toMatchObject({ status: 0, complained: '' });
      const after = treeOf(root);
      for (const folder of ['etc/codedeploy-agent', 'etc/codedeploy-agent/conf'])
        if (!(folder in before)) delete after[folder];
      expect(after).toEqual(before);
      expect((await migrate(root, '--undo', '--yes')).complained).toContain('no official agent has been taken over');
    },
  );

  test('a host whose configuration was changed after the takeover keeps the change beside the old one', async () => {
    using scratch = scratchFolder();
    const root = officialRoot(scratch, '2.x');
    await migrate(root, '--yes');
    const file = `${root}/etc/codedeploy-agent/conf/codedeployagent.yml`;
    writeFileSync(file, 'deploy_control_endpoint: https://deploy.example.com:8400\n');
    await migrate(root, '--undo', '--yes');
    expect(readFileSync(file, 'utf8')).toContain(':max_revisions: 7');
    expect(readFileSync(`${file}.slipway`, 'utf8')).toContain('deploy.example.com');
  });
});

test('the plan names what will have no effect, what the service takes from its old name, and what was cut off', () => {
  using scratch = scratchFolder();
  const root = officialRoot(scratch, '2.x');
  mkdirSync(`${root}/etc/systemd/system/codedeploy-agent.service.d`);
  writeFileSync(`${root}/etc/systemd/system/codedeploy-agent.service.d/proxy.conf`, '[Service]\n');
  writeFileSync(`${root}/opt/codedeploy-agent/deployment-root/ongoing-deployment/d-CUT`, 'command');
  const agent = findOfficialAgent(root, Date.now());
  const { notes, found } = planMigration(agent, root);
  expect(found[0]).toMatch(
    /^official agent OFFICIAL_2\.1\.0-1_rpm, not running, with the service .*codedeploy-agent\.service$/,
  );
  expect(notes.join('\n')).toMatch(/the key 'user' has no effect in this agent/);
  expect(notes.join('\n')).toMatch(/proxy\.conf will change the new service, too/);
  expect(notes.join('\n')).toMatch(/d-CUT was cut off/);
  expect(() => planMigration({ ...agent, pid: 7 }, root)).toThrow('(PID 7) is in the middle of d-CUT');
});

test('nothing is done where there is no official agent, nobody agrees, or its configuration is broken', async () => {
  using scratch = scratchFolder();
  mkdirSync(scratch.at('empty'));
  expect((await migrate(scratch.at('empty'), '--yes')).complained).toContain('there is no official agent');
  const root = officialRoot(scratch, '2.x');
  const before = treeOf(root);
  expect((await migrate(root)).complained).toContain('nobody is at a terminal to agree');
  const asked = capturedContext({ ask: async () => 'no' });
  expect(await runCli(['migrate-from-codedeploy', '--root', root], asked)).toBe(0);
  expect(asked.complained()).toContain('nothing was changed');
  expect(treeOf(root)).toEqual(before);
  writeFileSync(`${root}/etc/codedeploy-agent/conf/codedeployagent.yml`, ':max_revisions: many\n');
  expect((await migrate(root, '--yes')).complained).toContain('max_revisions must be');
});

/** The kinds of AppSpec file that an old revision may have and that would fail a new one. */
const OLD_APPSPECS: Readonly<Record<string, string | null>> = {
  'no-yaml': 'version: 0.0\n\tos: linux\n',
  missing: null,
  'odd-hooks':
    'version: 0.0\nos: linux\nhooks:\n  ApplicationStart:\n    - location: gone.sh\n      timeout: soon\n  NoSuchEvent:\n    - location: x\n',
  twice:
    'version: 0.0\nos: linux\nhooks:\n  ApplicationStart:\n    - location: a\n  ApplicationStart:\n    - location: b\n',
};

/** Files that the official agent has left of a group that has deployed once, and its lock file, which is empty. */
function leaveOldDeployment(host: EnrolledHost, groupId: string, site: string, appSpec: string | null): void {
  const old = `${host.rootDir}/${groupId}/d-OLD`;
  const instructions = `${host.rootDir}/deployment-instructions`;
  for (const folder of [`${old}/deployment-archive`, instructions, site]) mkdirSync(folder, { recursive: true });
  if (appSpec !== null) writeFileSync(`${old}/deployment-archive/appspec.yml`, appSpec);
  for (const pointer of ['last_successful_install', 'most_recent_install']) {
    writeFileSync(`${instructions}/${groupId}_${pointer}`, `${old}\n`);
  }
  for (const name of ['a', 'gone']) writeFileSync(`${site}/${name}`, 'old');
  writeFileSync(`${instructions}/${groupId}-cleanup`, `${site}/a\n${site}/gone\n`);
}

test('the first deployment after a takeover goes through whatever the AppSpec file of the old revision holds', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  mkdirSync(scratch.at('host', 'state/.pid'), { recursive: true });
  writeFileSync(scratch.at('host', 'state/.pid/codedeploy-agent.pid.lock'), '');
  await using _agent = host.startAgent();
  const deployAfter = async (name: string, appSpec: string | null) => {
    const site = scratch.at('sites', name);
    const run = async (...args: readonly string[]) => {
      const done = await runSlipway(args, server.env);
      expect(done.status, `${args.join(' ')}: ${done.stdout}${done.stderr}`).toBe(0);
      return done.stdout;
    };
    await run('applications', 'create', name);
    await run('groups', 'create', 'test', '--application', name, '--tag', 'Role=test');
    const shown = JSON.parse(await run('groups', 'show', `${name}/test`, '--json')) as { deploymentGroupId: string };
    leaveOldDeployment(host, shown.deploymentGroupId, site, appSpec);
    const revision = writeRevision(scratch.at('revisions', name), { destination: site, files: { a: 'new' } });
    await run('deploy', revision, '--application', name, '--group', 'test');
    expect(readFileSync(`${site}/a`, 'utf8')).toBe('new');
    expect(existsSync(`${site}/gone`)).toBe(false);
  };
  await Promise.all(Object.entries(OLD_APPSPECS).map(([name, appSpec]) => deployAfter(name, appSpec)));
});
