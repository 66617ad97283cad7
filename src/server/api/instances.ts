import { ApiError } from '../../protocol/errors.ts';
import { isMember, type TagFilter } from '../engine/membership.ts';
import { deregisterHost, findInstance } from '../store/hosts.ts';
import type { InstanceRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { checkFilter } from './group-settings.ts';
import { checkName, INSTANCE, readList, readName, readNames, readText, requireObject } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { resourceArn, type Tag } from './tags.ts';

const MAX_BATCH = 25;
const MAX_TAGGED_AT_ONCE = 100;
const MAX_TAGS = 10;
const MAX_KEY = 128;
const MAX_VALUE = 256;
const SUFFIX_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const USER_ARN = /^arn:aws[a-z-]*:iam::\d{12}:user\/[A-Za-z0-9/+=,.@_-]+$/;
const SESSION_ARN = /^arn:aws[a-z-]*:sts::\d{12}:assumed-role\/[A-Za-z0-9+=,.@_-]+\/[A-Za-z0-9+=,.@_-]+$/;

export async function tagsOf(db: StoreReader, instanceIds: readonly string[]): Promise<ReadonlyMap<string, Tag[]>> {
  const tags = new Map<string, Tag[]>();
  if (instanceIds.length === 0) return tags;
  const rows = await db
    .selectFrom('instance_tags')
    .selectAll()
    .where('instance_id', 'in', instanceIds)
    .orderBy('tag_key')
    .execute();
  for (const { instance_id, tag_key, tag_value } of rows) {
    tags.set(instance_id, [...(tags.get(instance_id) ?? []), { Key: tag_key, Value: tag_value }]);
  }
  return tags;
}

/** `tags` is always there: `aws deploy deregister` fails on an instance without. */
function instanceInfo(row: InstanceRow, tags: readonly Tag[]) {
  return {
    instanceName: row.instance_name,
    ...(row.arn_kind === 'user' ? { iamUserArn: row.host_arn } : { iamSessionArn: row.host_arn }),
    instanceArn: row.instance_arn,
    registerTime: seconds(row.registered_at_ms),
    ...(row.deregistered_at_ms === null ? {} : { deregisterTime: seconds(row.deregistered_at_ms) }),
    tags: [...tags],
  };
}

/** The newest record of a name, registered or not. */
async function newestRecord(db: StoreReader, name: string): Promise<InstanceRow | null> {
  const rows = await db
    .selectFrom('instances')
    .selectAll()
    .where('instance_name', '=', name)
    .orderBy('registered_at_ms', 'desc')
    .limit(1)
    .execute();
  return (await findInstance(db, name)) ?? rows[0] ?? null;
}

function readArn(input: Input): { kind: 'user' | 'session'; arn: string } {
  const user = readText(input, 'iamUserArn');
  const session = readText(input, 'iamSessionArn');
  if (user !== null && session !== null) {
    throw new ApiError(
      'MultipleIamArnsProvidedException',
      'Both an iamUserArn and an iamSessionArn were given; an instance has one.',
    );
  }
  if (user !== null) {
    if (!USER_ARN.test(user)) throw new ApiError('InvalidIamUserArnException', `'${user}' is no ARN of an IAM user.`);
    return { kind: 'user', arn: user };
  }
  if (session === null) throw new ApiError('IamArnRequiredException', 'An iamUserArn or an iamSessionArn is needed.');
  if (!SESSION_ARN.test(session))
    throw new ApiError('InvalidIamSessionArnException', `'${session}' is no ARN of an STS session.`);
  return { kind: 'session', arn: session };
}

function readInstanceTags(input: Input): Tag[] {
  const list = readList(input, 'tags');
  if (list === null || list.length === 0)
    throw new ApiError('TagRequiredException', 'The list tags is missing or empty.');
  return list.map((entry) => {
    const tag = requireObject(entry, 'tags');
    const Key = readText(tag, 'Key') ?? '';
    const Value = readText(tag, 'Value') ?? '';
    if (Key === '' || Value === '' || Key.length > MAX_KEY || Value.length > MAX_VALUE) {
      throw new ApiError(
        'InvalidTagException',
        `A tag needs a Key of 1 to ${MAX_KEY} and a Value of 1 to ${MAX_VALUE} characters.`,
      );
    }
    return { Key, Value };
  });
}

async function requireInstances(db: StoreReader, names: readonly string[]): Promise<InstanceRow[]> {
  const rows: InstanceRow[] = [];
  for (const name of names) {
    const row = await findInstance(db, name);
    if (row === null) throw new ApiError('InstanceNotRegisteredException', `The instance ${name} is not registered.`);
    rows.push(row);
  }
  return rows;
}

function readTaggedNames(input: Input): string[] {
  const names = readList(input, 'instanceNames') ?? [];
  if (names.length > MAX_TAGGED_AT_ONCE) {
    throw new ApiError(
      'InstanceLimitExceededException',
      `instanceNames has ${names.length} entries; ${MAX_TAGGED_AT_ONCE} is the limit.`,
    );
  }
  return readNames(input, 'instanceNames', INSTANCE, MAX_TAGGED_AT_ONCE);
}

export const instanceHandlers: Handlers<
  | 'RegisterOnPremisesInstance'
  | 'DeregisterOnPremisesInstance'
  | 'GetOnPremisesInstance'
  | 'BatchGetOnPremisesInstances'
  | 'ListOnPremisesInstances'
  | 'AddTagsToOnPremisesInstances'
  | 'RemoveTagsFromOnPremisesInstances'
> = {
  async RegisterOnPremisesInstance(ctx, input) {
    const name = readName(input, 'instanceName', INSTANCE);
    if (name.startsWith('i-'))
      throw new ApiError('InvalidInstanceNameException', "The name of an on-premises instance cannot begin with 'i-'.");
    const { kind, arn } = readArn(input);
    await ctx.store.transaction(async (tx) => {
      if ((await findInstance(tx, name)) !== null) {
        throw new ApiError(
          'InstanceNameAlreadyRegisteredException',
          `An instance with the name ${name} is registered already.`,
        );
      }
      const other = await tx
        .selectFrom('instances')
        .select('instance_name')
        .where('host_arn', '=', arn)
        .where('deregistered_at_ms', 'is', null)
        .executeTakeFirst();
      if (other !== undefined) {
        const type =
          kind === 'user' ? 'IamUserArnAlreadyRegisteredException' : 'IamSessionArnAlreadyRegisteredException';
        throw new ApiError(type, `${arn} is registered already, with the instance ${other.instance_name}.`);
      }
      await tx
        .insertInto('instances')
        .values({
          instance_id: ctx.random.uuid(),
          instance_name: name,
          instance_arn: resourceArn(ctx, `instance/${name}_${ctx.random.text(10, SUFFIX_LETTERS)}`),
          arn_kind: kind,
          host_arn: arn,
          registered_at_ms: ctx.clock.now(),
          deregistered_at_ms: null,
          last_polled_at_ms: null,
          agent_version: null,
        })
        .execute();
    });
    return {};
  },

  async DeregisterOnPremisesInstance(ctx, input) {
    const name = readName(input, 'instanceName', INSTANCE);
    const gone = await ctx.store.transaction((tx) => deregisterHost(tx, ctx.store.wakeUps, name, ctx.clock.now()));
    if (gone === null) return {};
    ctx.waiters.wake(gone.hostArn);
    for (const deploymentId of gone.deploymentIds) await ctx.engine.step(deploymentId);
    return {};
  },

  async GetOnPremisesInstance(ctx, input) {
    const name = readName(input, 'instanceName', INSTANCE);
    const row = await newestRecord(ctx.store.db, name);
    if (row === null) throw new ApiError('InstanceNotRegisteredException', `The instance ${name} is not registered.`);
    const tags = await tagsOf(ctx.store.db, [row.instance_id]);
    return { instanceInfo: instanceInfo(row, tags.get(row.instance_id) ?? []) };
  },

  async BatchGetOnPremisesInstances(ctx, input) {
    const names = readNames(input, 'instanceNames', INSTANCE, MAX_BATCH);
    const rows = (await Promise.all(names.map((name) => newestRecord(ctx.store.db, name)))).filter(
      (row) => row !== null,
    );
    const tags = await tagsOf(
      ctx.store.db,
      rows.map((row) => row.instance_id),
    );
    return { instanceInfos: rows.map((row) => instanceInfo(row, tags.get(row.instance_id) ?? [])) };
  },

  async ListOnPremisesInstances(ctx, input) {
    const status = readText(input, 'registrationStatus');
    if (status !== null && status !== 'Registered' && status !== 'Deregistered') {
      throw new ApiError(
        'InvalidRegistrationStatusException',
        `registrationStatus must be Registered or Deregistered, but is '${status}'.`,
      );
    }
    const filters = (readList(input, 'tagFilters') ?? []).map((entry) => {
      const filter = requireObject(entry, 'tagFilters');
      checkFilter(filter, 'tagFilters', 'InvalidTagFilterException');
      return filter as TagFilter;
    });
    const token = readPageToken(ctx, 'ListOnPremisesInstances', input);
    let query = ctx.store.db
      .selectFrom('instances')
      .selectAll()
      .where('instance_name', '>', token.after)
      .orderBy('instance_name');
    if (status === 'Registered') query = query.where('deregistered_at_ms', 'is', null);
    if (status === 'Deregistered') query = query.where('deregistered_at_ms', 'is not', null);
    const rows = await query.execute();
    const tags = await tagsOf(
      ctx.store.db,
      rows.map((row) => row.instance_id),
    );
    const tagMap = (row: InstanceRow) =>
      new Map((tags.get(row.instance_id) ?? []).map(({ Key, Value }) => [Key, Value]));
    const matching = rows.filter(
      (row) => filters.length === 0 || isMember({ tags: tagMap(row) }, { onPremisesInstanceTagFilters: filters }),
    );
    const names = [...new Set(matching.map((row) => row.instance_name))].slice(0, PAGE_SIZE + 1);
    const { rows: instanceNames, ...rest } = toPage(names, token, (name) => checkName(name, INSTANCE));
    return { instanceNames, ...rest };
  },

  async AddTagsToOnPremisesInstances(ctx, input) {
    const tags = readInstanceTags(input);
    const names = readTaggedNames(input);
    await ctx.store.transaction(async (tx) => {
      for (const { instance_id, instance_name } of await requireInstances(tx, names)) {
        for (const { Key, Value } of tags) {
          await tx
            .insertInto('instance_tags')
            .values({ instance_id, tag_key: Key, tag_value: Value })
            .onConflict((conflict) => conflict.columns(['instance_id', 'tag_key']).doUpdateSet({ tag_value: Value }))
            .execute();
        }
        const all = (await tagsOf(tx, [instance_id])).get(instance_id) ?? [];
        if (all.length > MAX_TAGS) {
          throw new ApiError(
            'TagLimitExceededException',
            `The instance ${instance_name} would have ${all.length} tags; ${MAX_TAGS} is the limit.`,
          );
        }
      }
    });
    return {};
  },

  async RemoveTagsFromOnPremisesInstances(ctx, input) {
    const tags = readInstanceTags(input);
    const names = readTaggedNames(input);
    await ctx.store.transaction(async (tx) => {
      for (const { instance_id } of await requireInstances(tx, names)) {
        for (const { Key, Value } of tags) {
          await tx
            .deleteFrom('instance_tags')
            .where('instance_id', '=', instance_id)
            .where('tag_key', '=', Key)
            .where('tag_value', '=', Value)
            .execute();
        }
      }
    });
    return {};
  },
};
