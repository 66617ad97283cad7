import { expect, test } from 'vitest';
import { type HostMark, marksOf, marksOfAgent } from '../../src/cli/view/host-marks.ts';
import { openStore } from '../../src/server/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { scratchFolder } from '../support/scratch.ts';
import { type ControlServer, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';
import { suiteLocation } from '../support/suite-database.ts';

async function listed(server: ControlServer): Promise<{ readonly marks: readonly HostMark[]; readonly text: string }> {
  const { stdout } = await runSlipway(['hosts', 'list', '--json'], server.env);
  const [host] = JSON.parse(stdout) as { marks: HostMark[] }[];
  return { marks: host?.marks ?? [], text: (await runSlipway(['hosts', 'list'], server.env)).stdout };
}

test('hosts list and status mark a host whose key was disabled, and hosts list one that is silent or polls twice', async () => {
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  expect(await listed(server)).toMatchObject({
    marks: ['SILENT'],
    text: expect.stringMatching(/^web-1 +registered, SILENT +never/m),
  });

  await using agent = host.startAgent();
  await eventually(() => agent.log().includes('the agent is ready'));
  expect((await listed(server)).marks).toEqual([]);
  const status = async () => {
    const { stdout } = await runSlipway(['status', '--json', '--config-file', host.configFile]);
    return (JSON.parse(stdout) as { marks: { mark: HostMark }[] }).marks.map(({ mark }) => mark);
  };
  expect(await status()).toEqual([]);

  const keys = await runSlipway(['keys', 'list', '--json'], { SLIPWAY_DATA_DIR: server.dataDir });
  const key = (JSON.parse(keys.stdout) as { accessKeyId: string; role: string }[]).find(({ role }) => role === 'host');
  await runSlipway(['keys', 'disable', key?.accessKeyId ?? '', '--data-dir', server.dataDir]);
  await eventually(async () => (await status()).includes('KEY DISABLED'));
  const words = await runSlipway(['status', '--config-file', host.configFile]);
  expect(words.stdout).toMatch(/KEY DISABLED: `slipway register --force`/);
  expect(await listed(server)).toMatchObject({
    marks: ['KEY DISABLED'],
    text: expect.stringMatching(/^web-1 +registered, KEY DISABLED /m),
  });

  const store = await openStore(suiteLocation(server.dataDir));
  const nowMs = Date.now();
  const marked = { last_polled_at_ms: nowMs - 600_000, identity_shared_at_ms: nowMs };
  await store.db.updateTable('instances').set(marked).execute();
  await store.close();
  const marks: HostMark[] = ['KEY DISABLED', 'IDENTITY USED TWICE', 'SILENT'];
  expect(await listed(server)).toMatchObject({ marks, text: expect.stringContaining(marks.join(', ')) });
});

test('a host that was deregistered has no marks: nobody expects anything of it', () => {
  const host = { instanceName: 'a', hostArn: 'b', registered: false, keysDisabled: true, tags: [] };
  expect(marksOf(host, 1_000_000)).toEqual([]);
});

test('the status of an agent marks it as silent, as using a disabled key, and as one of two with an identity', () => {
  const status = {
    ...{ pid: 1, version: '1', startedAtMs: 0, hostIdentifier: 'a', identityFrom: 'b', endpoint: 'c' },
    ...{ isFull: false, running: [], undelivered: [], identityIsShared: true },
    lastPoll: { answeredAtMs: 0, failures: 4, lastError: 'This access key was disabled on 2026-01-01' },
  };
  expect(marksOfAgent(status, 300_000, 180_000).map(({ mark }) => mark)).toEqual([
    'SILENT',
    'KEY DISABLED',
    'IDENTITY USED TWICE',
  ]);
  expect(marksOfAgent({ ...status, identityIsShared: false }, 1_000, 180_000).map(({ mark }) => mark)).toEqual([
    'KEY DISABLED',
  ]);
});
