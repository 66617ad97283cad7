import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { expect, test } from 'vitest';
import { readBalancersFile } from '../../../src/server/outside/balancers-file.ts';
import type { BalancedHost, LoadBalancer } from '../../../src/server/outside/load-balancer.ts';
import { systemClock } from '../../../src/system/clock.ts';
import {
  haproxyProgram,
  nginxProgram,
  type RunningBalancer,
  startApplication,
  startHaproxy,
  startNginx,
} from '../../support/balancers.ts';
import { eventually } from '../../support/eventually.ts';
import { describeIf } from '../../support/needs.ts';
import { scratchFolder } from '../../support/scratch.ts';

const KINDS = [
  { kind: 'HAProxy', program: haproxyProgram, start: startHaproxy },
  { kind: 'nginx', program: nginxProgram, start: startNginx },
] as const;
const signal = () => AbortSignal.timeout(20_000);
const block = (balancer: LoadBalancer, host: BalancedHost, isDrainOver = false) =>
  balancer.block(host, { isDrainOver, signal: signal() });

function balancerOf(folder: string, running: RunningBalancer, more: object = {}): LoadBalancer {
  const file = `${folder}/balancers.json`;
  const probe = { url: 'http://127.0.0.1:{tag:Port}/health', times: 1 };
  writeFileSync(file, JSON.stringify({ front: { ...running.settings, probe, ...more } }));
  const balancer = readBalancersFile(file, { clock: systemClock, aws: null }).get('front');
  if (balancer === undefined) throw new Error('the file has no balancer');
  return balancer;
}

/** @returns the status, once it has come; 0: the connection broke */
function ask(socketPath: string, path: string): Promise<number> {
  return new Promise((resolve) => {
    get({ socketPath, path, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    }).on('error', () => resolve(0));
  });
}

describeIf(haproxyProgram !== null && nginxProgram !== null, 'haproxy and nginx')('a real load balancer', () => {
  for (const { kind, start } of KINDS) {
    test(`${kind}: a host is out when its requests have ended, keeps out while its application is down, and comes back`, async () => {
      using scratch = scratchFolder();
      await using one = await startApplication();
      await using two = await startApplication();
      const servers = [one, two].map(({ port }, index) => ({ name: `web-${index + 1}`, port }));
      await using running = await start(scratch.path, servers);
      const balancer = balancerOf(scratch.path, running);
      const host = (index: number, port: number): BalancedHost => ({
        name: `web-${index}`,
        tags: new Map([['Port', String(port)]]),
      });
      const [first, second] = [host(1, one.port), host(2, two.port)];

      // A request that is under way at the first host holds it.
      const slow: Promise<number>[] = [];
      while (one.slow === 0) {
        slow.push(ask(running.socketPath, '/slow'));
        await eventually(() => one.slow + two.slow === slow.length);
      }
      await block(balancer, first);
      expect((await block(balancer, first)).state).toBe('draining');
      // The other one has to stay: it is the last that is up.
      const last = await block(balancer, second);
      expect(last).toMatchObject({ state: 'waiting', answer: expect.stringContaining('no other server') });
      const before = one.slow;
      for (let time = 0; time < 6; time += 1) expect(await ask(running.socketPath, '/')).toBe(200);
      expect(one.slow).toBe(before);
      one.release();
      two.release();
      expect(new Set(await Promise.all(slow))).toEqual(new Set([200]));
      await eventually(async () => (await block(balancer, first)).state === 'out');
      // Asked again, it says the same.
      expect((await block(balancer, first)).state).toBe('out');

      one.status = 503;
      expect(await balancer.allow(first, { signal: signal() })).toMatchObject({ state: 'unhealthy', answer: '503' });
      for (let time = 0; time < 6; time += 1) expect(await ask(running.socketPath, '/')).toBe(200);
      one.status = 200;
      await eventually(async () => (await balancer.allow(first, { signal: signal() })).state === 'healthy');
      await block(balancer, second);
      await eventually(async () => (await block(balancer, second)).state === 'out');
      for (let time = 0; time < 4; time += 1) expect(await ask(running.socketPath, '/')).toBe(200);
    });

    test(`${kind}: requests that do not end are waited for no longer than they may take, and the last server goes by force`, async () => {
      using scratch = scratchFolder();
      await using one = await startApplication();
      await using running = await start(scratch.path, [{ name: 'web-1', port: one.port }]);
      const host = { name: 'web-1', tags: new Map([['Port', String(one.port)]]) };
      await expect(block(balancerOf(scratch.path, running), host)).rejects.toMatchObject({
        isFinal: true,
        message: expect.stringContaining('force: true'),
      });
      const balancer = balancerOf(scratch.path, running, { force: true });
      const slow = ask(running.socketPath, '/slow');
      await eventually(() => one.slow === 1);
      await block(balancer, host);
      expect((await block(balancer, host)).state).toBe('draining');
      await eventually(async () => (await block(balancer, host, true)).state === 'out');
      one.release();
      await slow;
    });

    test(`${kind}: a host that has no tag or no server, and a balancer that is gone, are faults that say what was asked`, async () => {
      using scratch = scratchFolder();
      await using one = await startApplication();
      await using two = await startApplication();
      const servers = [one, two].map(({ port }, index) => ({ name: `web-${index + 1}`, port }));
      const running = await start(scratch.path, servers);
      const balancer = balancerOf(scratch.path, running, kind === 'HAProxy' ? { server: '{tag:Backend}' } : {});
      const nameless = { name: 'web-9', tags: new Map() };
      await expect(block(balancer, nameless)).rejects.toMatchObject({ code: 'ELB_INVALID_INSTANCE', isFinal: true });
      const stranger = { name: 'web-9', tags: new Map(Object.entries({ Port: '1', Backend: 'web-9' })) };
      if (kind === 'nginx') expect((await block(balancer, stranger)).state).toBe('absent');
      else await expect(block(balancer, stranger)).rejects.toMatchObject({ code: 'ELB_INVALID_INSTANCE' });
      await running[Symbol.asyncDispose]();
      const known = { name: 'web-1', tags: new Map(Object.entries({ Port: String(one.port), Backend: 'web-1' })) };
      await expect(block(balancer, known)).rejects.toMatchObject({
        isFinal: false,
        record: { answer: expect.any(String) },
      });
    });
  }

  test('HAProxy: a host that is out is taken out again after a restart that has forgotten it, with the same question', async () => {
    using scratch = scratchFolder();
    await using one = await startApplication();
    await using two = await startApplication();
    const servers = [one, two].map(({ port }, index) => ({ name: `web-${index + 1}`, port }));
    const host = { name: 'web-1', tags: new Map([['Port', String(one.port)]]) };
    const first = await startHaproxy(scratch.path, servers);
    const balancer = balancerOf(scratch.path, first);
    await eventually(async () => (await block(balancer, host)).state === 'out');
    await first[Symbol.asyncDispose]();
    await using again = await startHaproxy(scratch.path, servers);
    expect((await block(balancer, host)).state).not.toBe('out');
    await eventually(async () => (await block(balancer, host)).state === 'out');
    expect(balancer.reassertMs).toBeGreaterThan(0);
    for (let time = 0; time < 4; time += 1) expect(await ask(again.socketPath, '/')).toBe(200);
  });
});
