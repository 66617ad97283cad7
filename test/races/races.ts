/** The races. Each makes what it needs under names of its own, so that rounds do not meet. */
import {
  arnOf,
  atOnce,
  type Damage,
  makeGroup,
  quietly,
  type Race,
  type RaceContext,
  type Request,
  ROLE,
  revisionOf,
} from './race.ts';

const FILTERS = [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' as const }];
const ROLLBACK = { enabled: true, events: ['DEPLOYMENT_FAILURE' as const] };

export const RACES: readonly Race[] = [
  {
    name: 'two changes of different settings of one group',
    async run(ctx) {
      const { applicationName, deploymentGroupName } = await makeGroup(ctx);
      const group = { applicationName, currentDeploymentGroupName: deploymentGroupName };
      const endings = await atOnce(ctx, [
        (client) => client.call('UpdateDeploymentGroup', { ...group, onPremisesInstanceTagFilters: FILTERS }),
        (client) => client.call('UpdateDeploymentGroup', { ...group, autoRollbackConfiguration: ROLLBACK }),
        (client) =>
          client.call('UpdateDeploymentGroup', { ...group, deploymentConfigName: 'CodeDeployDefault.AllAtOnce' }),
        (client) => client.call('UpdateDeploymentGroup', { ...group, serviceRoleArn: `${ROLE}-2` }),
      ]);
      const { deploymentGroupInfo: info } = await quietly(ctx).call('GetDeploymentGroup', {
        applicationName,
        deploymentGroupName,
      });
      countLost(ctx, endings, [
        info?.onPremisesInstanceTagFilters?.length === 1,
        info?.autoRollbackConfiguration?.enabled === true,
        info?.deploymentConfigName === 'CodeDeployDefault.AllAtOnce',
        info?.serviceRoleArn === `${ROLE}-2`,
      ]);
    },
  },
  {
    name: 'a configuration is deleted while groups begin to use it',
    async run(ctx) {
      const [existing, fresh] = [await makeGroup(ctx), await makeGroup(ctx)];
      const deploymentConfigName = ctx.name('config');
      const minimumHealthyHosts = { type: 'HOST_COUNT' as const, value: 0 };
      await quietly(ctx).call('CreateDeploymentConfig', { deploymentConfigName, minimumHealthyHosts });
      const { applicationName, deploymentGroupName: currentDeploymentGroupName } = existing;
      await atOnce(ctx, [
        (client) =>
          client.call('UpdateDeploymentGroup', { applicationName, currentDeploymentGroupName, deploymentConfigName }),
        (client) => client.call('DeleteDeploymentConfig', { deploymentConfigName }),
        (client) =>
          client.call('CreateDeploymentGroup', {
            ...{ ...fresh, deploymentGroupName: 'second', serviceRoleArn: ROLE, deploymentConfigName },
          }),
      ]);
      const { db } = ctx.store;
      const users = await db
        .selectFrom('deployment_groups')
        .select('deployment_group_id')
        .where('deployment_config_name', '=', deploymentConfigName)
        .execute();
      const config = await db
        .selectFrom('deployment_configs')
        .select('deployment_config_id')
        .where('deployment_config_name', '=', deploymentConfigName)
        .execute();
      if (config.length === 0) ctx.damage.dangling += users.length;
    },
  },
  {
    name: 'tags of one instance are added by many, and removed by one',
    async run(ctx) {
      const instanceName = await registerInstance(ctx);
      const add = (prefix: string, count: number) =>
        Array.from({ length: count }, (_, index) => ({ Key: `${prefix}${index}`, Value: 'v' }));
      await quietly(ctx).call('AddTagsToOnPremisesInstances', { instanceNames: [instanceName], tags: add('old', 4) });
      const sets = ['a', 'b', 'c', 'd'].map((prefix) => add(prefix, 3));
      const endings = await atOnce(ctx, [
        ...sets.map(
          (tags) => (client: ReturnType<typeof quietly>) =>
            client.call('AddTagsToOnPremisesInstances', { instanceNames: [instanceName], tags }),
        ),
        (client) =>
          client.call('RemoveTagsFromOnPremisesInstances', { instanceNames: [instanceName], tags: add('old', 2) }),
      ]);
      const { instanceInfo } = await quietly(ctx).call('GetOnPremisesInstance', { instanceName });
      const keys = new Set((instanceInfo?.tags ?? []).map(({ Key }) => Key));
      if (keys.size > 10) ctx.damage.overLimit += 1;
      countLost(ctx, endings, [
        ...sets.map((tags) => tags.every(({ Key }) => keys.has(Key))),
        !keys.has('old0') && !keys.has('old1'),
      ]);
    },
  },
  {
    name: 'tags of two instances are added in opposite order',
    async run(ctx) {
      const [one, other] = [await registerInstance(ctx), await registerInstance(ctx)];
      const endings = await atOnce(ctx, [
        (client) =>
          client.call('AddTagsToOnPremisesInstances', {
            instanceNames: [one, other],
            tags: [{ Key: 'a', Value: '1' }],
          }),
        (client) =>
          client.call('AddTagsToOnPremisesInstances', {
            instanceNames: [other, one],
            tags: [{ Key: 'b', Value: '1' }],
          }),
      ]);
      const { instanceInfos = [] } = await quietly(ctx).call('BatchGetOnPremisesInstances', {
        instanceNames: [one, other],
      });
      const has = (key: string) => instanceInfos.every(({ tags }) => tags?.some(({ Key }) => Key === key));
      countLost(ctx, endings, [has('a'), has('b')]);
    },
  },
  {
    name: 'an instance is deregistered while it gets tags',
    async run(ctx) {
      const instanceName = await registerInstance(ctx);
      const tags = [{ Key: 'Role', Value: 'web' }];
      await atOnce(ctx, [
        (client) => client.call('AddTagsToOnPremisesInstances', { instanceNames: [instanceName], tags }),
        (client) => client.call('DeregisterOnPremisesInstance', { instanceName }),
        (client) => client.call('AddTagsToOnPremisesInstances', { instanceNames: [instanceName], tags }),
      ]);
      const left = await ctx.store.db
        .selectFrom('instance_tags')
        .innerJoin('instances', 'instances.instance_id', 'instance_tags.instance_id')
        .select('instance_tags.tag_key')
        .where('instances.instance_name', '=', instanceName)
        .where('instances.deregistered_at_ms', 'is not', null)
        .execute();
      ctx.damage.dangling += left.length;
    },
  },
  {
    name: 'a name is taken twice: application, group, instance, configuration',
    async run(ctx) {
      const [applicationName, instanceName, config] = [ctx.name('app'), ctx.name('host'), ctx.name('config')];
      const names = await makeGroup(ctx);
      const minimumHealthyHosts = { type: 'HOST_COUNT' as const, value: 0 };
      const iamUserArn = `arn:aws:iam::000000000000:user/${instanceName}`;
      const endings = await atOnce(ctx, [
        ...twice((client) => client.call('CreateApplication', { applicationName })),
        ...twice((client) =>
          client.call('CreateDeploymentGroup', { ...names, deploymentGroupName: 'new', serviceRoleArn: ROLE }),
        ),
        ...twice((client) => client.call('RegisterOnPremisesInstance', { instanceName, iamUserArn })),
        ...twice((client) =>
          client.call('CreateDeploymentConfig', { deploymentConfigName: config, minimumHealthyHosts }),
        ),
      ]);
      for (let first = 0; first < endings.length; first += 2) {
        const done = endings.slice(first, first + 2).filter((ending) => ending === 'done').length;
        if (done > 1) ctx.damage.overLimit += 1;
      }
    },
  },
  {
    name: 'an application is deleted while much is made in it',
    async run(ctx) {
      const names = await makeGroup(ctx);
      const { applicationName } = names;
      const Tags = [{ Key: 'team', Value: 'web' }];
      await atOnce(ctx, [
        (client) => client.call('RegisterApplicationRevision', { applicationName, revision: revisionOf('one.zip') }),
        (client) =>
          client.call('CreateDeploymentGroup', {
            ...{ applicationName, deploymentGroupName: 'late', serviceRoleArn: ROLE, tags: Tags },
          }),
        (client) => client.call('CreateDeployment', { ...names, revision: revisionOf('two.zip') }),
        (client) => client.call('DeleteApplication', { applicationName }),
        (client) => client.call('TagResource', { ResourceArn: arnOf(`application:${applicationName}`), Tags }),
        (client) =>
          client.call('TagResource', { ResourceArn: arnOf(`deploymentgroup:${applicationName}/group`), Tags }),
        (client) =>
          client.call('UpdateDeploymentGroup', {
            ...{ applicationName, currentDeploymentGroupName: 'group', onPremisesInstanceTagFilters: FILTERS },
          }),
      ]);
      await countDangling(ctx, applicationName);
    },
  },
  {
    name: 'a group is deleted while it is deployed to, tagged and changed',
    async run(ctx) {
      const host = await registerInstance(ctx);
      const client = quietly(ctx);
      const names = await makeGroup(ctx, {
        ...{ onPremisesInstanceTagFilters: [{ Key: 'host', Value: host, Type: 'KEY_AND_VALUE' }] },
      });
      await client.call('AddTagsToOnPremisesInstances', {
        instanceNames: [host],
        tags: [{ Key: 'host', Value: host }],
      });
      const { applicationName } = names;
      await atOnce(ctx, [
        (other) => other.call('CreateDeployment', { ...names, revision: revisionOf('one.zip') }),
        (other) => other.call('DeleteDeploymentGroup', names),
        (other) =>
          other.call('TagResource', {
            ResourceArn: arnOf(`deploymentgroup:${applicationName}/group`),
            Tags: [{ Key: 'team', Value: 'web' }],
          }),
        (other) =>
          other.call('UpdateDeploymentGroup', {
            ...{ applicationName, currentDeploymentGroupName: 'group', autoRollbackConfiguration: ROLLBACK },
          }),
      ]);
      await client.call('DeregisterOnPremisesInstance', { instanceName: host });
      await countDangling(ctx, applicationName);
    },
  },
  {
    name: 'an application and its group are renamed while they are tagged',
    async run(ctx) {
      const { applicationName, deploymentGroupName } = await makeGroup(ctx);
      const [newApplicationName, newDeploymentGroupName] = [ctx.name('renamed'), 'renamed'];
      const tag = (Key: string) => [{ Key, Value: 'v' }];
      const endings = await atOnce(ctx, [
        (client) =>
          client.call('TagResource', { ResourceArn: arnOf(`application:${applicationName}`), Tags: tag('one') }),
        (client) => client.call('UpdateApplication', { applicationName, newApplicationName }),
        (client) =>
          client.call('TagResource', {
            ResourceArn: arnOf(`deploymentgroup:${applicationName}/${deploymentGroupName}`),
            Tags: tag('two'),
          }),
        (client) =>
          client.call('UpdateDeploymentGroup', {
            ...{ applicationName, currentDeploymentGroupName: deploymentGroupName, newDeploymentGroupName },
          }),
      ]);
      await countDangling(ctx, applicationName);
      await countDangling(ctx, newApplicationName);
      const rows = await ctx.store.db
        .selectFrom('resource_tags')
        .select('tag_key')
        .where('resource_arn', 'like', `%${newApplicationName}%`)
        .execute();
      const keys = rows.map((row) => row.tag_key);
      countLost(ctx, [endings[0] ?? '', endings[2] ?? ''], [keys.includes('one'), keys.includes('two')]);
    },
  },
  {
    name: 'a group gets two deployments, and is stopped',
    async run(ctx) {
      const host = await registerInstance(ctx);
      const client = quietly(ctx);
      const filters = [{ Key: 'host', Value: host, Type: 'KEY_AND_VALUE' as const }];
      const names = await makeGroup(ctx, { onPremisesInstanceTagFilters: filters });
      await client.call('AddTagsToOnPremisesInstances', {
        instanceNames: [host],
        tags: [{ Key: 'host', Value: host }],
      });
      const endings = await atOnce(
        ctx,
        ['one.zip', 'two.zip', 'three.zip'].map(
          (key) => (other: ReturnType<typeof quietly>) =>
            other.call('CreateDeployment', { ...names, revision: revisionOf(key) }),
        ),
      );
      if (endings.filter((ending) => ending === 'done').length !== 1) ctx.damage.overLimit += 1;
      const { deployments = [] } = await client.call('ListDeployments', names);
      const [deploymentId = ''] = deployments;
      await atOnce(ctx, [
        (other) => other.call('StopDeployment', { deploymentId, autoRollbackEnabled: true }),
        (other) => other.call('DeregisterOnPremisesInstance', { instanceName: host }),
        (other) => other.call('DeleteDeploymentGroup', names),
        (other) => other.call('StopDeployment', { deploymentId }),
      ]);
      await countDangling(ctx, names.applicationName);
    },
  },
];

function twice(request: Request): [Request, Request] {
  return [request, request];
}

async function registerInstance(ctx: RaceContext): Promise<string> {
  const instanceName = ctx.name('host');
  const iamUserArn = `arn:aws:iam::000000000000:user/${instanceName}`;
  await quietly(ctx).call('RegisterOnPremisesInstance', { instanceName, iamUserArn });
  return instanceName;
}

function countLost(
  { damage }: { readonly damage: Damage },
  endings: readonly string[],
  isThere: readonly boolean[],
): void {
  for (const [index, ending] of endings.entries())
    if (ending === 'done' && isThere[index] !== true) damage.lostUpdates += 1;
}

/** Tags of what has this name no more, host states of groups that are gone, and deployments that would run for ever. */
async function countDangling(ctx: RaceContext, applicationName: string): Promise<void> {
  const { db } = ctx.store;
  const applications = await db
    .selectFrom('applications')
    .selectAll()
    .where('application_name', '=', applicationName)
    .execute();
  const groups = await db.selectFrom('deployment_groups').selectAll().execute();
  const own = groups.filter((group) => group.application_id === applications[0]?.application_id);
  const named = new Set([
    ...applications.map(() => arnOf(`application:${applicationName}`)),
    ...own.map((group) => arnOf(`deploymentgroup:${applicationName}/${group.deployment_group_name}`)),
  ]);
  const tags = await db.selectFrom('resource_tags').select('resource_arn').execute();
  const ofThis = tags.filter(({ resource_arn: arn }) => `${arn}/`.includes(`:${applicationName}/`));
  ctx.damage.dangling += ofThis.filter(({ resource_arn: arn }) => !named.has(arn)).length;
  const ids = new Set(groups.map((group) => group.deployment_group_id));
  const states = await db.selectFrom('host_states').select('deployment_group_id').execute();
  ctx.damage.dangling += states.filter((state) => !ids.has(state.deployment_group_id)).length;
}
