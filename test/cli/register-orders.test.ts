import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { scratchFolder } from '../support/scratch.ts';
import { enrolHost, startControlServer } from '../support/slipway.ts';

test('register writes into the configuration that the host demands signed orders of its server', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const { configFile } = await enrolHost(server, scratch.at('host'), 'web-1');
  expect(parse(readFileSync(configFile, 'utf8'))).toMatchObject({ demand_signed_orders: true });
});
