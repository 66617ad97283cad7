import { ApiError } from '../../protocol/errors.ts';
import { disableKey, type KeyDisabled } from '../engine/disable-key.ts';
import { createAccessKey, enabledKeysOfHost } from '../store/access-keys.ts';
import { findUser } from '../store/users.ts';
import { type IdentityContext, type IdentityOperations, timestamp } from './context.ts';
import { pageOf, readPage, readRequired, readUserName } from './parameters.ts';
import { changing } from './power.ts';
import { noSuchUser, requireUser } from './users.ts';

/** As many as IAM lets a user have, so that a key can be exchanged without a gap. */
const MAX_KEYS = 2;

/**
 * Access keys of users. Each is a key of role `host` that speaks for its user's ARN. It has no power before a host is registered with that
 * ARN, and none after that host was deregistered. A disabled key of a host stays so, and is deleted in the words of IAM.
 */
export const userKeyOperations: IdentityOperations = {
  CreateAccessKey: {
    ...{ for: 'operator', parameters: ['UserName'] },
    async call(ctx, form, caller) {
      const name = readUserName(form);
      const nowMs = ctx.clock.now();
      const key = await changing(ctx, caller, async (tx) => {
        const { user_arn: hostArn } = await requireUser(tx, name);
        const keys = await enabledKeysOfHost(tx, hostArn);
        if (keys.length >= MAX_KEYS) throw tooManyKeys(name);
        const { sealer, random } = ctx;
        const description = `user ${name}`;
        return createAccessKey(tx, { sealer, random, nowMs }, { role: 'host', hostArn, description });
      });
      return {
        AccessKey: {
          UserName: name,
          AccessKeyId: key.accessKeyId,
          Status: 'Active',
          SecretAccessKey: key.secretAccessKey,
          CreateDate: timestamp(nowMs),
        },
      };
    },
  },

  ListAccessKeys: {
    ...{ for: 'operator', parameters: ['UserName', 'Marker', 'MaxItems'] },
    async call(ctx, form) {
      const [name, page] = [readUserName(form), readPage(form)];
      const user = (await findUser(ctx.store.db, name)) ?? noSuchUser(name);
      const keys = (await enabledKeysOfHost(ctx.store.db, user.user_arn))
        .filter((key) => key.access_key_id > page.after)
        .sort((a, b) => (a.access_key_id < b.access_key_id ? -1 : 1));
      return pageOf(page, keys, 'AccessKeyMetadata', {
        keyOf: (key) => key.access_key_id,
        show: (key) => ({
          UserName: name,
          AccessKeyId: key.access_key_id,
          Status: 'Active',
          CreateDate: timestamp(key.created_at_ms),
        }),
      });
    },
  },

  DeleteAccessKey: {
    ...{ for: 'operator', parameters: ['UserName', 'AccessKeyId'] },
    async call(ctx, form, caller) {
      const [name, accessKeyId] = [readUserName(form), readRequired(form, 'AccessKeyId')];
      const disabled = await changing(ctx, caller, async (tx) => {
        const { user_arn: hostArn } = await requireUser(tx, name);
        const keys = await enabledKeysOfHost(tx, hostArn);
        if (!keys.some((key) => key.access_key_id === accessKeyId)) throw noSuchKey(accessKeyId);
        return disableKey(tx, ctx, accessKeyId);
      });
      if (disabled !== undefined) await tellOfDisabled(ctx, disabled);
      return {};
    },
  },
};

/** Ends what waits with the key, and drives on the deployments that waited for its host. */
async function tellOfDisabled(
  ctx: Pick<IdentityContext, 'waiters' | 'engine'>,
  { hostArn, deploymentIds }: KeyDisabled,
): Promise<void> {
  if (hostArn !== null) ctx.waiters.wake(hostArn);
  for (const deploymentId of deploymentIds) await ctx.engine.step(deploymentId);
}

function tooManyKeys(name: string): ApiError {
  return new ApiError(
    'LimitExceeded',
    `The user ${name} has ${MAX_KEYS} access keys already. Delete one that is no longer used.`,
    { status: 409 },
  );
}

function noSuchKey(accessKeyId: string): ApiError {
  const shown = accessKeyId.slice(0, 128);
  return new ApiError('NoSuchEntity', `The Access Key with id ${shown} cannot be found.`, { status: 404 });
}
