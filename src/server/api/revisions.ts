import { ApiError } from '../../protocol/errors.ts';
import { type KeyScope, reachOf } from '../../protocol/management/key-scope.ts';
import { identityOf, parseLocation, s3IdentityPrefix } from '../../protocol/management/revision-location.ts';
import { targetRevisionsOf } from '../store/deployment-groups.ts';
import { findRevision, listRevisions, putRevision, type RevisionFilter } from '../store/revisions.ts';
import type { RevisionRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { platformOf, requireApplication, requireHeldApplication, requirePlatform } from './applications.ts';
import { type Handlers, seconds } from './context.ts';
import { APPLICATION, readDescription, readList, readName, requireBatch } from './input.ts';
import { PAGE_SIZE, readPageToken, toPage } from './paging.ts';
import { type RevisionListFilter, readListFilter } from './revision-filter.ts';
import { readRevision, revisionRow } from './revision-input.ts';

const MAX_BATCH = 25;

/** Groups that the caller may not see are not named to it. */
async function revisionInfo(db: StoreReader, row: RevisionRow, mayBeSeen: (groupName: string) => boolean) {
  const groups = await targetRevisionsOf(db, row.application_id);
  const using = groups.filter((group) => identityOf(parseLocation(group.revisionJson)) === row.identity);
  return {
    ...(row.description === null ? {} : { description: row.description }),
    deploymentGroups: using.map((group) => group.groupName).filter(mayBeSeen),
    registerTime: seconds(row.registered_at_ms),
    ...(row.first_used_at_ms === null ? {} : { firstUsedTime: seconds(row.first_used_at_ms) }),
    ...(row.last_used_at_ms === null ? {} : { lastUsedTime: seconds(row.last_used_at_ms) }),
  };
}

export const revisionHandlers: Handlers<
  'RegisterApplicationRevision' | 'GetApplicationRevision' | 'BatchGetApplicationRevisions' | 'ListApplicationRevisions'
> = {
  async RegisterApplicationRevision(ctx, input) {
    const name = readName(input, 'applicationName', APPLICATION);
    const platform = await platformOf(ctx.store.db, name);
    const revision = readRevision(input, { path: 'revision', platform });
    const description = readDescription(input);
    await ctx.store.transaction(async (tx) => {
      const { application_id } = requirePlatform(await requireHeldApplication(tx, name), platform);
      await putRevision(tx, revisionRow(ctx, application_id, revision, description));
    });
    return {};
  },

  async GetApplicationRevision(ctx, input, { scope }) {
    const name = readName(input, 'applicationName', APPLICATION);
    const mayBeSeen = groupsWithin(scope, name);
    const platform = await platformOf(ctx.store.db, name);
    const revision = readRevision(input, { path: 'revision', platform, isLookup: true });
    const { application_id } = await requireApplication(ctx.store.db, name);
    const row = await findRevision(ctx.store.db, application_id, identityOf(revision));
    if (row === null)
      throw new ApiError('RevisionDoesNotExistException', `No such revision is registered with ${name}.`);
    return { applicationName: name, revision, revisionInfo: await revisionInfo(ctx.store.db, row, mayBeSeen) };
  },

  async BatchGetApplicationRevisions(ctx, input, { scope }) {
    const name = readName(input, 'applicationName', APPLICATION);
    const mayBeSeen = groupsWithin(scope, name);
    const list = readList(input, 'revisions') ?? [];
    requireBatch(list, 'revisions', MAX_BATCH);
    const platform = await platformOf(ctx.store.db, name);
    const locations = list.map((entry, index) => {
      const path = `revisions[${index}]`;
      return readRevision({ [path]: entry }, { path, platform, isLookup: true });
    });
    const { application_id } = await requireApplication(ctx.store.db, name);
    const rows = await Promise.all(
      locations.map((location) => findRevision(ctx.store.db, application_id, identityOf(location))),
    );
    const missing = rows.filter((row) => row === null).length;
    const revisions = await Promise.all(
      rows.flatMap((row, index) => {
        const revisionLocation = locations[index];
        if (row === null || revisionLocation === undefined) return [];
        return revisionInfo(ctx.store.db, row, mayBeSeen).then((genericRevisionInfo) => ({
          revisionLocation,
          genericRevisionInfo,
        }));
      }),
    );
    return {
      applicationName: name,
      errorMessage: missing === 0 ? '' : `${missing} of the revisions do not exist.`,
      revisions,
    };
  },

  async ListApplicationRevisions(ctx, input) {
    const name = readName(input, 'applicationName', APPLICATION);
    const filter = readListFilter(input);
    const token = readPageToken(ctx, 'ListApplicationRevisions', input);
    const { application_id } = await requireApplication(ctx.store.db, name);
    const [sortedBy, revisionId] = token.after.split(' ');
    const found = await listRevisions(ctx.store.db, {
      applicationId: application_id,
      sortBy: filter.sortBy,
      descending: filter.descending,
      identityPrefix: filter.place === null ? null : s3IdentityPrefix(filter.place.bucket, filter.place.keyPrefix),
      identities: await deployedIdentities(ctx.store.db, application_id, filter.deployed),
      after: revisionId === undefined ? null : { sortedByMs: Number(sortedBy), revisionId },
      limit: PAGE_SIZE + 1,
    });
    const { rows, ...rest } = toPage(found, token, (row) => `${row.sorted_by_ms} ${row.revision_id}`);
    return { revisions: rows.map((row) => parseLocation(row.location_json)), ...rest };
  },
};

function groupsWithin(scope: KeyScope | null, applicationName: string): (groupName: string) => boolean {
  const reach = reachOf(scope);
  return (groupName) => reach.hasGroup(applicationName, groupName);
}

/** Reads the filter `deployed`: revisions that are the target of a group, or those that are not. */
async function deployedIdentities(
  db: StoreReader,
  applicationId: string,
  deployed: RevisionListFilter['deployed'],
): Promise<RevisionFilter['identities']> {
  if (deployed === 'ignore') return null;
  const groups = await targetRevisionsOf(db, applicationId);
  const list = [...new Set(groups.map(({ revisionJson }) => identityOf(parseLocation(revisionJson))))];
  return { are: deployed === 'include' ? 'in' : 'not in', list };
}
