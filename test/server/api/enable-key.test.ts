/** Keys that are taken again: which, by whom, and what comes back with them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ManagementClient } from '../../../src/protocol/management/client.ts';
import { managementClient } from '../../support/hand-driven-host.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { runSlipway } from '../../support/slipway.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

let scratch: ScratchFolder;
let server: TestServer;
let admin: ManagementClient;
beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'));
  admin = managementClient(server.url, await server.key('admin'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const looks = (client: ManagementClient) => client.call('ListApplications', {});

test('a key of people that an admin enables again is taken with its old secret, role and limits', async () => {
  const key = await admin.call('CreateAccessKey', { role: 'viewer', scope: { applications: ['shop-*'] } });
  const client = managementClient(server.url, key);
  await admin.call('DisableAccessKey', { accessKeyId: key.accessKeyId });
  await expect(looks(client)).rejects.toMatchObject({ message: expect.stringContaining('slipway keys enable') });
  await admin.call('EnableAccessKey', { accessKeyId: key.accessKeyId });
  await expect(looks(client)).resolves.toBeDefined();
  await expect(client.call('GetApplication', { applicationName: 'blog' })).rejects.toMatchObject({
    type: 'AccessDeniedException',
  });
  // Once more changes nothing.
  await admin.call('EnableAccessKey', { accessKeyId: key.accessKeyId });
  await expect(looks(client)).resolves.toBeDefined();
});

test('a key of a host stays disabled, and the refusal says how the host gets another one', async () => {
  const key = await admin.call('CreateAccessKey', { role: 'host', instanceName: 'web-1' });
  await admin.call('DisableAccessKey', { accessKeyId: key.accessKeyId });
  await expect(admin.call('EnableAccessKey', { accessKeyId: key.accessKeyId })).rejects.toMatchObject({
    type: 'ValidationException',
    message: expect.stringContaining('slipway register --force'),
  });
  const { accessKeys } = await admin.call('ListAccessKeys', {});
  expect(accessKeys.find(({ accessKeyId }) => accessKeyId === key.accessKeyId)).toMatchObject({ disabled: true });
});

test('an operator enables no key, and nobody enables one that is not there', async () => {
  const key = await admin.call('CreateAccessKey', { role: 'viewer' });
  const operator = managementClient(server.url, await server.key('operator'));
  await expect(operator.call('EnableAccessKey', { accessKeyId: key.accessKeyId })).rejects.toMatchObject({
    type: 'AccessDeniedException',
  });
  await expect(admin.call('EnableAccessKey', { accessKeyId: 'AKIANONE' })).rejects.toMatchObject({
    message: 'There is no access key AKIANONE.',
  });
});

test('slipway keys enable works on the server’s own machine, and stands in the audit log', async () => {
  const { accessKeyId, secretAccessKey } = await server.key('viewer');
  const client = managementClient(server.url, { accessKeyId, secretAccessKey });
  await server.disable(accessKeyId);
  await expect(looks(client)).rejects.toBeDefined();
  const dataDir = ['--data-dir', scratch.at('data')];
  expect(await runSlipway(['keys', 'enable', accessKeyId, ...dataDir])).toMatchObject({ status: 0 });
  await expect(looks(client)).resolves.toBeDefined();
  const { entries } = await admin.call('ListAuditEntries', { operation: 'EnableAccessKey' });
  expect(entries[0]).toMatchObject({ role: 'machine', request: { accessKeyId } });
});
