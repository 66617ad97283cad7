import { ApiError } from '../../protocol/errors.ts';
import type { QueryOutput } from '../../protocol/query/answer.ts';
import { createdAtOfKey, enabledKeysOfHost } from '../store/access-keys.ts';
import type { UserRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { deleteUser, findUser, findUserOfAnyCase, insertUser, listUsers, lockUser } from '../store/users.ts';
import { callerIdentity } from './caller-identity.ts';
import { type IdentityCaller, type IdentityContext, type IdentityOperations, timestamp } from './context.ts';
import { pageOf, readPage, readPath, readUserName } from './parameters.ts';
import { changing } from './power.ts';

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** Below it are the identities that Slipway itself makes: of hosts, and of the keys of people. */
const OWN_PATH = '/slipway/';

export const userOperations: IdentityOperations = {
  CreateUser: {
    ...{ for: 'operator', parameters: ['UserName', 'Path'] },
    async call(ctx, form, caller) {
      const [name, path] = [readUserName(form, true), readPath(form)];
      if (path.startsWith(OWN_PATH)) {
        throw new ApiError(
          'ValidationError',
          `The Path ${OWN_PATH} is kept for the identities that Slipway makes itself.`,
        );
      }
      const user: Omit<UserRow, 'name_in_lower_case'> = {
        user_name: name,
        user_id: `AIDA${ctx.random.text(17, ID_LETTERS)}`,
        user_path: path,
        user_arn: `arn:aws:iam::${ctx.accountId}:user${path}${name}`,
        policies_json: '{}',
        created_at_ms: ctx.clock.now(),
      };
      await changing(ctx, caller, async (tx) => {
        const same = await findUserOfAnyCase(tx, name);
        if (same !== null) throw alreadyExists(same.user_name);
        await insertUser(tx, user);
      });
      return { User: userInfo(user) };
    },
  },

  GetUser: {
    ...{ for: 'operator', parameters: ['UserName'] },
    async call(ctx, form, caller) {
      if (!form.has('UserName')) return { User: await userOfCaller(ctx, caller) };
      const name = readUserName(form);
      return { User: userInfo((await findUser(ctx.store.db, name)) ?? noSuchUser(name)) };
    },
  },

  ListUsers: {
    ...{ for: 'operator', parameters: ['PathPrefix', 'Marker', 'MaxItems'] },
    async call(ctx, form) {
      const page = readPage(form);
      const pathPrefix = form.get('PathPrefix') ?? '/';
      const users = await listUsers(ctx.store.db, pathPrefix, { after: page.after, limit: page.size + 1 });
      return pageOf(page, users, 'Users', { show: userInfo, keyOf: (user) => user.user_name });
    },
  },

  DeleteUser: {
    ...{ for: 'operator', parameters: ['UserName'] },
    async call(ctx, form, caller) {
      const name = readUserName(form);
      await changing(ctx, caller, async (tx) => {
        const user = await requireUser(tx, name);
        const keys = await enabledKeysOfHost(tx, user.user_arn);
        if (keys.length > 0) throw deleteConflict('must delete access keys first');
        if (user.policies_json !== '{}') throw deleteConflict('must delete policies first');
        await deleteUser(tx, name);
      });
      return {};
    },
  },
};

/** Holds a user until the transaction ends. @throws ApiError NoSuchEntity */
export async function requireUser(tx: StoreTransaction, name: string): Promise<UserRow> {
  return (await lockUser(tx, name)) ?? noSuchUser(name);
}

/** @throws ApiError NoSuchEntity, always */
export function noSuchUser(name: string): never {
  throw new ApiError('NoSuchEntity', `The user with name ${name} cannot be found.`, { status: 404 });
}

function userInfo(user: Omit<UserRow, 'name_in_lower_case'>): QueryOutput {
  return {
    Path: user.user_path,
    UserName: user.user_name,
    UserId: user.user_id,
    Arn: user.user_arn,
    CreateDate: timestamp(user.created_at_ms),
  };
}

/** A key of people passes for a user of its own; keys of hosts do not come here. */
async function userOfCaller(ctx: IdentityContext, caller: IdentityCaller): Promise<QueryOutput> {
  const { Arn, UserId } = await callerIdentity(ctx, caller);
  const createdAtMs = (await createdAtOfKey(ctx.store.db, caller.accessKeyId)) ?? 0;
  const Path = `${OWN_PATH}${caller.role}/`;
  return { Path, UserName: caller.accessKeyId, UserId, Arn, CreateDate: timestamp(createdAtMs) };
}

function alreadyExists(name: string): ApiError {
  return new ApiError(
    'EntityAlreadyExists',
    `User with name ${name} already exists. If it is left over from a host, remove it with aws deploy deregister ` +
      '--instance-name NAME, or delete its policies, its access keys and then the user with aws iam.',
    { status: 409 },
  );
}

function deleteConflict(why: string): ApiError {
  return new ApiError('DeleteConflict', `Cannot delete entity, ${why}.`, { status: 409 });
}
