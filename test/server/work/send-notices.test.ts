import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { TRIGGER_EVENTS } from '../../../src/protocol/management/trigger-events.ts';
import type { SendNotice } from '../../../src/server/outside/notice-target.ts';
import { createNoticeTargets } from '../../../src/server/outside/notice-targets.ts';
import { createWebhookSink } from '../../../src/server/outside/webhook-sink.ts';
import { insertDeployment } from '../../../src/server/store/deployments.ts';
import { insertNotices, listNotices, type NewNotice } from '../../../src/server/store/notices.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { MAX_REFUSALS, NOTICE_LIMIT_MS, noticePauseMs } from '../../../src/server/work/notice-retries.ts';
import { startNoticeSender } from '../../../src/server/work/send-notices.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';
import { makeFleet, newDeployment } from '../../support/engine-world.ts';
import { eventually } from '../../support/eventually.ts';
import { type Answer, answeringServer, type ReceivedRequest } from '../../support/http-server.ts';
import { describeStores, passWhenCalm, type TestStore } from '../../support/stores.ts';

test('a receiver that takes nothing is asked again after 5 s, and then ever less often', () => {
  expect([1, 2, 3, 4, 8, 9, 100].map(noticePauseMs)).toEqual([
    ...[5_000, 10_000, 20_000, 40_000, 640_000, 900_000, 900_000],
  ]);
});

describeStores('the sender of notices', (kind) => {
  const notice = (id: string, target = 'chat'): NewNotice => ({
    ...{ id, event: TRIGGER_EVENTS[0], instanceId: null, triggerName: 'all', target, subject: id },
    payload: { deploymentId: id },
  });

  /** A store with a deployment that has these notices. */
  async function storeWith(
    database: Awaited<ReturnType<typeof kind.create>>,
    clock: ManualClock,
    ...notices: readonly NewNotice[]
  ): Promise<TestStore> {
    const store = await database.open();
    await makeFleet(store, []);
    await store.transaction(async (tx) => {
      await insertDeployment(tx, newDeployment('d-1'));
      await insertNotices(tx, 'd-1', notices, clock.now());
    });
    return store;
  }

  function startSender(store: Store, clock: ManualClock, urls: Readonly<Record<string, string>>, shared = clock) {
    const secret = 'a secret of a test';
    let sending = 0;
    const counted = (send: SendNotice): SendNotice => {
      return async (...request) => {
        sending += 1;
        return send(...request).finally(() => {
          sending -= 1;
        });
      };
    };
    const hooks = Object.entries(urls).map(
      ([name, url]) => [name, counted(createWebhookSink({ url, secret, authorities: [] }, clock))] as const,
    );
    const counts = { sent: 0, failed: 0, 'given-up': 0 };
    const sender = startNoticeSender({
      leaseClock: { nowMs: async () => shared.now() },
      ...{ store, clock, random: systemRandom, log: silentLogger, region: 'eu-central-1', accountId: '000000000000' },
      targets: createNoticeTargets(new Map(hooks), () => {
        throw new Error('there are no topics here');
      }),
      count: (what, count) => {
        counts[what] += count;
      },
    });
    return { counts, isSending: () => sending > 0, [Symbol.asyncDispose]: () => sender.close() };
  }

  const stateOf = async (store: Store) =>
    (await listNotices(store.db, { deploymentId: null, state: null }, { after: null, limit: 100 })).sort(
      (a, b) => a.position - b.position,
    );
  const idsIn = (received: readonly ReceivedRequest[]) =>
    received.map(({ body }) => JSON.parse(JSON.parse(body.toString()).Message).deploymentId as string);
  /** Lets time pass, a second at a time, until something holds. Time stands still while the sender is busy. */
  const until = (
    store: TestStore,
    clock: ManualClock,
    condition: () => boolean | Promise<boolean>,
    isSending: () => boolean = () => false,
  ) =>
    eventually(async () => {
      if (await condition()) return true;
      if (!isSending()) await passWhenCalm({ store }, clock, 1_000);
      return false;
    });

  test('sends the notices of a deployment in order, with region and account, and each once', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await answeringServer(() => ({}));
    const store = await storeWith(database, clock, notice('a'), notice('b'), notice('a'), notice('c'));
    await using sender = startSender(store, clock, { chat: server.url });
    await until(store, clock, async () => (await stateOf(store)).every(({ sent_at_ms }) => sent_at_ms !== null));
    await store.transaction((tx) => insertNotices(tx, 'd-1', [notice('b'), notice('d')], clock.now()));
    await until(store, clock, () => server.received.length === 4);
    expect(idsIn(server.received)).toEqual(['a', 'b', 'c', 'd']);
    expect(JSON.parse(JSON.parse(server.received[0]?.body.toString() ?? '').Message)).toEqual({
      ...{ region: 'eu-central-1', accountId: '000000000000', deploymentId: 'a' },
    });
    await until(store, clock, () => sender.counts.sent === 4);
    expect(sender.counts).toEqual({ sent: 4, failed: 0, 'given-up': 0 });
  });

  test('asks a receiver that fails, whatever it answers, again with the same id, keeps the order, and lets no other receiver wait', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    const answers: Answer[] = [{ status: 503, body: 'busy\0 \0' }, { status: 500 }];
    await using bad = await answeringServer(() => answers.shift() ?? {});
    await using good = await answeringServer(() => ({}));
    const store = await storeWith(database, clock, notice('a'), notice('b'), notice('x', 'pager'));
    const begunAtMs = clock.now();
    await using sender = startSender(store, clock, { chat: bad.url, pager: good.url });
    await until(store, clock, async () => (await stateOf(store))[0]?.tries === 1 && good.received.length === 1);
    expect((await stateOf(store))[0]).toMatchObject({ last_answer: '503 busy\ufffd \ufffd', sent_at_ms: null });
    await until(store, clock, async () => (await stateOf(store)).every(({ sent_at_ms }) => sent_at_ms !== null));
    expect(idsIn(bad.received)).toEqual(['a', 'a', 'a', 'b']);
    expect(new Set(bad.received.slice(0, 3).map(({ headers }) => headers['x-amz-sns-message-id'])).size).toBe(1);
    expect(clock.now() - begunAtMs).toBeGreaterThanOrEqual(15_000);
    expect(sender.counts).toEqual({ sent: 3, failed: 2, 'given-up': 0 });
  });

  test('gives up what is not taken for a day, says the last answer, and sends what comes afterwards', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    let answer: Answer = { status: 502, body: 'gone' };
    await using server = await answeringServer(() => answer);
    const store = await storeWith(database, clock, notice('a'), notice('b'));
    const madeAtMs = clock.now();
    // It was down for nearly a day: what was tried before is not looked at.
    clock.advance(NOTICE_LIMIT_MS - 12_000);
    await using sender = startSender(store, clock, { chat: server.url });
    await until(store, clock, async () => (await stateOf(store))[0]?.given_up_at_ms !== null, sender.isSending);
    expect((await stateOf(store))[0]?.tries).toBe(3);
    expect(clock.now() - madeAtMs).toBeGreaterThanOrEqual(NOTICE_LIMIT_MS);
    // The second one is given up without a call of its own.
    expect(await stateOf(store)).toMatchObject([
      { sent_at_ms: null, last_answer: '502 gone' },
      {
        sent_at_ms: null,
        given_up_at_ms: expect.any(Number),
        tries: 0,
        last_answer: expect.stringContaining('502 gone'),
      },
    ]);
    expect(sender.counts['given-up']).toBe(2);
    answer = {};
    await store.transaction((tx) => insertNotices(tx, 'd-1', [notice('c')], clock.now()));
    await until(store, clock, async () => (await stateOf(store))[2]?.sent_at_ms !== null);
    expect(idsIn(server.received).at(-1)).toBe('c');
  });

  test('does not let a notice that is refused for what it is hold up the others for long', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using server = await answeringServer(({ body }) => ({ status: body.includes('bad') ? 400 : 200, body: '' }));
    const store = await storeWith(database, clock, notice('bad'), notice('good'));
    await using _ = startSender(store, clock, { chat: server.url });
    await until(store, clock, async () => (await stateOf(store))[1]?.sent_at_ms !== null);
    expect(await stateOf(store)).toMatchObject([{ tries: MAX_REFUSALS, given_up_at_ms: expect.any(Number) }, {}]);
  });

  test('keeps a notice whose target the file does not have any more, and says so', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    const store = await storeWith(database, clock, notice('a'));
    await using _ = startSender(store, clock, {});
    await until(store, clock, async () => (await stateOf(store))[0]?.tries === 1);
    expect((await stateOf(store))[0]).toMatchObject({
      ...{ sent_at_ms: null, given_up_at_ms: null, last_answer: expect.stringContaining('--webhooks') },
    });
  });

  test('sends a notice again that another server was sending when it died, and two servers share the others', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    let isDying = true;
    const got = Promise.withResolvers<void>();
    await using server = await answeringServer(() => {
      if (!isDying) return {};
      got.resolve();
      // Taken by the receiver, and the sender never hears of it.
      return new Promise<Answer>(() => undefined);
    });
    const store = await storeWith(database, clock, ...['a', 'b', 'c'].map((id) => notice(id)));
    const first = startSender(store, clock, { chat: server.url });
    await got.promise;
    isDying = false;
    // The queue is the first one's until its lease is over; here it gives it back.
    await first[Symbol.asyncDispose]();
    const second = await database.open();
    await using one = startSender(store, clock, { chat: server.url });
    await using other = startSender(second, clock, { chat: server.url });
    await until(store, clock, async () => (await stateOf(store)).every(({ sent_at_ms }) => sent_at_ms !== null));
    expect(idsIn(server.received)).toEqual(['a', 'a', 'b', 'c']);
    expect(one.counts.sent + other.counts.sent).toBe(3);
  });

  test('leaves a queue to the server that has it, however far ahead its own clock is', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    const got = Promise.withResolvers<void>();
    await using server = await answeringServer(() => {
      got.resolve();
      return new Promise<Answer>(() => undefined);
    });
    const store = await storeWith(database, clock, notice('a'));
    await using _ = startSender(store, clock, { chat: server.url });
    await got.promise;
    const ahead = manualClock(clock.now() + 60 * 60_000);
    await using _other = startSender(await database.open(), ahead, { chat: server.url }, clock);
    for (let look = 0; look < 3; look += 1) {
      await ahead.nextSleep();
      ahead.advance(1_000);
    }
    expect(server.received).toHaveLength(1);
  });

  test('works on a few queues of one receiver at a time, so that a slow one leaves room for the others', async () => {
    await using database = await kind.create();
    const clock = manualClock();
    await using slow = await answeringServer(() => new Promise<Answer>(() => undefined));
    await using quick = await answeringServer(() => ({}));
    const store = await database.open();
    await makeFleet(store, []);
    await store.transaction(async (tx) => {
      for (let index = 0; index < 30; index += 1) {
        const id = `d-${index}`;
        await insertDeployment(tx, newDeployment(id, { deployment_group_id: `g-${index}` }));
        await insertNotices(tx, id, [notice(`${id} slow`, 'slow')], clock.now());
      }
      await insertNotices(tx, 'd-29', [notice('quick', 'quick')], clock.now() + 1);
    });
    await using _ = startSender(store, clock, { slow: slow.url, quick: quick.url });
    await until(store, clock, () => quick.received.length === 1 && slow.received.length > 0);
    expect(slow.received.length).toBeLessThanOrEqual(4);
  });
});
