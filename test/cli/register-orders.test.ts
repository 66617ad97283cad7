import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Finding } from '../../src/cli/doctor/check.ts';
import { scratchFolder } from '../support/scratch.ts';
import { enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

test('register writes into the configuration that the host demands signed orders of its server', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const { configFile } = await enrolHost(server, scratch.at('host'), 'web-1');
  expect(parse(readFileSync(configFile, 'utf8'))).toMatchObject({ demand_signed_orders: true });
});

test('doctor warns where a host of a Slipway server does not demand signed orders, and of no other server', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const { configFile } = await enrolHost(server, scratch.at('host'), 'web-1');
  const written = parse(readFileSync(configFile, 'utf8')) as Record<string, unknown>;
  const asked = async (changes: Readonly<Record<string, unknown>>) => {
    writeFileSync(configFile, stringify({ ...written, ...changes }));
    const { stdout } = await runSlipway(['doctor', '--json', '--config-file', configFile]);
    const findings = JSON.parse(stdout) as Finding[];
    return findings.filter(({ check }) => check === 'signed orders');
  };
  expect(await asked({})).toMatchObject([{ status: 'ok' }]);
  expect(await asked({ demand_signed_orders: false })).toMatchObject([
    { status: 'warn', remedy: expect.stringContaining('demand_signed_orders: true') },
  ]);
  const unpinned = { demand_signed_orders: undefined, deployment_spec_ca_file: undefined };
  expect(await asked(unpinned)).toMatchObject([
    { status: 'warn', remedy: expect.stringContaining('register --force') },
  ]);
  const other = createServer((_, response) => response.end('another service'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const deploy_control_endpoint = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  try {
    expect(await asked({ ...unpinned, deploy_control_endpoint })).toEqual([]);
  } finally {
    other.close();
  }
});
