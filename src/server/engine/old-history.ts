/**
 * Finds deployments, diagnostics and revisions that are old enough to be deleted. It keeps a deployment that is open, that is the last or
 * the last successful one of its group, or that an open one restarts. It keeps a revision that a group is to run, that its last successful
 * deployment installed, or that runs on a host. And it keeps a revision that an open deployment installs or goes back to.
 */
import { setImmediate } from 'node:timers/promises';
import { identityOf, parseLocation } from '../../protocol/management/revision-location.ts';
import type { Clock } from '../../system/clock.ts';
import {
  deleteDeployments,
  deleteDiagnostics,
  type EndedDeployment,
  endedDeployments,
  neededDeployments,
} from '../store/old-deployments.ts';
import {
  deleteRevisions,
  identitiesOnHosts,
  locationsInUse,
  type OldRevision,
  oldRevisions,
} from '../store/old-revisions.ts';
import type { Store, StoreReader } from '../store/store.ts';

interface HistoryContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Number of rows that are looked at together. */
const PAGE = 100;
/** Targets for one transaction; each has seven events, or some more. That takes about ten milliseconds. */
const TARGETS = 50;

/** Deletes deployments that ended before a time, with their targets and events. */
export async function* deletionsOfDeployments(ctx: HistoryContext, beforeMs: number): AsyncGenerator<void> {
  for await (const page of spareDeployments(ctx.store.db, { beforeMs, withDiagnostics: false })) {
    for (let left = page; left.length > 0; ) {
      left = await ctx.store.transaction((tx) => deleteDeployments(tx, left, TARGETS));
      yield;
    }
  }
}

/** Deletes the diagnostics of deployments that ended before a time; what each event came to stays. */
export async function* deletionsOfDiagnostics(ctx: HistoryContext, beforeMs: number): AsyncGenerator<void> {
  for await (const page of spareDeployments(ctx.store.db, { beforeMs, withDiagnostics: true })) {
    for (let left = page; left.length > 0; ) {
      left = await ctx.store.transaction((tx) => deleteDiagnostics(tx, left, TARGETS, ctx.clock.now()));
      yield;
    }
  }
}

/** Pages of ids. A row that is not needed when it is looked at is not needed later either, so nothing has to be locked. */
async function* spareDeployments(
  db: StoreReader,
  filter: { readonly beforeMs: number; readonly withDiagnostics: boolean },
): AsyncGenerator<readonly string[]> {
  let after: EndedDeployment | null = null;
  do {
    // SQLite is read without a turn of the event loop, and many pages in a row may have nothing to delete.
    await setImmediate();
    const page: readonly EndedDeployment[] = await endedDeployments(db, { ...filter, after, limit: PAGE });
    const needed = await neededDeployments(
      db,
      page.map((deployment) => deployment.deployment_group_id),
    );
    yield page.map((deployment) => deployment.deployment_id).filter((id) => !needed.has(id));
    after = page.length < PAGE ? null : (page.at(-1) ?? null);
  } while (after !== null);
}

/** Deletes revisions from applications that were not deployed since a time. Bundles stay where they are. */
export async function* deletionsOfRevisions(ctx: HistoryContext, beforeMs: number): AsyncGenerator<void> {
  let after: OldRevision | null = null;
  do {
    const page: readonly OldRevision[] = await oldRevisions(ctx.store.db, { beforeMs, after, limit: PAGE });
    const deleted = await ctx.store.transaction(async (tx) => {
      const spare = await spareRevisions(tx, page);
      return deleteRevisions(tx, spare, beforeMs);
    });
    if (deleted > 0) yield;
    after = page.length < PAGE ? null : (page.at(-1) ?? null);
  } while (after !== null);
}

async function spareRevisions(db: StoreReader, page: readonly OldRevision[]): Promise<readonly string[]> {
  const keyOf = (applicationId: string, identity: string) => `${applicationId} ${identity}`;
  const used = new Set<string>();
  for (const { applicationId, locationJson } of await locationsInUse(db, [
    ...new Set(page.map((revision) => revision.application_id)),
  ])) {
    used.add(keyOf(applicationId, identityOf(parseLocation(locationJson))));
  }
  const onHosts = await identitiesOnHosts(
    db,
    page.map((revision) => revision.identity),
  );
  return page
    .filter(({ application_id, identity }) => !used.has(keyOf(application_id, identity)) && !onHosts.has(identity))
    .map((revision) => revision.revision_id);
}
