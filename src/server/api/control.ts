/** Operations beyond CodeDeploy: on keys, and on the server itself. */
import { ApiError } from '../../protocol/errors.ts';
import type { KeyScope } from '../../protocol/management/key-scope.ts';
import { disableKey } from '../engine/disable-key.ts';
import { enableKey } from '../engine/enable-key.ts';
import { createAccessKey, listAccessKeys, readScope, roleOfKey } from '../store/access-keys.ts';
import type { Role } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { type Handlers, seconds } from './context.ts';
import { checkName, INSTANCE, readDescription, readText } from './input.ts';
import { readKeyScope } from './key-scope-input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';

const ROLES: readonly Role[] = ['admin', 'operator', 'viewer', 'host', 'hook'];
const HOST_ARN = /^arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:\d{12}:\S{1,400}$/;

export const controlHandlers: Handlers<
  'CreateAccessKey' | 'ListAccessKeys' | 'DisableAccessKey' | 'EnableAccessKey' | 'DescribeServer'
> = {
  async CreateAccessKey(ctx, input, caller) {
    const role = ROLES.find((known) => known === readText(input, 'role'));
    if (role === undefined) throw new ApiError('ValidationException', `role must be one of ${ROLES.join(', ')}.`);
    if (role !== 'host' && caller.role !== 'admin') {
      throw new ApiError(
        'AccessDeniedException',
        `A key of role ${caller.role} can make keys for hosts only, not for the role ${role}.`,
        { status: 403 },
      );
    }
    const instanceName = readText(input, 'instanceName');
    const given = readText(input, 'hostArn');
    if (role !== 'host' && (instanceName ?? given) !== null) {
      throw new ApiError(
        'ValidationException',
        `A key of role ${role} speaks for no host: leave out hostArn and instanceName.`,
      );
    }
    if (instanceName !== null && given !== null) {
      throw new ApiError(
        'ValidationException',
        'hostArn and instanceName both say which host the key is for: give one of them.',
      );
    }
    const minted =
      instanceName === null
        ? null
        : `arn:aws:iam::${ctx.accountId}:user/slipway/${checkName(instanceName, 'instanceName', INSTANCE)}`;
    const hostArn = role === 'host' ? (given ?? minted) : null;
    if (role === 'host' && (hostArn === null || !HOST_ARN.test(hostArn))) {
      throw new ApiError(
        'ValidationException',
        'A key of role host needs the hostArn that it speaks for, or an instanceName.',
      );
    }
    const scope = readKeyScope(input, role);
    const description = readDescription(input) ?? '';
    const key = await ctx.store.transaction((tx) =>
      createAccessKey(
        tx,
        { sealer: ctx.sealer, random: ctx.random, nowMs: ctx.clock.now() },
        { role, hostArn, scope, description },
      ),
    );
    return { ...key, role, ...(hostArn === null ? {} : { hostArn }), ...scopeMember(scope) };
  },

  /** Keys of people are the admins' business: an operator sees those of hosts. */
  async ListAccessKeys(ctx, input, caller) {
    const token = readPageToken(ctx, 'ListAccessKeys', input);
    const role = caller.role === 'admin' ? null : 'host';
    const found = await listAccessKeys(ctx.store.db, role, { after: token.after, limit: PAGE_SIZE + 1 });
    const { rows, ...rest } = toPage(found, token, (row) => row.access_key_id);
    return {
      accessKeys: rows.map((row) => ({
        accessKeyId: row.access_key_id,
        role: row.role,
        ...(row.host_arn === null ? {} : { hostArn: row.host_arn }),
        description: row.description,
        createTime: seconds(row.created_at_ms),
        disabled: row.disabled_at_ms !== null,
        ...scopeMember(readScope(row)),
        ...(row.issuer === null ? {} : { issuer: row.issuer }),
      })),
      ...rest,
    };
  },

  async DisableAccessKey(ctx, input, caller) {
    const accessKeyId = readText(input, 'accessKeyId') ?? '';
    const found = await ctx.store.transaction(async (tx) => {
      if (caller.role !== 'admin') await requireHostKey(tx, accessKeyId);
      const disabled = await disableKey(tx, ctx, accessKeyId);
      if (disabled !== undefined) return disabled;
      throw new ApiError('ValidationException', `There is no access key ${accessKeyId}.`);
    });
    if (found.hostArn !== null) ctx.waiters.wake(found.hostArn);
    for (const deploymentId of found.deploymentIds) await ctx.engine.step(deploymentId);
    return {};
  },

  async EnableAccessKey(ctx, input) {
    const accessKeyId = readText(input, 'accessKeyId') ?? '';
    await ctx.store.transaction(async (tx) => {
      const enabled = await enableKey(tx, ctx, accessKeyId);
      if (enabled === 'unknown') throw new ApiError('ValidationException', `There is no access key ${accessKeyId}.`);
      if (enabled === 'of-a-host') {
        const why = `${accessKeyId} is the key of a host, which gets another one: run slipway register --force on the host.`;
        throw new ApiError('ValidationException', why);
      }
    });
    return {};
  },

  async DescribeServer(ctx) {
    const { version, s3Endpoint, revisionBucket, signerCaCertificatePem } = ctx.server;
    return {
      version,
      region: ctx.region,
      accountId: ctx.accountId,
      s3Endpoint,
      revisionBucket,
      signerCaCertificatePem,
      signsOrders: true,
    };
  },
};

function scopeMember(scope: KeyScope | null) {
  return scope === null ? {} : { scope };
}

/** An operator may take back what it may give: keys of hosts. */
async function requireHostKey(db: StoreReader, accessKeyId: string): Promise<void> {
  if ((await roleOfKey(db, accessKeyId)) !== 'host') {
    throw new ApiError('AccessDeniedException', 'Only an admin may disable keys other than those of hosts.', {
      status: 403,
    });
  }
}
