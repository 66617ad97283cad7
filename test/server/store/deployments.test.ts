import { describe, expect, test } from 'vitest';
import {
  activeDeployments,
  dueDeployments,
  findActiveDeployment,
  findDeployment,
  insertDeployment,
  listDeployments,
  lockDeployment,
  lockDueDeployment,
  type NewDeployment,
  updateDeployment,
} from '../../../src/server/store/deployments.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { GROUP_ID, makeFleet, newDeployment } from '../../support/engine-world.ts';
import { describeStores } from '../../support/stores.ts';

async function insert(store: Store, deploymentId: string, changes: Partial<NewDeployment> = {}): Promise<void> {
  await store.transaction((tx) => insertDeployment(tx, newDeployment(deploymentId, changes)));
}

const over = (atMs: number) =>
  ({ status: 'Succeeded', created_at_ms: atMs, completed_at_ms: atMs, wake_at_ms: null }) as const;

describeStores('deployments', (kind) => {
  test('a group has one deployment at a time, and a second one is refused with the first one’s id', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, []);
    await insert(store, 'd-1');
    await expect(insert(store, 'd-2')).rejects.toMatchObject({
      type: 'DeploymentLimitExceededException',
      message: "The Deployment Group 'fleet' already has an active Deployment 'd-1'",
    });
    await insert(store, 'd-3', { deployment_group_id: 'another' });
    await store.transaction((tx) => updateDeployment(tx, 'd-1', over(5)));
    await insert(store, 'd-4');
    expect((await findActiveDeployment(store.db, GROUP_ID))?.deployment_id).toBe('d-4');
  });

  test('one of many deployments that are made for a group at once, on two connections, is made', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const other = kind.dialect === 'postgres' ? await database.open() : store;
    await makeFleet(store, []);
    const made = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => insert(index % 2 === 0 ? store : other, `d-${index}`)),
    );
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await activeDeployments(store.db)).toHaveLength(1);
  });

  test('those whose time has come are found, the longest overdue first, and those that are over are not', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, []);
    await insert(store, 'd-late', { deployment_group_id: 'a', wake_at_ms: 20 });
    await insert(store, 'd-later', { deployment_group_id: 'b', wake_at_ms: 10 });
    await insert(store, 'd-not-yet', { deployment_group_id: 'c', wake_at_ms: 31 });
    await insert(store, 'd-over', { deployment_group_id: 'd', ...over(5) });
    expect(await dueDeployments(store.db, 30)).toEqual(['d-later', 'd-late']);
    expect(await activeDeployments(store.db)).toHaveLength(3);
  });

  test('deployments that are there are locked, and those that are not due or not there are not', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, []);
    await insert(store, 'd-1', { wake_at_ms: 10 });
    await store.transaction(async (tx) => {
      expect(await lockDeployment(tx, 'd-1')).toEqual(await findDeployment(tx, 'd-1'));
      expect(await lockDueDeployment(tx, 'd-1', 10)).not.toBeNull();
      expect(await lockDueDeployment(tx, 'd-1', 9)).toBeNull();
      expect(await lockDeployment(tx, 'd-2')).toBeNull();
    });
  });

  test('one that another server is at is passed over', async () => {
    await using database = await kind.create();
    const store = await database.open();
    await makeFleet(store, []);
    await insert(store, 'd-1', { wake_at_ms: 10 });
    // On SQLite there is no other server: the transaction has everything to itself.
    if (kind.dialect === 'sqlite') {
      expect(await store.transaction((tx) => lockDueDeployment(tx, 'd-1', 10))).not.toBeNull();
      return;
    }
    const other = await database.open();
    await store.transaction(async (tx) => {
      await lockDeployment(tx, 'd-1');
      expect(await other.transaction((theirs) => lockDueDeployment(theirs, 'd-1', 10))).toBeNull();
    });
    expect(await other.transaction((theirs) => lockDueDeployment(theirs, 'd-1', 10))).not.toBeNull();
  });

  describe('lists', () => {
    async function withMany(store: Store): Promise<void> {
      await makeFleet(store, []);
      for (let index = 0; index < 7; index += 1) {
        // Two at each time, so that the id has to decide between them.
        const atMs = 100 + Math.floor(index / 2);
        await insert(store, `d-${index}`, { ...over(atMs), deployment_group_id: index < 5 ? GROUP_ID : 'other' });
      }
      await insert(store, 'd-active', { created_at_ms: 50 });
    }
    const ids = async (store: Store, filter: Parameters<typeof listDeployments>[1]) =>
      (await listDeployments(store.db, filter)).map((row) => row.deployment_id);

    test('are newest first, page by page, nothing twice and nothing left out', async () => {
      await using database = await kind.create();
      const store = await database.open();
      await withMany(store);
      const all = ['d-6', 'd-5', 'd-4', 'd-3', 'd-2', 'd-1', 'd-0', 'd-active'];
      expect(await ids(store, { limit: 100 })).toEqual(all);
      const seen: string[] = [];
      for (let page = await listDeployments(store.db, { limit: 3 }); page.length > 0; ) {
        seen.push(...page.map((row) => row.deployment_id));
        const last = page.at(-1);
        if (last === undefined) break;
        const after = { createdAtMs: last.created_at_ms, deploymentId: last.deployment_id };
        page = await listDeployments(store.db, { limit: 3, after });
      }
      expect(seen).toEqual(all);
    });

    test('are filtered by group, status and time range, both ends included', async () => {
      await using database = await kind.create();
      const store = await database.open();
      await withMany(store);
      expect(await ids(store, { limit: 9, deploymentGroupId: 'other' })).toEqual(['d-6', 'd-5']);
      expect(await ids(store, { limit: 9, statuses: ['Created'] })).toEqual(['d-active']);
      expect(await ids(store, { limit: 9, statuses: [] })).toHaveLength(8);
      expect(await ids(store, { limit: 9, createdFromMs: 101, createdToMs: 102 })).toEqual([
        'd-5',
        'd-4',
        'd-3',
        'd-2',
      ]);
      expect(await ids(store, { limit: 9, statuses: ['Failed'] })).toEqual([]);
    });
  });
});
