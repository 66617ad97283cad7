/** Enrolment of a host with a token: one transaction makes its record, its tags and its key, and takes a use of the token. */
import { timingSafeEqual } from 'node:crypto';
import { ApiError } from '../../protocol/errors.ts';
import { ENROL_OPERATION, type EnrolHostOutput } from '../../protocol/management/enrolment.ts';
import { sha256Hex } from '../../protocol/sigv4/sha256.ts';
import { starMatcher } from '../../system/wildcards.ts';
import { auditEntryOf } from '../audit/audited-call.ts';
import { disableKey } from '../engine/disable-key.ts';
import { createAccessKey, enabledKeysOfHost, lockKeysOfHost } from '../store/access-keys.ts';
import { insertAuditEntry } from '../store/audit-entries.ts';
import { findToken, takeUse } from '../store/enrolment-tokens.ts';
import { instanceTagsOf, putInstanceTags } from '../store/instance-tags.ts';
import { findInstance, findInstanceByArn, insertInstance } from '../store/instances.ts';
import { findPowerless, tryLockPower } from '../store/powers.ts';
import type { EnrolmentTokenRow, InstanceRow } from '../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../store/store.ts';
import type { Tag } from '../store/tag.ts';
import type { ApiContext, Input } from './context.ts';
import { checkHostName } from './host-name.ts';
import { readBoolean } from './input.ts';
import { requireFewTags } from './instance-tags-input.ts';
import { resourceArn } from './resource-arn.ts';

const MEMBERS = ['instanceName', 'takeOver'];
const SUFFIX_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * Finds a token by what a host sends of it. Asked before the request's body is read.
 *
 * @param onUnknown is told when there is no such token, or the secret is another one
 * @throws ApiError UnrecognizedClientException; who has the secret is told what became of the token
 */
export async function requireToken(
  { store, clock }: Pick<ApiContext, 'store' | 'clock'>,
  given: { readonly tokenId: string; readonly secret: string },
  onUnknown: () => void,
): Promise<EnrolmentTokenRow> {
  const row = await findToken(store.db, given.tokenId);
  const [kept, sent] = [row?.secret_sha256 ?? '', sha256Hex(given.secret)].map((text) => Buffer.from(text));
  if (row === null || kept?.length !== sent?.length || !timingSafeEqual(kept as Buffer, sent as Buffer)) {
    onUnknown();
    throw unusable('is not known here');
  }
  const why = await whyUnusable(store.db, row, clock.now());
  if (why !== null) throw unusable(why);
  return row;
}

/** @throws ApiError UnrecognizedClientException when another host had the last use, AccessDeniedException, or of a name that is refused */
export async function enrolHost(
  ctx: ApiContext,
  token: EnrolmentTokenRow,
  input: Input,
  requestId: string,
): Promise<EnrolHostOutput> {
  const unknown = Object.keys(input).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) {
    throw new ApiError('ValidationException', `${ENROL_OPERATION} has no member ${unknown.slice(0, 100)}.`);
  }
  const name = checkHostName(input);
  const takesOver = readBoolean(input, 'takeOver') ?? false;
  requireAllowed(token, name, takesOver);
  const { token_id: actor } = token;
  const audited = { requestId, actor, role: 'token', operation: ENROL_OPERATION, members: input } as const;
  const made = await ctx.store.transaction(async (tx) => {
    const nowMs = ctx.clock.now();
    const hasPower = await tryLockPower(tx, { accessKeyId: token.made_by, hostArn: null });
    if (!hasPower || !(await takeUse(tx, actor, nowMs))) {
      const row = await findToken(tx, actor);
      throw unusable((row && (await whyUnusable(tx, row, nowMs))) ?? 'has no power any more');
    }
    const host = await makeHost(tx, ctx, token, { name, takesOver });
    await insertAuditEntry(tx, auditEntryOf(audited, host.key.accessKeyId, nowMs));
    return host;
  });
  // What an earlier agent of the host waits with, and the deployments that have waited for it.
  ctx.waiters.wake(made.hostArn);
  for (const deploymentId of made.deploymentIds) await ctx.engine.step(deploymentId);
  const { s3Endpoint, signerCaCertificatePem } = ctx.server;
  const { hostArn, key, tags } = made;
  return { hostArn, ...key, region: ctx.region, s3Endpoint, signerCaCertificatePem, tags };
}

interface Wish {
  readonly name: string;
  readonly takesOver: boolean;
}

/** Earlier keys of the host are disabled: from now on one machine alone has its identity. */
async function makeHost(tx: StoreTransaction, ctx: ApiContext, token: EnrolmentTokenRow, { name, takesOver }: Wish) {
  const hostArn = `arn:aws:iam::${ctx.accountId}:user/slipway/${name}`;
  await lockKeysOfHost(tx, hostArn);
  const deploymentIds: string[] = [];
  for (const { access_key_id } of await enabledKeysOfHost(tx, hostArn)) {
    deploymentIds.push(...((await disableKey(tx, ctx, access_key_id))?.deploymentIds ?? []));
  }
  const instance = (await takenOver(tx, { name, takesOver }, hostArn)) ?? (await newInstance(tx, ctx, name, hostArn));
  await putInstanceTags(tx, instance, JSON.parse(token.tags_json) as Tag[]);
  const tags = (await instanceTagsOf(tx, [instance.instance_id])).get(instance.instance_id) ?? [];
  requireFewTags(name, tags);
  const making = { sealer: ctx.sealer, random: ctx.random, nowMs: ctx.clock.now() };
  const description = `host ${name}, enrolled with ${token.token_id}`;
  const key = await createAccessKey(tx, making, { role: 'host', hostArn, description });
  return { hostArn, key, tags, deploymentIds };
}

/** @returns null: no host of the name is registered @throws ApiError InstanceNameAlreadyRegisteredException, IamUserArnAlreadyRegisteredException */
async function takenOver(
  tx: StoreTransaction,
  { name, takesOver }: Wish,
  hostArn: string,
): Promise<InstanceRow | null> {
  const there = await findInstance(tx, name);
  if (there === null) await refuseTakenArn(tx, hostArn);
  if (there === null || (takesOver && there.host_arn === hostArn)) return there;
  const why = takesOver ? `with another identity, ${there.host_arn}` : 'already';
  throw new ApiError(
    'InstanceNameAlreadyRegisteredException',
    `An instance with the name ${name} is registered ${why}.`,
  );
}

/** An instance of another name may have been registered with the ARN that a host of this name would get. @throws ApiError */
async function refuseTakenArn(tx: StoreTransaction, hostArn: string): Promise<void> {
  const other = await findInstanceByArn(tx, hostArn);
  if (other === null) return;
  throw new ApiError(
    'IamUserArnAlreadyRegisteredException',
    `${hostArn} is registered already, with the instance ${other.instance_name}.`,
  );
}

async function newInstance(tx: StoreTransaction, ctx: ApiContext, name: string, hostArn: string) {
  const instance = {
    instance_id: ctx.random.uuid(),
    instance_name: name,
    instance_arn: resourceArn(ctx, `instance/${name}_${ctx.random.text(10, SUFFIX_LETTERS)}`),
    arn_kind: 'user',
    host_arn: hostArn,
    registered_at_ms: ctx.clock.now(),
  } as const;
  await insertInstance(tx, instance);
  return instance;
}

/** @throws ApiError AccessDeniedException */
function requireAllowed(token: EnrolmentTokenRow, name: string, takesOver: boolean): void {
  const denied = (why: string) =>
    new ApiError('AccessDeniedException', `The enrolment token ${token.token_id} ${why}.`, { status: 403 });
  if (token.name_pattern !== null && !starMatcher(token.name_pattern)(name)) {
    throw denied(`is for hosts of the name ${token.name_pattern}, not for ${name}`);
  }
  if (takesOver && token.may_take_over !== 1) throw denied('does not allow to take over a host that is registered');
}

/** @returns null: nothing keeps it from being used */
async function whyUnusable(db: StoreReader, row: EnrolmentTokenRow, nowMs: number): Promise<string | null> {
  if (row.revoked_at_ms !== null) return `was revoked on ${new Date(row.revoked_at_ms).toISOString()}`;
  if (row.expires_at_ms <= nowMs) return `has ended on ${new Date(row.expires_at_ms).toISOString()}`;
  if (row.uses_left < 1) return `has no uses left of its ${row.uses}`;
  return (await findPowerless(db, row.made_by)) === null
    ? null
    : `has ended with the access key ${row.made_by} that made it`;
}

function unusable(why: string): ApiError {
  return new ApiError(
    'UnrecognizedClientException',
    `This enrolment token ${why}. Make one with slipway server tokens create.`,
  );
}
