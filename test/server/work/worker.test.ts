import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import type { EventDiagnostics } from '../../../src/server/engine/diagnostics.ts';
import { changedTargetsOf } from '../../../src/server/store/changed-targets.ts';
import { openOrdersOf } from '../../../src/server/store/orders.ts';
import { createBell } from '../../../src/server/work/bell.ts';
import { trafficHandlers, trafficKeepers } from '../../../src/server/work/traffic-orders.ts';
import { FAILING_LIMIT_MS } from '../../../src/server/work/traffic-progress.ts';
import { startWorker } from '../../../src/server/work/worker.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';
import {
  deploymentOf,
  type EngineServer,
  engineServer,
  makeFleet,
  runHost,
  startDeployment,
  targetsByName,
} from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { type BalancerAnswer, failingBalancer } from '../../support/failing-balancer.ts';
import { describeStores, OFTEN, passWhenCalm } from '../../support/stores.ts';

const ID = 'd-1';
const GROUP = {
  deploymentStyle: { deploymentType: 'IN_PLACE', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
  loadBalancerInfo: { targetGroupInfoList: [{ name: 'front' }] },
};

function work(server: EngineServer, clock: ManualClock, balancer: ReturnType<typeof failingBalancer>) {
  const { store, engine } = server;
  const traffic = { store, clock, balancers: new Map([['front', balancer]]) };
  const [handlers, keepers] = [trafficHandlers(traffic), trafficKeepers(traffic)];
  const bell = createBell();
  // The test's own, so that it can let leases end.
  const leaseClock = { nowMs: async () => clock.now() };
  const base = { store, engine, clock, leaseClock, random: systemRandom, log: silentLogger };
  const worker = startWorker({ ...base, bell, handlers, keepers });
  return { worker, [Symbol.asyncDispose]: () => worker.close() };
}

/** Lets time pass until the worker has done what it had to, and the deployment has gone on. */
async function untilCalm(server: EngineServer, clock: ManualClock, stepMs = 500): Promise<void> {
  await eventually(async () => {
    await passWhenCalm(server, clock, stepMs);
    const { db } = server.store;
    return (await openOrdersOf(db, ID)).length === 0 && (await changedTargetsOf(db, ID)).length === 0;
  }, OFTEN);
}

async function eventOf(server: EngineServer, host: string, name: string) {
  const events = (await targetsByName(server.store, ID))[host]?.events ?? [];
  const event = events.find(({ event_name }) => event_name === name);
  const diagnostics = event?.diagnostics_json ?? null;
  return {
    status: event?.status,
    diagnostics: diagnostics === null ? null : (JSON.parse(diagnostics) as EventDiagnostics),
  };
}

describeStores('a deployment with load balancers', (kind) => {
  test('takes each host out before its scripts and brings it back after them, and the host is told of neither', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['web-1'], GROUP);
    const balancer = failingBalancer(['draining', 'draining', 'out', 'joining', 'unhealthy', 'healthy']);
    await startDeployment(server, ID);
    expect(await runHost(server, 'web-1')).toEqual(['BeforeBlockTraffic']);
    await using _ = work(server, clock, balancer);
    await untilCalm(server, clock);
    expect(balancer.asked).toEqual(['block web-1', 'block web-1', 'block web-1']);
    expect((await runHost(server, 'web-1')).at(-1)).toBe('BeforeAllowTraffic');
    await untilCalm(server, clock);
    expect(balancer.asked.slice(3)).toEqual(['allow web-1', 'allow web-1', 'allow web-1']);
    expect(await runHost(server, 'web-1')).toEqual(['AfterAllowTraffic']);
    expect((await deploymentOf(server.store, ID)).status).toBe('Succeeded');
    expect(await eventOf(server, 'web-1', 'BlockTraffic')).toMatchObject({
      status: 'Succeeded',
      diagnostics: { errorCode: 'Success', message: 'Succeeded', logTail: expect.stringContaining('block web-1') },
    });
  });

  test('goes on where it was after its server was killed in the middle of a call', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['web-1'], GROUP);
    await startDeployment(server, ID);
    await runHost(server, 'web-1');
    {
      // It holds the lease, and nothing of it is heard any more.
      const hanging = failingBalancer(['draining']);
      const asked = Promise.withResolvers<void>();
      hanging.block = () => {
        asked.resolve();
        return new Promise(() => undefined);
      };
      work(server, clock, hanging);
      await asked.promise;
    }
    const balancer = failingBalancer(['out']);
    await using _ = work(server, clock, balancer);
    await untilCalm(server, clock, 5_000);
    expect(balancer.asked).toEqual(['block web-1']);
    expect(await eventOf(server, 'web-1', 'BlockTraffic')).toMatchObject({ status: 'Succeeded' });
  });

  test('goes on at once after its server was stopped in the middle of a call', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['web-1'], GROUP);
    await startDeployment(server, ID);
    await runHost(server, 'web-1');
    const slow = failingBalancer(['draining']);
    const asked = Promise.withResolvers<void>();
    slow.block = (_host, { signal }) => {
      asked.resolve();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    {
      await using _ = work(server, clock, slow);
      await asked.promise;
    }
    const stoppedAtMs = clock.now();
    const balancer = failingBalancer(['out']);
    await using _ = work(server, clock, balancer);
    await untilCalm(server, clock);
    expect(balancer.asked).toEqual(['block web-1']);
    expect(clock.now() - stoppedAtMs).toBeLessThan(30_000);
  });

  test.each<readonly [string, readonly BalancerAnswer[], string, number]>([
    ['is down for good', ['away'], 'ELASTIC_LOAD_BALANCING_INVALID', FAILING_LIMIT_MS],
    ['does not know the host', ['wrong'], 'ELB_INVALID_INSTANCE', 0],
  ])(
    'fails the host by name when its balancer %s, and says which call was the last',
    async (_title, answers, code, limitMs) => {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['web-1'], GROUP);
      await startDeployment(server, ID);
      await runHost(server, 'web-1');
      const begunAtMs = clock.now();
      await using _ = work(server, clock, failingBalancer(answers));
      await untilCalm(server, clock, 15_000);
      const { status, diagnostics } = await eventOf(server, 'web-1', 'BlockTraffic');
      expect({ status, errorCode: diagnostics?.errorCode }).toEqual({ status: 'Failed', errorCode: 'UnknownError' });
      expect(diagnostics?.message).toMatch(
        new RegExp(`^${code}: The last call to the load balancer front was: (block|force) web-1\\. The answer: .`),
      );
      expect(clock.now() - begunAtMs).toBeGreaterThanOrEqual(limitMs);
      expect((await deploymentOf(server.store, ID)).status).toBe('Failed');
    },
  );

  test('goes on when its balancer was down for some calls, and takes a host out by force when its requests do not end', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['web-1'], GROUP);
    await startDeployment(server, ID);
    await runHost(server, 'web-1');
    const balancer = failingBalancer(['away', 'away', 'draining'], 60_000);
    await using _ = work(server, clock, balancer);
    await eventually(async () => {
      await passWhenCalm(server, clock, 2_000);
      if (balancer.asked.at(-1) !== 'force web-1') return false;
      balancer.answers = ['out'];
      return true;
    });
    await untilCalm(server, clock);
    const { status, diagnostics } = await eventOf(server, 'web-1', 'BlockTraffic');
    expect(status).toBe('Succeeded');
    expect(diagnostics?.logTail).toContain('the time for requests to end was over');
  });

  test('a deployment with load balancers that waits until another server of the backend is up gives a host all its time for requests afterwards', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['web-1'], GROUP);
    await startDeployment(server, ID);
    await runHost(server, 'web-1');
    const balancer = failingBalancer(['waiting'], 60_000);
    await using _ = work(server, clock, balancer);
    const begunAtMs = clock.now();
    await eventually(async () => {
      await passWhenCalm(server, clock, 5_000);
      return clock.now() - begunAtMs > 300_000 && balancer.asked.length > 2;
    });
    balancer.answers = ['draining', 'draining', 'out'];
    await untilCalm(server, clock);
    expect(balancer.asked).not.toContain('force web-1');
    expect(await eventOf(server, 'web-1', 'BlockTraffic')).toMatchObject({ status: 'Succeeded' });
  });

  test('tells a balancer that takes a host back what it wanted to be told when it let the host go, be it two deployments ago', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['web-1'], GROUP);
    const balancer = failingBalancer(['out']);
    const told: unknown[] = [];
    balancer.block = async (_host, { memory }) => {
      told.push(memory);
      const isIn = told.length < 3;
      const record = { call: 'block', answer: '' };
      return isIn
        ? { ...record, state: memory ? 'out' : 'waiting', memory: { ports: [81] } }
        : { ...record, state: 'absent' };
    };
    balancer.allow = async (_host, { memory }) => {
      told.push(memory);
      return { call: 'allow', answer: '', state: 'healthy' };
    };
    await using _ = work(server, clock, balancer);
    await startDeployment(server, ID);
    await runHost(server, 'web-1');
    await untilCalm(server, clock);
    // It fails while the host is out; the next one finds it out already.
    await runHost(server, 'web-1', (name) => (name === 'Install' ? { errorCode: 5 } : {}));
    expect((await deploymentOf(server.store, ID)).status).toBe('Failed');
    await startDeployment(server, 'd-2');
    await eventually(async () => {
      await passWhenCalm(server, clock, 500);
      await runHost(server, 'web-1');
      return (await deploymentOf(server.store, 'd-2')).status === 'Succeeded';
    });
    expect(told).toEqual([undefined, { ports: [81] }, undefined, { ports: [81] }]);
  });

  test('brings a host back by the tags it was taken out by, until it is back, whatever its tags are meanwhile', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['web-1'], GROUP);
    const { db } = server.store;
    await db
      .insertInto('instance_tags')
      .values({ instance_id: 'id-of-web-1', instance_name: 'web-1', tag_key: 'at', tag_value: 'here' })
      .execute();
    const asked: string[] = [];
    const ask = (call: string, tags: ReadonlyMap<string, string>) => {
      asked.push(`${call} ${tags.get('at')}`);
      return { call, answer: '' };
    };
    const balancer = failingBalancer(['out']);
    balancer.block = async ({ tags }) => ({
      ...ask('block', tags),
      state: tags.get('at') === 'lost' ? 'absent' : 'out',
    });
    balancer.allow = async ({ tags }) => ({ ...ask('allow', tags), state: 'healthy' });
    await using _ = work(server, clock, balancer);
    const retag = (tag_value: string) =>
      db.updateTable('instance_tags').set({ tag_value }).where('tag_key', '=', 'at').execute();
    const run = async (id: string, failing?: string) => {
      await eventually(async () => {
        await passWhenCalm(server, clock, 500);
        await runHost(server, 'web-1', (name) => (name === failing ? { errorCode: 5 } : {}));
        return (await deploymentOf(server.store, id)).completed_at_ms !== null;
      });
    };
    // It fails while the host is out. The next deployment finds the host by its tags of now, and no balancer knows it.
    await startDeployment(server, ID);
    await run(ID, 'Install');
    await retag('lost');
    await startDeployment(server, 'd-2');
    await run('d-2');
    expect(asked).toEqual(['block here', 'block lost', 'allow here']);
    // It is back, so its tags of now count.
    await retag('other');
    await startDeployment(server, 'd-3');
    await run('d-3');
    expect(asked.slice(3)).toEqual(['block other', 'allow other']);
    await startDeployment(server, 'd-4');
    await eventually(async () => {
      await passWhenCalm(server, clock, 500);
      await runHost(server, 'web-1');
      return asked.length === 6;
    });
    await retag('new');
    await run('d-4');
    expect(asked.slice(5)).toEqual(['block other', 'allow other']);
  });

  test.each([
    ['drains', ['draining'], ['joining'], /It was led back\. The last call .* front was: allow web-1/, 10_000],
    ['waits for its turn', ['waiting'], ['healthy'], /stopped before the host was taken out/, 10_000],
    ['cannot be asked', ['away'], ['healthy'], /It was led back/, 40_000],
    [
      'is told to come back, in vain',
      ['draining'],
      ['away'],
      /could not be led back in time.*connection refused/,
      40_000,
    ],
    ['hangs', ['draining'], ['hanging'], /did not get this event to an end within a minute/, 90_000],
  ] as const)(
    'a deployment with load balancers that is stopped while a host %s before it leaves its balancers ends within seconds, and has led the host back',
    async (_title, leaving, coming, said, withinMs) => {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['web-1'], GROUP);
      await startDeployment(server, ID);
      await runHost(server, 'web-1');
      const balancer = failingBalancer(leaving);
      const isHanging = coming[0] === 'hanging';
      balancer.allow = isHanging
        ? () => new Promise(() => undefined)
        : failingBalancer([coming[0] as BalancerAnswer]).allow;
      const running = work(server, clock, balancer);
      await eventually(async () => {
        await passWhenCalm(server, clock, 500);
        return balancer.asked.length > 1;
      });
      const stoppedAtMs = clock.now();
      await server.stop(ID);
      await eventually(async () => {
        await passWhenCalm(server, clock, 1_000);
        await server.engine.step(ID);
        return (await deploymentOf(server.store, ID)).status === 'Stopped';
      });
      expect(clock.now() - stoppedAtMs).toBeLessThan(withinMs);
      const { status, diagnostics } = await eventOf(server, 'web-1', 'BlockTraffic');
      expect(status).toBe('Failed');
      expect(diagnostics?.message).toMatch(said);
      // A worker whose call hangs for good never ends.
      if (!isHanging) await running[Symbol.asyncDispose]();
    },
  );

  test('a deployment with load balancers that is stopped while a host comes back to its balancers waits some seconds for the host, not an hour', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['web-1'], GROUP);
    await startDeployment(server, ID);
    const balancer = failingBalancer(['out', 'unhealthy']);
    await using _ = work(server, clock, balancer);
    await eventually(async () => {
      await passWhenCalm(server, clock, 500);
      await runHost(server, 'web-1');
      return balancer.asked.includes('allow web-1');
    });
    const stoppedAtMs = clock.now();
    await server.stop(ID);
    await untilCalm(server, clock);
    expect(clock.now() - stoppedAtMs).toBeLessThan(30_000);
    const { status, diagnostics } = await eventOf(server, 'web-1', 'AllowTraffic');
    expect({ status, deployment: (await deploymentOf(server.store, ID)).status }).toEqual({
      ...{ status: 'Failed', deployment: 'Stopped' },
    });
    expect(diagnostics?.message).toMatch(/stopped before the host was known to take its traffic.*allow web-1/);
  });

  test.each([3_000, null])(
    'has a host kept out of a balancer that may forget it (%s), until the host is to come back',
    async (reassertMs) => {
      await using database = await kind.create();
      const clock = manualClock();
      await using server = await engineServer(database, { clock });
      await makeFleet(server.store, ['web-1'], GROUP);
      await startDeployment(server, ID);
      await runHost(server, 'web-1');
      // Once out, it has forgotten everything; then it is down, and then it has forgotten everything again.
      const answers = ['out', 'draining', 'away', 'draining', 'out', 'out', 'out'] as const;
      const balancer = { ...failingBalancer(answers), ...(reassertMs === null ? {} : { reassertMs }) };
      await using _ = work(server, clock, balancer);
      const isOut = async () => (await eventOf(server, 'web-1', 'BlockTraffic')).status === 'Succeeded';
      await eventually(async () => {
        await passWhenCalm(server, clock, 500);
        return (await isOut()) && (reassertMs === null || balancer.asked.length > 6);
      });
      if (reassertMs === null) {
        await untilCalm(server, clock);
        expect(balancer.asked).toHaveLength(1);
        return;
      }
      const back = failingBalancer(['healthy']);
      balancer.allow = back.allow;
      await runHost(server, 'web-1');
      await untilCalm(server, clock);
      expect(back.asked).toEqual(['allow web-1']);
      const { length } = balancer.asked;
      await runHost(server, 'web-1');
      await untilCalm(server, clock);
      expect((await deploymentOf(server.store, ID)).status).toBe('Succeeded');
      expect(balancer.asked).toHaveLength(length);
      expect((await eventOf(server, 'web-1', 'BlockTraffic')).status).toBe('Succeeded');
    },
  );

  test('stopped with --now makes no more calls to balancers', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await engineServer(database, { clock });
    await makeFleet(server.store, ['web-1'], GROUP);
    await startDeployment(server, ID);
    await runHost(server, 'web-1');
    await server.stop(ID, null, true);
    const balancer = failingBalancer(['out']);
    await using _ = work(server, clock, balancer);
    await untilCalm(server, clock);
    expect(balancer.asked).toEqual([]);
    expect((await deploymentOf(server.store, ID)).status).toBe('Stopped');
  });
});
