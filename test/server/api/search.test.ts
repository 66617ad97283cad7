/** The search of resources by parts of their names. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyScope } from '../../../src/protocol/management/key-scope.ts';
import type { FoundResource } from '../../../src/protocol/management/shapes.ts';
import { findResources, readWords } from '../../../src/server/api/search.ts';
import { insertApplication } from '../../../src/server/store/applications.ts';
import { searchApplications } from '../../../src/server/store/search.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { handDrivenHost, type KeyPair, managementClient } from '../../support/hand-driven-host.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { describeStores, type TestDatabase } from '../../support/stores.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const scratch = scratchFolder();
let server: TestServer;
let admin: KeyPair;
let deploymentId = '';
beforeAll(async () => {
  server = await testServer(scratch.at('data'));
  admin = await server.key('admin');
  const client = managementClient(server.url, admin);
  for (const name of ['web-1', 'web-2', 'my-web']) await handDrivenHost(server.url, client, name, `tier_${name}`);
  for (const applicationName of ['Shop', 'shop-admin', 'a_b', 'axb'])
    await client.call('CreateApplication', { applicationName });
  const group = { applicationName: 'Shop', deploymentGroupName: 'Fleet' };
  await client.call('CreateDeploymentGroup', {
    ...group,
    serviceRoleArn: 'arn:aws:iam::000000000000:role/r',
    onPremisesInstanceTagFilters: [{ Key: 'Role', Value: 'none', Type: 'KEY_AND_VALUE' }],
  });
  const revision = { revisionType: 'S3', s3Location: { bucket: 'b', key: 'Build-17.zip', bundleType: 'zip' } } as const;
  deploymentId = (await client.call('CreateDeployment', { ...group, revision })).deploymentId ?? '';
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

async function search(text: string, key = admin): Promise<string[]> {
  const { resources } = await managementClient(server.url, key).call('SearchResources', { text });
  return resources.map(textOf);
}

function textOf(resource: FoundResource): string {
  return resource.kind === 'Revision'
    ? `Revision ${resource.revision.s3Location?.key}`
    : `${resource.kind} ${resource.name}`;
}

describe('a search', () => {
  test('finds names whatever the case, those first that begin with the text', async () => {
    expect(await search('WEB')).toEqual(['Host web-1', 'Host web-2', 'Host my-web']);
    expect(await search('shop')).toEqual([
      'Application Shop',
      'Application shop-admin',
      'DeploymentGroup Fleet',
      'Revision Build-17.zip',
    ]);
  });

  test.each([
    ['a group by its application and its name', 'shop/fl', ['DeploymentGroup Fleet']],
    ['a revision by a part of its key', 'build-17', ['Revision Build-17.zip']],
    ['a host by its tag', 'role=tier_web-2', ['Host web-2']],
    ['what has each word', 'web role=tier_my', ['Host my-web']],
    ['letters that mean something in a database as letters', 'a_b', ['Application a_b']],
    ['the same of a percent sign', '%', []],
    ['the same of a backslash', '\\', []],
    ['the same of a quote', "'", []],
    ['nothing without a text', '  ', []],
  ])('finds %s', async (_what, text, expected) => {
    expect(await search(text)).toEqual(expected);
  });

  test('finds a deployment by the beginning of its id, in small letters, too', async () => {
    for (const text of [deploymentId, deploymentId.toLowerCase().slice(0, 5)]) {
      expect(await search(text)).toContain(`Deployment ${deploymentId}`);
    }
  });

  test.each([
    ['with too many characters', 'x'.repeat(257), '256 are the limit'],
    ['with too many words', 'a b c d e f g h i', '8 are the limit'],
  ])('%s is refused', async (_what, text, message) => {
    await expect(search(text)).rejects.toMatchObject({
      type: 'ValidationException',
      message: expect.stringContaining(message),
    });
  });

  test('shows a limited key its own, and no hosts', async () => {
    const scope = { applications: ['shop-*'] };
    const key = await managementClient(server.url, admin).call('CreateAccessKey', { role: 'viewer', scope });
    expect(await search('shop', key)).toEqual(['Application shop-admin']);
    expect(await search('web', key)).toEqual([]);
    expect(await search(deploymentId, key)).toEqual([]);
  });
});

describeStores('a search in a database', (kind) => {
  const found = (store: Store, words: readonly string[], scope: KeyScope | null = null) =>
    searchApplications(store.db, { words, scope, limit: 20, offset: 0 });
  const withApplications = async (database: TestDatabase, names: readonly string[]) => {
    const store = await database.open();
    await store.transaction(async (tx) => {
      for (const name of names) {
        await insertApplication(tx, {
          ...{ application_id: name, application_name: name, created_at_ms: 0 },
          compute_platform: 'Server',
        });
      }
    });
    return store;
  };

  test.each([
    ['ÄRGER', 'ärger'],
    ['Größe_1', 'GRÖßE_1'],
    ['Москва', 'МОСКВА'],
    ['ΟΔΟΣ', 'οδος'],
    ['οδός', 'ΟΔΌΣ'],
    ['Ñandú', 'ñANDÚ'],
    ['東京', '東京'],
  ])('finds %s by %s', async (name, text) => {
    await using database = await kind.create();
    const store = await withApplications(database, [name, 'other']);
    expect(await found(store, readWords(text))).toEqual([name]);
    expect(await found(store, readWords(text.slice(1)))).toEqual([name]);
  });

  test('finds what a limited key may see behind hundreds of names that it may not see', async () => {
    await using database = await kind.create();
    const others = Array.from({ length: 250 }, (_, index) => `app-${index}`);
    const capitals = Array.from({ length: 250 }, (_, index) => `App-Z_${index}`);
    const store = await withApplications(database, [...others, ...capitals, 'app-z_1', 'app-zz1']);
    const scope = { applications: ['app-z_*'], groups: [], hostTags: [] };
    const resources = await findResources(store.db, ['app'], scope);
    expect(resources.map(textOf)).toEqual(['Application app-z_1']);
    const ofGroups = { applications: ['app-*'], groups: ['app-zz*/live', '*-z_1/*'], hostTags: [] };
    expect((await findResources(store.db, ['app'], ofGroups)).map(textOf)).toEqual([
      'Application app-z_1',
      'Application app-zz1',
    ]);
  });
});

describe('the list of hosts', () => {
  const list = (input: object) => managementClient(server.url, admin).call('DescribeHosts', input);

  test.each<[string, object, string[]]>([
    ['all hosts in the order of their names', {}, ['my-web', 'web-1', 'web-2']],
    ['the host of a name, and no other one', { instanceName: 'web-1' }, ['web-1']],
    ['hosts with each word in their names or tags', { text: 'WEB role=tier_my' }, ['my-web']],
    ['registered hosts', { registered: true }, ['my-web', 'web-1', 'web-2']],
    ['no records where none was deregistered', { registered: false }, []],
    [
      'hosts that were never heard of among those that need attention',
      { needsAttention: true, text: 'web-2' },
      ['web-2'],
    ],
  ])('shows %s, and their number', async (_what, input, names) => {
    const { hosts, hostCount } = await list(input);
    expect(hosts.map(({ instanceName }) => instanceName)).toEqual(names);
    expect(hostCount).toBe(names.length);
  });

  test('needs no attention for a host that polls, and does for one whose key was disabled', async () => {
    const client = managementClient(server.url, admin);
    const host = await handDrivenHost(server.url, client, 'polls', 'polling');
    await host.client.pollHostCommand(undefined, false);
    const marked = async () => (await list({ needsAttention: true, instanceName: 'polls' })).hostCount;
    expect(await marked()).toBe(0);
    await client.call('DisableAccessKey', { accessKeyId: host.key.accessKeyId });
    expect(await marked()).toBe(1);
    await client.call('DeregisterOnPremisesInstance', { instanceName: 'polls' });
    expect(await marked()).toBe(0);
    expect((await list({ registered: false })).hosts).toMatchObject([{ instanceName: 'polls', registered: false }]);
  });
});
