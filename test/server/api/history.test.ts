/** The report: what was deployed where, when and by whom, and what hosts have now. */
import { expect, test } from 'vitest';
import type { ManagementClient } from '../../../src/protocol/management/client.ts';
import { deploymentIdOf, FLEET_GROUP, fillFleet, hostNameOf } from '../../bench-server/fill-fleet.ts';
import { managementClient } from '../../support/hand-driven-host.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { runSlipway } from '../../support/slipway.ts';
import { suiteLocation } from '../../support/suite-database.ts';
import { testServer } from '../../support/test-server.ts';

const HOSTS = 700;
const DEPLOYMENTS = 30;
const NOW_MS = Date.parse('2026-11-28T12:00:00Z');
const HOUR_S = 3_600;

type Listing = 'ListRevisionHistory' | 'ListHostHistory' | 'ListHostRevisions';

async function world() {
  const scratch = scratchFolder();
  const server = await testServer(scratch.at('data'));
  const [admin, viewer] = [await server.key('admin'), await server.key('viewer')];
  const fleet = { hosts: HOSTS, deployments: DEPLOYMENTS, nowMs: NOW_MS, actor: admin.accessKeyId };
  await fillFleet(suiteLocation(scratch.at('data')), fleet);
  const all = async (client: ManagementClient, operation: Listing, input: object) => {
    const entries: Record<string, unknown>[] = [];
    const pages: number[] = [];
    for (let nextToken: string | undefined, isLast = false; !isLast; isLast = nextToken === undefined) {
      const page = await client.call(operation, { ...input, ...(nextToken === undefined ? {} : { nextToken }) });
      entries.push(...(page.entries as unknown as Record<string, unknown>[]));
      pages.push(page.entries.length);
      nextToken = page.nextToken;
    }
    return { entries, pages };
  };
  return {
    ...{ server, admin, all },
    ask: managementClient(server.url, admin),
    asViewer: managementClient(server.url, viewer),
    env: {
      ...{ AWS_ACCESS_KEY_ID: admin.accessKeyId, AWS_SECRET_ACCESS_KEY: admin.secretAccessKey },
      ...{ AWS_REGION: 'us-east-1', SLIPWAY_ENDPOINT_URL: server.url },
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

test('the report tells each deployment and each of its hosts once, newest first, with who asked for it and what hosts have now', async () => {
  await using fleet = await world();
  const { ask, asViewer, all, admin } = fleet;

  const revisions = await all(ask, 'ListRevisionHistory', {});
  const ids = Array.from({ length: DEPLOYMENTS }, (_, number) => deploymentIdOf(DEPLOYMENTS - 1 - number));
  expect(revisions.entries.map((entry) => entry['deploymentId'])).toEqual(ids);
  expect(revisions.entries[0]).toMatchObject({
    ...{
      ...FLEET_GROUP,
      status: 'Succeeded',
      creator: 'user',
      actor: admin.accessKeyId,
      actorDescription: 'for a test',
    },
    ...{ hosts: { Succeeded: HOSTS }, hostsNow: HOSTS },
  });
  expect(revisions.entries[1]).toMatchObject({ hostsNow: 0 });

  // 1 400 hosts of two deployments: pages end in the middle of one and go on in the next.
  const timeRange = { start: NOW_MS / 1000 - 2 * HOUR_S };
  const hosts = await all(ask, 'ListHostHistory', { timeRange });
  expect(hosts.pages).toEqual([500, 500, 400]);
  const inOrder = [0, 1].flatMap((age) =>
    Array.from({ length: HOSTS }, (_, host) => `${ids[age]} ${hostNameOf(host)}`),
  );
  expect(hosts.entries.map((entry) => `${entry['deploymentId']} ${entry['instanceName']}`)).toEqual(inOrder);
  expect(hosts.entries.filter((entry) => entry['isOnHostNow'] === true)).toHaveLength(HOSTS);

  const instanceName = hostNameOf(7);
  const ofOne = await all(ask, 'ListHostHistory', { ...FLEET_GROUP, instanceName });
  expect(ofOne.entries.map((entry) => entry['deploymentId'])).toEqual(ids);
  expect(ofOne.entries.map((entry) => entry['isOnHostNow'])).toEqual(ids.map((_, age) => age === 0));

  const now = await all(ask, 'ListHostRevisions', {});
  expect(new Set(now.entries.map((entry) => entry['instanceName'])).size).toBe(HOSTS);
  const key = `${DEPLOYMENTS - 1}.tgz`;
  const revision = { revisionType: 'S3', s3Location: { bucket: 'revisions', key, bundleType: 'tgz' } };
  for (const entry of now.entries) {
    expect(entry).toMatchObject({ ...FLEET_GROUP, revision, health: 'healthy', sinceTime: NOW_MS / 1000 });
  }
  expect((await all(ask, 'ListHostRevisions', { instanceName })).entries).toHaveLength(1);

  // Whoever may not list keys learns of none here.
  const [seen] = (await asViewer.call('ListRevisionHistory', {})).entries;
  expect(seen).toMatchObject({ creator: 'user' });
  expect(seen).not.toHaveProperty('actor');

  const limitedTo = async (group: string) => {
    const scope = { applications: [], groups: [group], hostTags: [] };
    return managementClient(fleet.server.url, await ask.call('CreateAccessKey', { role: 'operator', scope }));
  };
  const own = await limitedTo('site/fleet');
  expect((await all(own, 'ListHostHistory', { timeRange })).entries).toHaveLength(2 * HOSTS);
  expect((await own.call('ListRevisionHistory', {})).entries[0]).not.toHaveProperty('actor');
  const other = await limitedTo('site/other');
  for (const operation of ['ListRevisionHistory', 'ListHostHistory', 'ListHostRevisions'] as const) {
    expect((await all(other, operation, {})).entries).toEqual([]);
    await expect(other.call(operation, FLEET_GROUP)).rejects.toMatchObject({ type: 'AccessDeniedException' });
  }

  const none = async (input: object) => (await ask.call('ListHostHistory', input)).entries;
  expect(await none({ instanceName: 'nobody' })).toEqual([]);
  expect(await none({ timeRange: { end: NOW_MS / 1000 - 100 * HOUR_S } })).toEqual([]);
  await expect(none({ deploymentGroupName: 'fleet' })).rejects.toMatchObject({
    type: 'ApplicationNameRequiredException',
  });
  await expect(none({ applicationName: 'other' })).rejects.toMatchObject({ type: 'ApplicationDoesNotExistException' });

  const run = async (...args: string[]) => {
    const { status, stdout, stderr } = await runSlipway(args, fleet.env);
    expect({ status, args }).toEqual({ status: 0, args });
    return { lines: stdout.trimEnd().split('\n'), stderr };
  };
  const csv = await run('hosts', 'revisions', '--group', 'site/fleet', '--csv');
  expect(csv.lines.slice(0, 2)).toEqual([
    'host,application,group,revision,since,health',
    `${hostNameOf(0)},site,fleet,s3://revisions/${key},2026-11-28T12:00:00.000Z,healthy`,
  ]);
  expect(csv.lines).toHaveLength(HOSTS + 1);
  const history = await run('hosts', 'history', '--host', instanceName, '--limit', '2', '--csv');
  expect(history.lines[1]).toBe(
    `2026-11-28T11:00:00.000Z,web-00007,site,fleet,s3://revisions/${key},${admin.accessKeyId},for a test,user,d-F29,Succeeded,2026-11-28T11:00:30.000Z,,yes`,
  );
  expect(history.lines).toHaveLength(3);
  expect(history.stderr).toContain('there is more than 2 lines');
  const table = await run('revisions', 'history', '--application', 'site', '--since', '2026-11-28T10:00:00Z');
  expect(table.lines[1]).toMatch(
    /^2026-11-28 11:00:00 +site\/fleet +s3:\S+ +for a test +d-F29 +Succeeded +700 +700 +0 +700$/,
  );
});
