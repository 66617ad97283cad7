/** `slipway register` on a host whose package has brought a configuration that sets nothing yet. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { scratchFolder } from '../support/scratch.ts';
import { runSlipway, startControlServer } from '../support/slipway.ts';

const TEMPLATE = '# Configuration of the agent\n\n# how many revisions are kept\n#max_revisions: 5\n';

test('a host keeps the comments of a configuration that sets nothing, and settings of a person stand in the way', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const register = (name: string, env: Readonly<Record<string, string>> = server.env) => {
    const folders = ['--config-dir', scratch.at(name), '--state-dir', scratch.at('state')];
    return runSlipway(['register', '--instance-name', name, ...folders], env);
  };
  const put = (name: string, text: string) => {
    mkdirSync(scratch.at(name));
    writeFileSync(scratch.at(name, 'codedeployagent.yml'), text);
  };
  const configOf = (name: string) => readFileSync(scratch.at(name, 'codedeployagent.yml'), 'utf8');

  put('web-1', TEMPLATE);
  expect(await register('web-1')).toMatchObject({ status: 0, stderr: '' });
  expect(configOf('web-1').startsWith(TEMPLATE)).toBe(true);
  expect(parse(configOf('web-1'))).toMatchObject({ deploy_control_endpoint: server.url });

  put('web-2', `${TEMPLATE}max_revisions: 3\n`);
  const refused = await register('web-2');
  expect([refused.status === 0, refused.stderr]).toEqual([false, expect.stringContaining('CLI_FILE_EXISTS')]);

  put('web-3', TEMPLATE);
  const unreachable = await register('web-3', { ...server.env, SLIPWAY_ENDPOINT_URL: 'http://127.0.0.1:1' });
  expect(unreachable.status).not.toBe(0);
  expect([configOf('web-3'), readdirSync(scratch.at('web-3'))]).toEqual([TEMPLATE, ['codedeployagent.yml']]);
  expect(existsSync(scratch.at('state'))).toBe(false);
});
