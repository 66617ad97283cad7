/** Lists have pages of 100: all pages together are the list, and the token of a page is good for that list alone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ManagementOperation } from '../../../src/protocol/management/shapes.ts';
import { createWorld, ROLE, S3, type World } from './operations/world.ts';

const COUNT = 130;
const NUMBERS = Array.from({ length: COUNT }, (_, n) => String(n).padStart(3, '0'));
const ARN = 'arn:aws:codedeploy:us-east-1:000000000000:application:site';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await fill(world);
});
afterAll(() => world[Symbol.asyncDispose]());

/** More than a page of everything that is listed. */
async function fill({ store, completed }: World): Promise<void> {
  const { db } = store;
  const { application_id } = await db
    .selectFrom('applications')
    .select('application_id')
    .where('application_name', '=', 'site')
    .executeTakeFirstOrThrow();
  const deployment = await db
    .selectFrom('deployments')
    .selectAll()
    .where('deployment_id', '=', completed)
    .executeTakeFirstOrThrow();
  const insert = {
    applications: (n: string) => ({
      ...{
        application_id: `a-${n}`,
        application_name: `app-${n}`,
        compute_platform: 'Server' as const,
        created_at_ms: 1,
      },
    }),
    deployment_configs: (n: string) => ({
      ...{ deployment_config_id: `c-${n}`, deployment_config_name: `config-${n}`, compute_platform: 'Server' as const },
      ...{ minimum_type: 'HOST_COUNT' as const, minimum_value: 1, created_at_ms: 1 },
    }),
    deployment_groups: (n: string) => ({
      ...{ deployment_group_id: `g-${n}`, application_id, deployment_group_name: `group-${n}`, service_role_arn: ROLE },
      ...{ deployment_config_name: 'used', settings_json: '{}', target_revision_json: null, created_at_ms: 1 },
      ...{ last_attempted_deployment_id: null, last_successful_deployment_id: null },
    }),
    revisions: (n: string) => ({
      ...{ revision_id: `r-${n}`, application_id, identity: `["S3","pages","${n}",null,null]`, description: null },
      location_json: JSON.stringify({ ...S3, s3Location: { ...S3.s3Location, bucket: 'pages', key: n } }),
      ...{ registered_at_ms: 1, first_used_at_ms: null, last_used_at_ms: null, latest_use_at_ms: 1 },
    }),
    instances: (n: string) => ({
      ...{ instance_id: `i-${n}`, instance_name: `host-${n}`, instance_arn: `arn-${n}`, host_arn: `arn-${n}` },
      ...{ arn_kind: 'user' as const, registered_at_ms: 1, deregistered_at_ms: null, last_polled_at_ms: null },
      ...{ agent_version: null, agent_runs_json: null, identity_shared_at_ms: null },
    }),
    targets: (n: string) => ({
      ...{ deployment_id: completed, instance_id: `i-${n}`, target_id: `host-${n}`, target_arn: `arn-${n}` },
      ...{ host_arn: `arn-${n}`, position: Number(n), was_current: 0, status: 'Skipped' as const, updated_at_ms: 1 },
    }),
    resource_tags: (n: string) => ({ resource_arn: ARN, tag_key: `key-${n}`, tag_value: 'v' }),
  };
  await db.insertInto('applications').values(NUMBERS.map(insert.applications)).execute();
  await db.insertInto('deployment_configs').values(NUMBERS.map(insert.deployment_configs)).execute();
  await db.insertInto('deployment_groups').values(NUMBERS.map(insert.deployment_groups)).execute();
  await db.insertInto('revisions').values(NUMBERS.map(insert.revisions)).execute();
  await db.insertInto('instances').values(NUMBERS.map(insert.instances)).execute();
  await db.insertInto('targets').values(NUMBERS.map(insert.targets)).execute();
  await db.insertInto('resource_tags').values(NUMBERS.map(insert.resource_tags)).execute();
  const deployments = NUMBERS.map((n) => ({ ...deployment, deployment_id: `d-PAGES0${n}`, created_at_ms: 1 }));
  await db.insertInto('deployments').values(deployments).execute();
}

interface List {
  readonly operation: ManagementOperation;
  readonly input: (world: World) => Readonly<Record<string, unknown>>;
  /** Where the answer has the entries. */
  readonly member: string;
  /** Entries as `fill` has made them. */
  readonly named: RegExp;
  readonly tokenMember?: 'NextToken';
}

const site = () => ({ applicationName: 'site' });
const LISTS: readonly List[] = [
  { operation: 'ListApplications', input: () => ({}), member: 'applications', named: /app-/ },
  { operation: 'ListDeploymentConfigs', input: () => ({}), member: 'deploymentConfigsList', named: /config-/ },
  { operation: 'ListDeploymentGroups', input: site, member: 'deploymentGroups', named: /group-/ },
  { operation: 'ListApplicationRevisions', input: site, member: 'revisions', named: /pages/ },
  {
    operation: 'ListApplicationRevisions',
    input: () => ({ ...site(), s3Bucket: 'pages', sortBy: 'lastUsedTime', sortOrder: 'descending' }),
    ...{ member: 'revisions', named: /pages/ },
  },
  {
    operation: 'ListDeployments',
    input: () => ({ ...site(), deploymentGroupName: 'idle' }),
    ...{ member: 'deployments', named: /PAGES/ },
  },
  {
    operation: 'ListDeployments',
    input: () => ({ includeOnlyStatuses: ['Failed'], createTimeRange: { end: 2 } }),
    ...{ member: 'deployments', named: /PAGES/ },
  },
  {
    operation: 'ListDeploymentTargets',
    input: ({ completed }) => ({ deploymentId: completed, targetFilters: { TargetStatus: ['Skipped'] } }),
    ...{ member: 'targetIds', named: /host-/ },
  },
  {
    operation: 'ListDeploymentInstances',
    input: ({ completed }) => ({ deploymentId: completed }),
    ...{ member: 'instancesList', named: /host-/ },
  },
  {
    operation: 'ListOnPremisesInstances',
    input: () => ({ registrationStatus: 'Registered' }),
    ...{ member: 'instanceNames', named: /host-/ },
  },
  {
    operation: 'ListTagsForResource',
    input: () => ({ ResourceArn: ARN }),
    ...{ member: 'Tags', named: /key-/, tokenMember: 'NextToken' },
  },
];

describe.each(LISTS)('the list of $operation', ({ operation, input, member, named, tokenMember = 'nextToken' }) => {
  const page = async (members: object): Promise<{ entries: unknown[]; token: unknown }> => {
    const answer = await world.call(operation, { ...input(world), ...members });
    return { entries: answer[member] as unknown[], token: answer[tokenMember] };
  };

  test('has 100 entries on a page, each entry once, and no token on its last page', async () => {
    const first = await page({});
    const second = await page({ [tokenMember]: first.token });
    expect([first.entries.length, second.token]).toEqual([100, undefined]);
    const texts = [...first.entries, ...second.entries].map((entry) => JSON.stringify(entry));
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts.filter((text) => named.test(text))).toHaveLength(COUNT);
    // The same page twice is the same, and members may come in another order.
    const reversed = Object.entries({ ...input(world), [tokenMember]: first.token }).reverse();
    const again = await world.call(operation, Object.fromEntries(reversed));
    expect(again[member]).toEqual(second.entries);
  });

  test('refuses a token that was damaged, or came from another list', async () => {
    const { token } = await page({});
    const other = LISTS.find((list) => list.operation !== operation && list.tokenMember === undefined);
    const foreign = (await world.call(other?.operation ?? 'ListApplications', other?.input(world) ?? {}))['nextToken'];
    const text = String(token);
    const damaged = `${text.slice(0, -3)}${text.endsWith('AAA') ? 'BBB' : 'AAA'}`;
    for (const wrong of [
      foreign,
      damaged,
      'made-up',
      text.slice(1),
      text.slice(0, 20),
      `${text}x`,
      ` ${text}`,
      `${text}=`,
    ]) {
      expect(typeof wrong).toBe('string');
      await expect(page({ [tokenMember]: wrong })).rejects.toMatchObject({
        type: 'InvalidNextTokenException',
        message: expect.stringContaining(tokenMember),
      });
    }
  });
});

test.each([
  ['ListDeployments', { includeOnlyStatuses: ['Failed'] }, { includeOnlyStatuses: ['Succeeded'] }],
  ['ListApplicationRevisions', { ...site(), sortOrder: 'ascending' }, { ...site(), sortOrder: 'descending' }],
  ['ListOnPremisesInstances', {}, { registrationStatus: 'Registered' }],
] as const)('the token of a page of %s with %j is refused with %j', async (operation, input, other) => {
  const { nextToken } = await world.call(operation, input);
  expect(nextToken).toEqual(expect.any(String));
  const answer = world.call(operation, { ...other, nextToken });
  await expect(answer).rejects.toMatchObject({ type: 'InvalidNextTokenException' });
});
