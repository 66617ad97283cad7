/** Quotas: the last place is taken once, however many ask for it, and is free again when something is deleted. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ManagementOperation } from '../../../src/protocol/management/shapes.ts';
import { MAX_APPLICATIONS, MAX_CONFIGS, MAX_GROUPS } from '../../../src/server/api/quotas.ts';
import { createWorld, ROLE, type World } from './operations/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const minimumHealthyHosts = { type: 'HOST_COUNT', value: 0 };
const group = { applicationName: 'other', serviceRoleArn: ROLE };

test.each([
  {
    create: 'CreateApplication',
    remove: 'DeleteApplication',
    named: (applicationName: string) => ({ applicationName }),
    exception: 'ApplicationLimitExceededException',
    table: 'applications',
    limit: MAX_APPLICATIONS,
    columns: sql`applications (application_id, application_name, compute_platform, created_at_ms)`,
    row: sql`'n' || n, 'n' || n, 'Server', 0`,
  },
  {
    create: 'CreateDeploymentConfig',
    remove: 'DeleteDeploymentConfig',
    named: (deploymentConfigName: string) => ({ deploymentConfigName, minimumHealthyHosts }),
    exception: 'DeploymentConfigLimitExceededException',
    table: 'deployment_configs',
    limit: MAX_CONFIGS,
    columns: sql`deployment_configs (deployment_config_id, deployment_config_name, compute_platform, minimum_type,
      minimum_value, created_at_ms)`,
    row: sql`'n' || n, 'n' || n, 'Server', 'HOST_COUNT', 0, 0`,
  },
  {
    create: 'CreateDeploymentGroup',
    remove: 'DeleteDeploymentGroup',
    named: (deploymentGroupName: string) => ({ ...group, deploymentGroupName }),
    exception: 'DeploymentGroupLimitExceededException',
    table: 'deployment_groups',
    limit: MAX_GROUPS,
    columns: sql`deployment_groups (deployment_group_id, application_id, deployment_group_name, deployment_config_name,
      service_role_arn, settings_json, created_at_ms)`,
    row: sql`'n' || n, (select application_id from applications where application_name = 'other'), 'n' || n, 'used', 'r', '{}', 0`,
  },
] as const)('$create answers $exception beyond the quota, however many ask at once', async (quota) => {
  const { create, remove, named, exception, limit } = quota;
  const { db } = world.store;
  // The groups of other applications do not count.
  const isGroup = quota.table === 'deployment_groups';
  const { count } = await db
    .selectFrom(quota.table)
    .select((eb) => eb.fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
  const rows = limit - (isGroup ? 0 : Number(count)) - 1;
  const numbers = sql`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(rows)})`;
  await sql`insert into ${quota.columns} ${numbers} select ${quota.row} from numbers`.execute(db);

  const names = Array.from({ length: 8 }, (_, index) => `new-${index}`);
  const outcomes = await Promise.allSettled(names.map((name) => ask(create, named(name))));
  const made = names.filter((_, index) => outcomes[index]?.status === 'fulfilled');
  expect(made).toHaveLength(1);
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  const message = expect.stringContaining(`${limit} is the limit`);
  for (const { reason } of refused) expect(reason).toMatchObject({ type: exception, status: 400, message });

  await ask(remove, named(made[0] ?? ''));
  await ask(create, named('another'));
  await expect(ask(create, named('too-many'))).rejects.toMatchObject({ type: exception });
});

/** `Delete…` knows no settings, and ignores none. */
function ask(operation: ManagementOperation, input: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { minimumHealthyHosts: _, serviceRoleArn: __, ...names } = input;
  return world.call(operation, operation.startsWith('Delete') ? names : input);
}
