/**
 * Live logs of a real agent at a real server: `npm run test:live-logs`. A line for each check, and the counts as JSON. It takes a minute.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { anyText, programOptions } from '../support/program-options.ts';
import { type Check, runChecks } from '../support/run-checks.ts';
import { runSlipway, startControlServer } from '../support/slipway.ts';
import { openGround, type Treatment, touch, untilFile } from './ground.ts';

const values = programOptions('test:live-logs', {
  only: anyText('TEXT', 'runs the checks whose names hold the text'),
});

/** Longest time from a line to its reader, in ms. */
const SOON_MS = 2_000;

const checks: readonly Check[] = [
  {
    what: 'a line is read before its script ends, within two seconds, and `slipway logs --follow` shows all of them',
    needs: [],
    async hold() {
      await using ground = await openGround();
      const [said, end] = [ground.scratch.at('said'), ground.scratch.at('end')];
      const id = await ground.begin(`echo "here I am"; touch '${said}'; ${untilFile(end)}; echo "here I go"`);
      const following = runSlipway(['logs', id, '--follow', '--host', 'web-1'], ground.server.env);
      await eventually(() => existsSync(said), { everyMs: 5 });
      const saidMs = performance.now();
      await eventually(async () => (await ground.log(id).catch(() => '')).includes('[stdout]here I am'), {
        everyMs: 10,
      });
      const tookMs = Math.round(performance.now() - saidMs);
      touch(end);
      await ground.end(id);
      await eventually(async () => (await ground.log(id)).includes('[stdout]here I go'), { withinMs: 5_000 });
      const shown = await following;
      for (const words of ['web-1 ValidateService | ', 'here I am', 'here I go', 'this is AfterInstall']) {
        assert.ok(shown.stdout.includes(words), `slipway logs lacks '${words}': ${shown.stdout}${shown.stderr}`);
      }
      assert.ok(tookMs < SOON_MS, `a line took ${tookMs} ms`);
      return `read after ${tookMs} ms`;
    },
  },
  {
    what: 'while the server starts anew no line is lost, and none comes twice',
    needs: [],
    async hold() {
      await using ground = await openGround();
      const script = 'i=0; while [ $i -lt 200 ]; do echo "line $i."; i=$((i+1)); sleep 0.05; done';
      const id = await ground.begin(script);
      await eventually(async () => (await ground.log(id).catch(() => '')).includes('line 20.'));
      const { server } = ground;
      server.daemon.kill('SIGKILL');
      await server.daemon.exited;
      await delay(1_500);
      ground.server = await startControlServer(server.dataDir, server);
      await ground.end(id);
      await eventually(async () => (await ground.log(id)).includes('line 199.'), { withinMs: 20_000 });
      const lines = [...(await ground.log(id)).matchAll(/line (\d+)\./g)].map(([, n]) => Number(n));
      assert.deepEqual(
        lines,
        Array.from({ length: 200 }, (_, n) => n),
      );
    },
  },
  ...(['refused', 'answered with errors', 'left hanging'] as const).map((treatment: Treatment) => ({
    what: `live logs that are ${treatment} change nothing about a deployment`,
    needs: [],
    async hold() {
      await using ground = await openGround();
      const script = 'i=0; while [ $i -lt 20000 ]; do echo "a line that is of no use to anybody"; i=$((i+1)); done';
      const usual = Math.min(
        await ground.end(await ground.begin(script)),
        await ground.end(await ground.begin(script)),
      );
      ground.proxy.treatment = treatment;
      const asked = ground.proxy.asked;
      const took = Math.min(await ground.end(await ground.begin(script)), await ground.end(await ground.begin(script)));
      assert.ok(ground.proxy.asked > asked, 'the agent sent nothing');
      assert.ok(took < usual + 1_500, `it took ${took} ms, and ${usual} ms when they were taken`);
      return `${took} ms; when they are taken, ${usual} ms`;
    },
  })),
  ...(
    [
      ['server', { server: ['--live-logs', 'off'] }],
      ['agent', { agent: 'live_logs: false\n' }],
    ] as const
  ).map(([side, options]) => ({
    what: `switched off by the ${side}, nothing is sent`,
    needs: [],
    async hold() {
      await using ground = await openGround(options);
      const id = await ground.begin('echo one; sleep 1; echo two');
      await ground.end(id);
      assert.equal(ground.proxy.asked, 0);
      assert.deepEqual((await ground.client.call('ListEventLogs', { deploymentId: id })).logs, []);
    },
  })),
  {
    what: 'a script that writes 100 MB takes as long as without live logs',
    needs: [],
    async hold() {
      const words: string[] = [];
      for (const [name, agent] of [
        ['on', ''],
        ['off', 'live_logs: false\n'],
      ] as const) {
        await using ground = await openGround({ agent });
        const script = 'yes "a line of forty characters, more or less" | head -c 104857600';
        await ground.end(await ground.begin('echo warm'));
        const runs: { tookMs: number; cpuMs: number }[] = [];
        for (const _ of [1, 2, 3]) {
          const before = cpuOf(ground.agent.pid);
          const tookMs = await ground.end(await ground.begin(script));
          runs.push({ tookMs, cpuMs: cpuOf(ground.agent.pid) - before });
        }
        const median = (of: (run: (typeof runs)[number]) => number) => runs.map(of).toSorted((a, b) => a - b)[1];
        words.push(`${name}: ${median((run) => run.tookMs)} ms, processor ${median((run) => run.cpuMs)} ms`);
      }
      return words.join('; ');
    },
  },
];

/** Processor time of the agent and of its executors, which are kept between the deployments; milliseconds. */
function cpuOf(pid: number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, one) => {
    const fields = readFileSync(`/proc/${one}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);
}

process.exitCode = await runChecks(checks.filter(({ what }) => what.includes(values.only ?? '')));
