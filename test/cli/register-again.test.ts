import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type HostSettings, keptNames, withHostSettings } from '../../src/cli/host-configuration.ts';
import { hostFilesIn, hostSettings } from '../../src/cli/host-files.ts';
import { AGENT_CONFIG_KEYS } from '../../src/config/agent-keys.ts';
import { recordingProxy } from '../support/recording-proxy.ts';
import { scratchFolder } from '../support/scratch.ts';
import { enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

const settings: HostSettings = {
  decided: { deploy_control_endpoint: 'http://new', ca_file: null },
  proposed: { wait_between_runs: 1 },
};

describe('enrolling a host again', () => {
  test('keeps every key that enrolment does not decide, and replaces those that it decides', () => {
    const decided = ['deploy_control_endpoint', 'ca_file'];
    const names = AGENT_CONFIG_KEYS.map(({ key }) => key).filter((key) => !decided.includes(key));
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.string(), fc.integer(), fc.boolean())),
        fc.subarray(decided),
        fc.boolean(),
        (others, old, isRuby) => {
          const before = { ...Object.fromEntries(old.map((name) => [name, 'old'])), ...others };
          const spelled = Object.fromEntries(
            Object.entries(before).map(([name, value]) => [isRuby ? `:${name}` : name, value]),
          );
          const after = parse(withHostSettings(stringify(spelled), settings)) as Record<string, unknown>;
          const read = Object.fromEntries(
            Object.entries(after).map(([name, value]) => [name.replace(/^:/, ''), value]),
          );
          expect(read).toEqual({ wait_between_runs: 1, ...others, deploy_control_endpoint: 'http://new' });
          expect(keptNames(stringify(spelled), settings).sort()).toEqual(Object.keys(others).sort());
        },
      ),
    );
  });

  test('keeps comments, and the way in which the official agents write keys', () => {
    const text = '# ours\n:max_revisions: 3 # little room\n:deploy_control_endpoint: http://old\n';
    expect(withHostSettings(text, settings)).toBe(
      '# ours\n:max_revisions: 3 # little room\n:deploy_control_endpoint: http://new\nwait_between_runs: 1\n',
    );
  });

  test('leaves one value where a key stands twice, in two spellings', () => {
    const text = ':deploy_control_endpoint: http://one\ndeploy_control_endpoint: http://two\n';
    expect(parse(withHostSettings(text, settings))).toEqual({
      ':deploy_control_endpoint': 'http://new',
      wait_between_runs: 1,
    });
  });

  test.each([
    ['an authority that the operator has named', '/etc/ssl/ours.pem', '/etc/ssl/ours.pem'],
    ['no authority of the server before', '/conf/slipway-ca.pem', undefined],
  ])('keeps %s where the new server needs none', (_, before, after) => {
    const identity = {
      ...{ hostArn: 'arn', accessKeyId: 'AK', secretAccessKey: 'secret', s3Endpoint: 'http://s3' },
      ...{ signerCaCertificatePem: 'PEM', signsOrders: true, authorities: null },
    };
    const text = `ca_file: ${before}\n`;
    const given = hostSettings(hostFilesIn('/conf'), identity, { endpoint: 'http://new', stateDir: null }, text);
    expect((parse(withHostSettings(text, given)) as { ca_file?: string }).ca_file).toBe(after);
  });

  test('register --force keeps the operator’s keys and names them, and a configuration that is no YAML stops it before the server hears of it', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const { configFile } = await enrolHost(server, scratch.at('host'), 'web-1');
    const first = readFileSync(configFile, 'utf8');
    const ownKeys = { proxy_uri: 'http://proxy.example:3128', max_revisions: 2, wait_between_runs: 7 };
    const { root_dir } = parse(first) as { root_dir: string };
    writeFileSync(configFile, stringify({ ...(parse(first) as object), ...ownKeys, demand_signed_orders: false }));
    const again = ['register', '--force', '--instance-name', 'web-1', '--config-dir', dirname(configFile)];
    const keyBefore = readFileSync(join(dirname(configFile), 'codedeploy.onpremises.yml'), 'utf8');

    const { status, stdout } = await runSlipway([...again, '--json'], server.env);
    expect(status).toBe(0);
    expect(parse(readFileSync(configFile, 'utf8'))).toEqual({ ...(parse(first) as object), ...ownKeys });
    expect((JSON.parse(stdout) as { kept: string[] }).kept).toEqual(
      expect.arrayContaining(['proxy_uri', 'max_revisions', 'wait_between_runs', 'root_dir']),
    );
    expect(readFileSync(join(dirname(configFile), 'codedeploy.onpremises.yml'), 'utf8')).not.toBe(keyBefore);

    const elsewhere = await runSlipway([...again, '--state-dir', scratch.at('moved')], server.env);
    expect(elsewhere.status).toBe(0);
    expect(parse(readFileSync(configFile, 'utf8'))).toMatchObject({
      ...ownKeys,
      root_dir: scratch.at('moved/deployment-root'),
    });
    expect(root_dir).not.toContain('moved');

    writeFileSync(configFile, 'root_dir: [\n');
    const keys = async () => (await runSlipway(['keys', 'list', '--json'], server.env)).stdout;
    const keysBefore = await keys();
    const refused = await runSlipway(again, server.env);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(`${configFile}:`);
    expect(await keys()).toBe(keysBefore);
    expect(existsSync(configFile)).toBe(true);
  });
});

describe('an enrolment that fails', () => {
  const whole = ['AddTagsToOnPremisesInstances'];
  const cut = [...whole, 'DisableAccessKey', 'DeregisterOnPremisesInstance'];
  test.each([
    ['takes its key and its host back', whole, []],
    ['names the key and the host that it could not take back', cut, ['keys disable', 'hosts deregister web-1']],
    [
      'says that the host may be known when there was no answer, and not to take it out unseen',
      ['RegisterOnPremisesInstance', 'DisableAccessKey'],
      ['keys disable', 'hosts show web-1'],
    ],
  ])('%s', async (_, breaksOff, told) => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    await using proxy = await recordingProxy(server.url, breaksOff);
    const words = ['register', '--instance-name', 'web-1', '--tag', 'Key=Role,Value=web', '--config-dir'];
    const env = { ...server.env, SLIPWAY_ENDPOINT_URL: proxy.url };
    const failed = await runSlipway([...words, scratch.at('host')], env);
    expect(failed.status).not.toBe(0);
    const commands = [...failed.stderr.matchAll(/with `slipway ((?:keys|hosts) .+)`$/gm)].map(
      ([, words = '']) => words,
    );
    expect(commands.map((command) => command.replace(/ AKIA\w+$/, ''))).toEqual(told);
    // What the operator is told to do leaves nothing behind.
    for (const command of commands) await runSlipway(command.split(' '), server.env);
    const listed = await runSlipway(['keys', 'list', '--json'], server.env);
    const keys = JSON.parse(listed.stdout) as readonly { role: string; disabled: boolean }[];
    expect(keys.filter(({ role, disabled }) => role === 'host' && !disabled)).toEqual([]);
    expect((await runSlipway(['hosts', 'list', '--json'], server.env)).stdout).not.toContain('"registered":true');
  });
});
