import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { auditEntryOf } from '../../../src/server/audit/audited-call.ts';
import { RECORD_LIFE_MS, startRetention } from '../../../src/server/engine/retention.ts';
import { insertAuditEntry, listAuditEntries } from '../../../src/server/store/audit-entries.ts';
import { countHosts } from '../../../src/server/store/host-list.ts';
import { deregisterHost } from '../../../src/server/store/hosts.ts';
import { insertInstance } from '../../../src/server/store/instances.ts';
import { manualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { describeStores } from '../../support/stores.ts';

const KEEP_ALL = { deploymentsMs: null, diagnosticsMs: null, revisionsMs: null, auditMs: null };

describeStores('retention', (kind) => {
  test('records of deregistered instances go after their time, in as many transactions as it takes; registered ones stay', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const clock = manualClock();
    await store.transaction(async (tx) => {
      for (let number = 0; number < 450; number += 1) {
        const name = `host-${number}`;
        const common = { arn_kind: 'user', registered_at_ms: clock.now() } as const;
        const ids = { instance_id: name, instance_name: name, instance_arn: name, host_arn: name };
        await insertInstance(tx, { ...common, ...ids });
        if (number % 9 !== 0) await deregisterHost(tx, store.wakeUps, name, clock.now());
      }
    });
    const count = () => countHosts(store.db, { instanceName: null, registered: null, words: [], attention: null });
    clock.advance(RECORD_LIFE_MS);
    const early = startRetention({ store, clock, log: silentLogger, periods: KEEP_ALL });
    await clock.nextSleep();
    await early.close();
    expect(await count()).toBe(450);

    clock.advance(1);
    const retention = startRetention({ store, clock, log: silentLogger, periods: KEEP_ALL });
    await eventually(async () => {
      clock.advance(100);
      return (await count()) === 50;
    });
    await retention.close();
  });

  test('entries of the audit log go once they are older than they are kept', async () => {
    await using database = await kind.create();
    const store = await database.open();
    const clock = manualClock();
    const call = { actor: 'AKIA', role: 'admin', operation: 'CreateApplication', members: {} } as const;
    await store.transaction(async (tx) => {
      for (let number = 0; number < 450; number += 1) {
        const atMs = clock.now() - (number < 10 ? 1_000 : 1_001);
        await insertAuditEntry(tx, auditEntryOf({ ...call, requestId: `${number}` }, null, atMs));
      }
    });
    const nothing = { actor: null, operation: null, applicationName: null, deploymentGroupName: null };
    const filter = { ...nothing, sinceMs: null, untilMs: null };
    const count = async () => (await listAuditEntries(store.db, filter, { after: null, limit: 1_000 })).length;
    const retention = startRetention({ store, clock, log: silentLogger, periods: { ...KEEP_ALL, auditMs: 1_000 } });
    await eventually(async () => {
      const left = await count();
      if (left > 10) clock.advance(100);
      return left <= 10;
    });
    await retention.close();
    expect(await count()).toBe(10);
  });
});
