import { ApiError } from '../../protocol/errors.ts';
import { reachOf } from '../../protocol/management/key-scope.ts';
import { isOfApplication } from '../engine/git-access.ts';
import {
  deleteApplication,
  findApplication,
  holdApplication,
  insertApplication,
  listApplicationNames,
  lockApplication,
  renameApplication,
} from '../store/applications.ts';
import { listGitTokens } from '../store/git-tokens.ts';
import { putResourceTags } from '../store/resource-tags.ts';
import type { ApplicationRow, GitTokenRow } from '../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../store/store.ts';
import { type Platform, readPlatform, requireReachable } from './compute-platform.ts';
import { type Handlers, seconds } from './context.ts';
import { endShifts, requireNoShift } from './end-shifts.ts';
import { APPLICATION, readName, readNames, readOptionalName } from './input.ts';
import { PAGE_SIZE, readPageToken, toVisiblePage } from './paging.ts';
import { requireRoomForApplication } from './quotas.ts';
import { resourceArn } from './resource-arn.ts';
import { moveApplicationTags, readTags } from './tags.ts';

const MAX_BATCH = 100;

/** @throws ApiError ApplicationDoesNotExistException */
export async function requireApplication(db: StoreReader, name: string): Promise<ApplicationRow> {
  return present(await findApplication(db, name), name);
}

/** For a transaction that makes a group in the application, one at a time. @throws ApiError ApplicationDoesNotExistException */
export async function requireLockedApplication(tx: StoreTransaction, name: string): Promise<ApplicationRow> {
  return present(await lockApplication(tx, name), name);
}

/** For a transaction that makes something in the application. @throws ApiError ApplicationDoesNotExistException */
export async function requireHeldApplication(tx: StoreTransaction, name: string): Promise<ApplicationRow> {
  return present(await holdApplication(tx, name), name);
}

/** Returns the platform of an application; hosts if there is no such application, which a later check reports. It never changes. */
export async function platformOf(db: StoreReader, applicationName: string): Promise<Platform> {
  return (await findApplication(db, applicationName))?.compute_platform ?? 'Server';
}

/**
 * For a transaction that goes by what `platformOf` has said.
 *
 * @throws ApiError ApplicationDoesNotExistException where somebody has deleted the application meanwhile, and made another one
 */
export function requirePlatform(application: ApplicationRow, platform: Platform): ApplicationRow {
  return present(application.compute_platform === platform ? application : null, application.application_name);
}

function present(row: ApplicationRow | null, name: string): ApplicationRow {
  if (row === null) throw new ApiError('ApplicationDoesNotExistException', `No application found for name: ${name}`);
  return row;
}

/** The token's name stands for the account that the hosted service would link an application to. */
function applicationInfo(row: ApplicationRow, tokens: readonly GitTokenRow[]) {
  const token = tokens.find((one) => isOfApplication(one, row.application_name));
  return {
    applicationId: row.application_id,
    applicationName: row.application_name,
    createTime: seconds(row.created_at_ms),
    ...(token === undefined
      ? { linkedToGitHub: false }
      : { linkedToGitHub: true, gitHubAccountName: token.token_name }),
    computePlatform: row.compute_platform,
  };
}

async function requireFreeName(db: StoreReader, name: string): Promise<void> {
  if ((await findApplication(db, name)) !== null)
    throw new ApiError('ApplicationAlreadyExistsException', `An application with the name ${name} exists already.`);
}

export const applicationHandlers: Handlers<
  | 'CreateApplication'
  | 'GetApplication'
  | 'BatchGetApplications'
  | 'ListApplications'
  | 'UpdateApplication'
  | 'DeleteApplication'
> = {
  async CreateApplication(ctx, input) {
    const name = readName(input, 'applicationName', APPLICATION);
    const platform = readPlatform(input);
    requireReachable(platform, ctx.asksAws);
    const tags = readTags(input, 'tags');
    const applicationId = ctx.random.uuid();
    await ctx.store.transaction(async (tx) => {
      await requireFreeName(tx, name);
      await requireRoomForApplication(tx);
      await insertApplication(tx, {
        application_id: applicationId,
        application_name: name,
        compute_platform: platform,
        created_at_ms: ctx.clock.now(),
      });
      await putResourceTags(tx, resourceArn(ctx, `application:${name}`), tags);
    });
    return { applicationId };
  },

  async GetApplication(ctx, input) {
    const row = await requireApplication(ctx.store.db, readName(input, 'applicationName', APPLICATION));
    return { application: applicationInfo(row, await listGitTokens(ctx.store.db)) };
  },

  async BatchGetApplications(ctx, input) {
    const names = readNames(input, 'applicationNames', APPLICATION, MAX_BATCH);
    const rows = await Promise.all(names.map((name) => requireApplication(ctx.store.db, name)));
    const tokens = await listGitTokens(ctx.store.db);
    return { applicationsInfo: rows.map((row) => applicationInfo(row, tokens)) };
  },

  async ListApplications(ctx, input, { scope }) {
    const token = readPageToken(ctx, 'ListApplications', input);
    const reach = reachOf(scope);
    const { rows: applications, ...rest } = await toVisiblePage<string>(
      token,
      (name) => name,
      (after) => listApplicationNames(ctx.store.db, after, PAGE_SIZE + 1),
      async (names) => names.filter(reach.hasPartOf),
    );
    return { applications, ...rest };
  },

  async UpdateApplication(ctx, input) {
    const name = readName(input, 'applicationName', APPLICATION);
    const newName = readOptionalName(input, 'newApplicationName', APPLICATION);
    await ctx.store.transaction(async (tx) => {
      const application = present(await lockApplication(tx, name), name);
      if (newName === null || newName === name) return;
      await requireFreeName(tx, newName);
      await moveApplicationTags(tx, ctx, application, newName);
      await renameApplication(tx, application.application_id, newName);
    });
    return {};
  },

  async DeleteApplication(ctx, input) {
    const name = readName(input, 'applicationName', APPLICATION);
    const known = await findApplication(ctx.store.db, name);
    if (known !== null) await endShifts(ctx, known.application_id);
    // Groups, revisions and deployments go with it; hosts and bundles stay. To delete what is not there is no error.
    await ctx.store.transaction(async (tx) => {
      const application = await lockApplication(tx, name);
      if (application === null) return;
      await requireNoShift(tx, application.application_id, name);
      await moveApplicationTags(tx, ctx, application, null);
      await deleteApplication(tx, application.application_id);
    });
    return {};
  },
};
