/** Settings of the official agents whose effect only a real agent shows. */
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { loadAgentConfig } from '../../src/config/agent-config.ts';
import { parseCoreLimit } from '../../src/system/core-dumps.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { eventually } from '../support/eventually.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

// A dozen processes start; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

test('a wire log, folders closed to others, no core dumps of agent and scripts, and the usual umask for these', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  const profile = scratch.at('profile');
  writeFileSync(profile, 'JAVA_HOME=/opt/java\n');
  const settings = ['log_aws_wire: true', 'restrict_agent_dir_permissions: true', `hook_profile: ${profile}`];
  appendFileSync(host.configFile, `${settings.join('\n')}\n`);
  await runSlipway(['applications', 'create', 'site'], server.env);
  await runSlipway(['groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test'], server.env);
  const said = scratch.at('limit');
  const revision = writeRevision(scratch.at('one'), {
    destination: scratch.at('site'),
    files: { 'index.html': 'one' },
    scripts: {
      AfterInstall: `{ ulimit -c; umask; echo "$JAVA_HOME $DEPLOYMENT_GROUP_NAME"; } > ${quoteForShell(said)}`,
    },
  });
  // As from the shell of somebody who is careful.
  const before = process.umask(0o027);
  await using agent = host.startAgent();
  process.umask(before);
  const deployed = await runSlipway(['deploy', revision, '--application', 'site', '--group', 'test'], server.env);
  expect(deployed, agent.log()).toMatchObject({ status: 0 });

  expect(parseCoreLimit(readFileSync(`/proc/${agent.pid}/limits`, 'utf8'))?.soft).toBe('0');
  expect(readFileSync(said, 'utf8')).toBe('0\n0022\n/opt/java test\n');
  expect(statSync(host.rootDir).mode & 0o777).toBe(0o711);

  const { logDir } = loadAgentConfig(host.configFile).config;
  const file = join(logDir, 'codedeploy-agent.aws_wire.log');
  await eventually(() => existsSync(file) && readFileSync(file, 'utf8').includes('"CommandStatus":"Succeeded"'));
  const text = readFileSync(file, 'utf8');
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(text).toContain('> x-amz-target: CodeDeployCommandService_v20141006.PutHostCommandComplete');
  expect(text).toMatch(/^\S+ GET http:\/\/127\.0\.0\.1:\d+\/revisions\/\S+ \(\d+ ms\)$/m);
  expect(text).toContain('Signature=[hidden]');
  expect(text).not.toMatch(/Signature=[0-9a-f]|BEGIN PKCS7/);
});
