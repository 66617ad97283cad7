import { findUserByArn } from '../store/users.ts';
import type { IdentityCaller, IdentityContext, IdentityOperations } from './context.ts';

/**
 * Identity of a key, in the words of STS. A host's key is the identity that the host was registered with. A key of people has an ARN that
 * tells its role, `arn:aws:iam::ACCOUNT:user/slipway/ROLE/KEY`, so that a pipeline's log shows what it works with.
 */
export async function callerIdentity(
  ctx: Pick<IdentityContext, 'store' | 'accountId'>,
  { accessKeyId, role, hostArn }: IdentityCaller,
): Promise<{ readonly Arn: string; readonly UserId: string; readonly Account: string }> {
  const Account = ctx.accountId;
  if (hostArn === null) {
    return { Arn: `arn:aws:iam::${Account}:user/slipway/${role}/${accessKeyId}`, UserId: accessKeyId, Account };
  }
  const user = await findUserByArn(ctx.store.db, hostArn);
  return { Arn: hostArn, UserId: user?.user_id ?? accessKeyId, Account };
}

export const callerIdentityOperations: IdentityOperations = {
  GetCallerIdentity: {
    ...{ for: 'anyone', parameters: [] },
    call: async (ctx, _form, caller) => ({ ...(await callerIdentity(ctx, caller)) }),
  },
};
