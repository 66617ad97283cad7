import { ApiError } from '../../protocol/errors.ts';
import { deregisterHost } from '../store/hosts.ts';
import { instanceTagsOf, listTaggedNames, putInstanceTags, removeInstanceTags } from '../store/instance-tags.ts';
import {
  findInstance,
  findInstanceByArn,
  insertInstance,
  listInstanceNames,
  lockInstances,
  newestRecordOf,
} from '../store/instances.ts';
import type { InstanceRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { Tag, TagFilter } from '../store/tag.ts';
import { type Handlers, type Input, seconds } from './context.ts';
import { checkHostName } from './host-name.ts';
import {
  checkChoice,
  INSTANCE,
  quote,
  readList,
  readName,
  readNames,
  readText,
  requireBatch,
  requireObject,
} from './input.ts';
import { readInstanceTags, requireFewTags } from './instance-tags-input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { resourceArn } from './resource-arn.ts';
import { checkFilter } from './settings/tag-filters.ts';
import { problemOfNewTagKey, problemOfTagKey } from './tag-limits.ts';

const MAX_BATCH = 25;
const MAX_TAGGED_AT_ONCE = 100;
const STATUSES = ['Registered', 'Deregistered'] as const;
const SUFFIX_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const USER_ARN = /^arn:aws[a-z-]*:iam::\d{12}:user\/[A-Za-z0-9/+=,.@_-]{1,380}$/;
const SESSION_ARN = /^arn:aws[a-z-]*:sts::\d{12}:assumed-role\/[A-Za-z0-9+=,.@_-]{1,128}\/[A-Za-z0-9+=,.@_-]{1,128}$/;

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

/** @throws ApiError MultipleIamArnsProvidedException, InvalidIamUserArnException, InvalidIamSessionArnException */
function readArn(input: Input): { kind: 'user' | 'session'; arn: string } {
  const user = readText(input, 'iamUserArn');
  const session = readText(input, 'iamSessionArn') || null;
  if (user !== null && session !== null) {
    throw new ApiError(
      'MultipleIamArnsProvidedException',
      'iamUserArn and iamSessionArn were both given; an instance has one of them.',
    );
  }
  const [kind, arn, member] =
    session === null ? (['user', user ?? '', 'iamUserArn'] as const) : (['session', session, 'iamSessionArn'] as const);
  if ((kind === 'user' ? USER_ARN : SESSION_ARN).test(arn)) return { kind, arn };
  throw new ApiError(
    kind === 'user' ? 'InvalidIamUserArnException' : 'InvalidIamSessionArnException',
    `${member} must be the ARN of ${kind === 'user' ? 'an IAM user' : 'an STS session'}, but is ${quote(arn)}.`,
  );
}

/** Locks the instances whose tags are to be changed. @throws ApiError InstanceNotRegisteredException for the first that is not */
async function lockTagged(tx: StoreTransaction, names: readonly string[]): Promise<InstanceRow[]> {
  const rows = await lockInstances(tx, names);
  const missing = names.find((name) => !rows.some((row) => row.instance_name === name));
  if (missing === undefined) return rows;
  throw new ApiError('InstanceNotRegisteredException', `The instance ${missing} is not registered.`);
}

/** @throws ApiError InstanceLimitExceededException, InvalidInstanceNameException */
function readTaggedNames(input: Input): string[] {
  requireBatch(
    readList(input, 'instanceNames') ?? [],
    'instanceNames',
    MAX_TAGGED_AT_ONCE,
    'InstanceLimitExceededException',
  );
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
    const name = checkHostName(input);
    const { kind, arn } = readArn(input);
    await ctx.store.transaction(async (tx) => {
      if ((await findInstance(tx, name)) !== null) {
        throw new ApiError(
          'InstanceNameAlreadyRegisteredException',
          `An instance with the name ${name} is registered already.`,
        );
      }
      const other = await findInstanceByArn(tx, arn);
      if (other !== null) {
        const type =
          kind === 'user' ? 'IamUserArnAlreadyRegisteredException' : 'IamSessionArnAlreadyRegisteredException';
        throw new ApiError(type, `${arn} is registered already, with the instance ${other.instance_name}.`);
      }
      await insertInstance(tx, {
        instance_id: ctx.random.uuid(),
        instance_name: name,
        instance_arn: resourceArn(ctx, `instance/${name}_${ctx.random.text(10, SUFFIX_LETTERS)}`),
        arn_kind: kind,
        host_arn: arn,
        registered_at_ms: ctx.clock.now(),
      });
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
    const row = await newestRecordOf(ctx.store.db, name);
    if (row === null) throw new ApiError('InstanceNotRegisteredException', `The instance ${name} is not registered.`);
    const tags = await instanceTagsOf(ctx.store.db, [row.instance_id]);
    return { instanceInfo: instanceInfo(row, tags.get(row.instance_id) ?? []) };
  },

  async BatchGetOnPremisesInstances(ctx, input) {
    const names = readNames(input, 'instanceNames', INSTANCE, MAX_BATCH);
    const rows = (await Promise.all(names.map((name) => newestRecordOf(ctx.store.db, name)))).filter(
      (row) => row !== null,
    );
    const tags = await instanceTagsOf(
      ctx.store.db,
      rows.map((row) => row.instance_id),
    );
    return { instanceInfos: rows.map((row) => instanceInfo(row, tags.get(row.instance_id) ?? [])) };
  },

  async ListOnPremisesInstances(ctx, input) {
    const given = readText(input, 'registrationStatus');
    const status =
      given === null ? null : checkChoice(given, 'registrationStatus', STATUSES, 'InvalidRegistrationStatusException');
    const filters = (readList(input, 'tagFilters') ?? []).map((entry, index) => {
      const path = `tagFilters[${index}]`;
      const filter = requireObject(entry, path);
      checkFilter(filter, path, 'InvalidTagFilterException');
      return filter as TagFilter;
    });
    const token = readPageToken(ctx, 'ListOnPremisesInstances', input);
    const page = { after: token.after, limit: PAGE_SIZE + 1 };
    const { db } = ctx.store;
    // A record of an instance has no tags.
    const hasTags = status !== 'Deregistered';
    const names =
      filters.length === 0
        ? await listInstanceNames(db, status, page)
        : await listTaggedNames(db, hasTags ? filters : [], page);
    const { rows: instanceNames, ...rest } = toPage(names, token, (name) => name);
    return { instanceNames, ...rest };
  },

  async AddTagsToOnPremisesInstances(ctx, input) {
    const tags = readInstanceTags(input, problemOfNewTagKey);
    const names = readTaggedNames(input);
    await ctx.store.transaction(async (tx) => {
      for (const instance of await lockTagged(tx, names)) {
        await putInstanceTags(tx, instance, tags);
        const all = (await instanceTagsOf(tx, [instance.instance_id])).get(instance.instance_id) ?? [];
        requireFewTags(instance.instance_name, all);
      }
    });
    return {};
  },

  async RemoveTagsFromOnPremisesInstances(ctx, input) {
    const tags = readInstanceTags(input, problemOfTagKey);
    const names = readTaggedNames(input);
    await ctx.store.transaction(async (tx) => {
      for (const { instance_id } of await lockTagged(tx, names)) {
        await removeInstanceTags(tx, instance_id, tags);
      }
    });
    return {};
  },
};
