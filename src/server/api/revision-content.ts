/** What is inside a revision, for people, and what a group would get that it does not have. */
import { ApiError } from '../../protocol/errors.ts';
import { reachOf } from '../../protocol/management/key-scope.ts';
import { identityOf, parseLocation, type RevisionLocation } from '../../protocol/management/revision-location.ts';
import type { RevisionDifferenceRecord } from '../../protocol/management/shapes.ts';
import { findDeployment } from '../store/deployments.ts';
import { findRevision } from '../store/revisions.ts';
import type { ApplicationRow } from '../store/schema.ts';
import { platformOf, requireApplication } from './applications.ts';
import type { ApiContext, Caller, Handlers, InsideOfBundle } from './context.ts';
import { requireGroup } from './deployment-groups.ts';
import { APPLICATION, GROUP, readName, readOptionalName } from './input.ts';
import { differenceOf, textDifference } from './revision-difference.ts';
import { readRevision } from './revision-input.ts';

type Inside = Exclude<InsideOfBundle, { readonly cannot: string }>;

export const revisionContentHandlers: Handlers<'DescribeRevisionContent'> = {
  async DescribeRevisionContent(ctx, input, caller) {
    const name = readName(input, 'applicationName', APPLICATION);
    const groupName = readOptionalName(input, 'deploymentGroupName', GROUP);
    const platform = await platformOf(ctx.store.db, name);
    const asked = readRevision(input, { path: 'revision', platform, isLookup: true });
    const application = await requireApplication(ctx.store.db, name);
    if (groupName !== null) requireReach(caller, name, groupName);
    const row = await findRevision(ctx.store.db, application.application_id, identityOf(asked));
    if (row === null)
      throw new ApiError('RevisionDoesNotExistException', `No such revision is registered with ${name}.`);
    const revision = parseLocation(row.location_json);
    requireOwnBundle(ctx, caller, name, revision);
    const inside = await ctx.lookInside(revision);
    if ('cannot' in inside) throw new ApiError('ValidationException', inside.cannot);
    const before = groupName === null ? null : await revisionBefore(ctx, application, groupName, revision);
    const difference =
      before === null ? null : await compare(ctx, inside, before, () => requireOwnBundle(ctx, caller, name, before));
    return {
      ...{ sizeBytes: inside.sizeBytes, files: inside.files },
      ...(inside.appSpec === null ? {} : { appSpec: inside.appSpec }),
      ...(inside.stoppedBecause === null ? {} : { incompleteBecause: inside.stoppedBecause }),
      ...(difference === null ? {} : { difference }),
    };
  },
};

/** @throws ApiError AccessDeniedException */
function requireReach({ scope, accessKeyId }: Caller, application: string, group: string): void {
  if (reachOf(scope).hasGroup(application, group)) return;
  const why = `The key ${accessKeyId} may not compare with the deployment group ${application}/${group}.`;
  throw new ApiError('AccessDeniedException', why, { status: 403 });
}

/**
 * A limited key reads no bundle through the server that it could not read by itself: those of its application in the server's own store.
 * It may register any location, and the server reads with rights of its own.
 *
 * @throws ApiError AccessDeniedException
 */
function requireOwnBundle(
  ctx: ApiContext,
  caller: Caller,
  application: string,
  { s3Location }: RevisionLocation,
): void {
  if (caller.scope === null || s3Location === undefined) return;
  const { bucket = '', key = '' } = s3Location;
  if (bucket === ctx.server.revisionBucket && key.startsWith(`${application}/`)) return;
  const why = `The key ${caller.accessKeyId} is limited to some applications. It may look into bundles s3://${ctx.server.revisionBucket}/${application}/… alone.`;
  throw new ApiError('AccessDeniedException', why, { status: 403 });
}

/** The last revision that a group got before this one, or has in its place; null: none. */
async function revisionBefore(
  ctx: ApiContext,
  application: ApplicationRow,
  groupName: string,
  revision: RevisionLocation,
): Promise<RevisionLocation | null> {
  const group = await requireGroup(ctx.store.db, application, groupName);
  const id = group.last_successful_deployment_id;
  const deployment = id === null ? null : await findDeployment(ctx.store.db, id);
  const candidates = [deployment?.revision_json, deployment?.previous_revision_json, group.target_revision_json];
  const others = candidates
    .flatMap((json) => (json ? [parseLocation(json)] : []))
    .filter((one) => identityOf(one) !== identityOf(revision));
  return others[0] ?? null;
}

async function compare(
  ctx: ApiContext,
  now: Inside,
  comparedWith: RevisionLocation,
  requireReadable: () => void,
): Promise<RevisionDifferenceRecord> {
  requireReadable();
  const before = await ctx.lookInside(comparedWith);
  const nothing = { comparedWith, added: [], removed: [], changed: [], sameCount: 0 };
  if ('cannot' in before) return { ...nothing, incompleteBecause: before.cannot };
  const reasons = [
    ...(now.stoppedBecause === null ? [] : [`of this revision, ${now.stoppedBecause}`]),
    ...(before.stoppedBecause === null ? [] : [`of the one before, ${before.stoppedBecause}`]),
  ];
  return {
    comparedWith,
    ...differenceOf(before.files, now.files),
    ...(now.appSpec !== null && before.appSpec !== null
      ? { appSpec: textDifference(before.appSpec.text, now.appSpec.text) }
      : {}),
    ...(reasons.length === 0 ? {} : { incompleteBecause: reasons.join('; ') }),
  };
}
