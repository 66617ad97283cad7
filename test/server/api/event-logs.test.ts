/** Output of scripts while they run: sent by hosts, and read by people. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAwsJsonClient } from '../../../src/protocol/aws-json-client.ts';
import { HOST_LOG_TARGET, PUT_LOGS } from '../../../src/protocol/host-command/logs.ts';
import type { HostCommand } from '../../../src/protocol/host-command/shapes.ts';
import type { ManagementClient } from '../../../src/protocol/management/client.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { deployToTag, type HandDrivenHost, handDrivenHost, managementClient } from '../../support/hand-driven-host.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const scratch = scratchFolder();
const never = new AbortController().signal;
let server: TestServer;
let admin: ManagementClient;
let host: HandDrivenHost;
let other: HandDrivenHost;
let command: HostCommand;
let deploymentId = '';
beforeAll(async () => {
  server = await testServer(scratch.at('data'));
  admin = managementClient(server.url, await server.key('admin'));
  host = await handDrivenHost(server.url, admin, 'web-1', 'logs');
  other = await handDrivenHost(server.url, admin, 'web-2', 'none');
  deploymentId = await deployToTag(admin, 'logs');
  command = await host.command();
  await host.client.acknowledge(command.HostCommandIdentifier, false);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const batch = (FirstByte: number, Text: string) => ({
  HostCommandIdentifier: command.HostCommandIdentifier,
  FirstByte,
  Text,
});

describe('live logs', () => {
  test('are taken once, listed, and read from a position on while the event runs', async () => {
    await host.client.putLogs([batch(0, 'one\n')], never);
    const waitMs = await host.client.putLogs([batch(0, 'one\n'), batch(4, 'two\n')], never);
    expect(waitMs).toBeGreaterThanOrEqual(0);
    const lifecycleEventName = command.CommandName;
    const { logs } = await admin.call('ListEventLogs', { deploymentId });
    const log = { targetId: 'web-1', lifecycleEventName, status: 'InProgress', firstByte: 0, endByte: 8 };
    expect(logs).toEqual([{ ...log, lastWriteTime: expect.any(Number) }]);
    const list = async (filter: object) => (await admin.call('ListEventLogs', { deploymentId, ...filter })).logs.length;
    expect(await list({ writtenSince: logs[0]?.lastWriteTime ?? 0, targetId: 'web-1', lifecycleEventName })).toBe(1);
    expect(await list({ writtenSince: (logs[0]?.lastWriteTime ?? 0) + 1 })).toBe(0);
    expect(await list({ lifecycleEventName: 'Install' })).toBe(0);
    const about = { deploymentId, targetId: 'web-1', lifecycleEventName };
    expect(await admin.call('GetEventLog', about)).toEqual({
      ...{ firstByte: 0, text: 'one\ntwo\n', nextByte: 8, status: 'InProgress' },
    });
    expect(await admin.call('GetEventLog', { ...about, firstByte: 4 })).toMatchObject({ firstByte: 4, text: 'two\n' });
    expect(await admin.call('GetEventLog', { ...about, firstByte: 8 })).toMatchObject({ text: '', nextByte: 8 });
  });

  test('are taken of the host that has the command alone, and nothing is taken of a batch that is none', async () => {
    await expect(other.client.putLogs([batch(8, 'lies\n')], never)).rejects.toMatchObject({ type: 'ClientException' });
    await host.client.putLogs([{ ...batch(0, 'x'), HostCommandIdentifier: 'gone' }], never);
    const client = createAwsJsonClient({
      ...{ endpoint: server.url, region: 'us-east-1', signingName: 'codedeploy-commands', clock: systemClock },
      ...{ credentials: async () => host.key, readTimeoutMs: 10_000, proxyUri: null, proxyEnvironment: {} },
    });
    const put = (Batches: unknown) => client.call(`${HOST_LOG_TARGET}.${PUT_LOGS}`, { Batches });
    for (const wrong of [
      7,
      [null],
      [{ ...batch(8, 'x'), Text: 7 }],
      [batch(-1, 'x')],
      [batch(0.5, 'x')],
      [batch(Number.MAX_SAFE_INTEGER, 'x')],
      [batch(8, 'x'.repeat(65_537))],
      Array.from({ length: 65 }, () => batch(8, '')),
    ]) {
      await expect(put(wrong)).rejects.toMatchObject({ type: 'ClientException', status: 400 });
    }
    const person = managementClient(server.url, await server.key('operator'));
    await expect(
      person.call('GetEventLog', { deploymentId, targetId: 'web-1', lifecycleEventName: command.CommandName }),
    ).resolves.toMatchObject({ nextByte: 8 });
  });

  test.each([
    ['a target that there is not', { targetId: 'web-9' }, 'DeploymentTargetDoesNotExistException'],
    ['an event that there is not', { lifecycleEventName: 'Dance' }, 'ValidationException'],
    ['a position before the beginning', { firstByte: -1 }, 'ValidationException'],
    ['a deployment that there is not', { deploymentId: 'd-ZZZZZZZZZ' }, 'DeploymentDoesNotExistException'],
  ])('a request for %s is an error', async (_, wrong, type) => {
    const about = { deploymentId, targetId: 'web-1', lifecycleEventName: command.CommandName, ...wrong };
    await expect(admin.call('GetEventLog', about)).rejects.toMatchObject({ type });
  });

  test('are asked for in the answers of polls, and only of our own agents', async () => {
    const { key, hostArn } = other;
    const client = createAwsJsonClient({
      ...{ endpoint: server.url, region: 'us-east-1', signingName: 'codedeploy-commands', clock: systemClock },
      ...{ credentials: async () => key, readTimeoutMs: 10_000, proxyUri: null, proxyEnvironment: {} },
    });
    const poll = (headers: Record<string, string>) =>
      client.call('CodeDeployCommandService_v20141006.PollHostCommand', { HostIdentifier: hostArn }, never, {
        'x-slipway-poll': 'answer-now',
        ...headers,
      });
    expect(await poll({})).toEqual({});
    expect(await poll({ 'x-slipway-run': 'a-run-of-ours' })).toEqual({ LiveLogs: true });
  });
});
