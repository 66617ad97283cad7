import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { deployToTag, handDrivenHost, managementClient } from '../../support/hand-driven-host.ts';
import { queryApi } from '../../support/query-api.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const scratch = scratchFolder();
let server: TestServer;
beforeAll(async () => {
  server = await testServer(scratch.at('shared'), undefined, undefined, METRICS);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const METRICS = { metricsListen: { host: '127.0.0.1', port: 0 } };
const SUCCESS = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
} as const;
const metricsOf = async ({ metricsUrl }: TestServer) => (await fetch(`${metricsUrl}/metrics`)).text();
const metrics = () => metricsOf(server);
/** The value of one line; 0: there is no such line. */
const figureIn = (text: string, line: string) =>
  Number(
    text
      .split('\n')
      .find((one) => one.startsWith(`${line} `))
      ?.slice(line.length + 1) ?? 0,
  );

describe('the one address of a server', () => {
  test.each(['/healthz', '/readyz'])('answers GET and HEAD of %s without a key', async (path) => {
    const answer = await fetch(server.url + path);
    expect([answer.status, await answer.text()]).toEqual([200, 'ok\n']);
    expect((await fetch(server.url + path, { method: 'HEAD' })).status).toBe(200);
  });

  test('keeps its metrics from strangers, and from those who have a key', async () => {
    expect((await fetch(`${server.url}/metrics`)).status).toBe(403);
    const send = rawS3(server.s3Url, await server.key('viewer'));
    expect((await send({ method: 'GET', target: '/metrics' })).code).toBe('NoSuchBucket');
  });
});

describe('the address for metrics', () => {
  test('answers nothing but its three pages, and only to GET', async () => {
    for (const path of ['/', '/revisions', '/metrics/x']) {
      expect((await fetch(server.metricsUrl + path)).status).toBe(404);
    }
    expect((await fetch(`${server.metricsUrl}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await fetch(`${server.metricsUrl}/readyz`)).status).toBe(200);
  });

  test('counts requests by operation and status, deployments by state, and what hosts report', async () => {
    await using own = await testServer(scratch.at('own'), undefined, undefined, METRICS);
    const admin = managementClient(own.url, await own.key('admin'));
    const host = await handDrivenHost(own.url, admin, 'counted', 'counted');
    await deployToTag(admin, 'counted');
    const command = await host.command();
    await host.client.acknowledge(command.HostCommandIdentifier, false);
    await host.client.complete(command.HostCommandIdentifier, SUCCESS);
    await admin.call('ListApplications', {});
    await admin.call('GetApplication', { applicationName: 'none' }).catch(() => undefined);
    await queryApi(own.url, 'sts', await own.key('viewer'))('GetCallerIdentity');
    const request = (labels: string, status: string) => `slipway_server_requests_total{${labels},status="${status}"}`;
    const last = request('api="iam-sts",operation="any"', '200');
    await eventually(async () => figureIn(await metricsOf(own), last) > 0);
    const text = await metricsOf(own);
    const expected = [
      request('api="management",operation="ListApplications"', '200'),
      request('api="management",operation="GetApplication"', '400'),
      request('api="host-command",operation="PutHostCommandComplete"', '200'),
      'slipway_server_deployments{status="InProgress"}',
      'slipway_server_events_reported_total{status="Succeeded"}',
      'slipway_server_step_seconds_count',
      'slipway_server_transaction_seconds_count',
      'slipway_server_database_up',
      'process_resident_memory_bytes',
    ];
    for (const line of expected) expect({ line, value: figureIn(text, line) > 0 }).toEqual({ line, value: true });
    // Names of hosts and applications are nobody's business here.
    expect(text).not.toContain('counted');
  });

  test('shows polls that are open, and not those that have ended', async () => {
    const admin = managementClient(server.url, await server.key('admin'));
    const host = await handDrivenHost(server.url, admin, 'polling', 'polling');
    const hungUp = new AbortController();
    const poll = host.client.pollHostCommand(hungUp.signal).catch(() => undefined);
    await eventually(async () => figureIn(await metrics(), 'slipway_server_polls_open') === 1);
    hungUp.abort();
    await poll;
    await eventually(async () => figureIn(await metrics(), 'slipway_server_polls_open') === 0);
  });

  test('has no more lines than there are operations, whatever strangers ask for', async () => {
    await metrics();
    const before = (await metrics()).split('\n').length;
    for (let n = 0; n < 30; n += 1) {
      const headers = { 'x-amz-target': `CodeDeploy_20141006.Made"Up${n}` };
      await fetch(server.url, { method: 'POST', headers });
      await fetch(`${server.url}/bucket-${n}/key`, { method: n % 2 === 0 ? 'GET' : 'PATCH' });
    }
    const after = await metrics();
    expect(after.split('\n').length - before).toBeLessThanOrEqual(6);
    expect(after).not.toContain('Made');
  });

  test('is text that every line of can be read', async () => {
    for (const line of (await metrics()).trimEnd().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)$/);
    }
  });
});
