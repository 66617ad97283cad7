/** The scripts of one group, however much they print, take nothing from the output of another group's scripts. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test, vi } from 'vitest';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { writeScript } from '../support/scripts.ts';
import { runSlipway, SLIPWAY } from '../support/slipway.ts';

vi.setConfig({ testTimeout: 120_000 });

const EVENTS = ['BeforeInstall', 'AfterInstall', 'ApplicationStart', 'ValidateService'];
const FLOOD_BYTES = 8 * 1024 * 1024;

function configure(scratch: ScratchFolder): string {
  const config = { root_dir: scratch.at('root'), log_dir: scratch.at('logs'), pid_dir: scratch.at('pids') };
  writeFileSync(scratch.at('agent.yml'), JSON.stringify(config));
  return scratch.at('agent.yml');
}

/** A bundle with one script for each event. */
function bundle(scratch: ScratchFolder, name: string, script: string): string {
  const folder = scratch.at(name);
  mkdirSync(folder);
  writeScript(`${folder}/say.sh`, `#!/bin/sh\n${script}\n`);
  const hooks = Object.fromEntries(EVENTS.map((event) => [event, [{ location: 'say.sh', timeout: 60 }]]));
  writeFileSync(`${folder}/appspec.yml`, JSON.stringify({ version: 0, os: 'linux', hooks }));
  return folder;
}

function deploy(folder: string, config: string, group: string) {
  return runSlipway(['local', '-l', folder, '-c', config, '--deployment-group', group]);
}

describe('a script that floods its output', () => {
  test('pushes nothing of another group out of the log of all deployments, nor out of that group’s own', async () => {
    using scratch = scratchFolder();
    const config = configure(scratch);
    const line = 'flood '.repeat(30);
    const flood = `yes '${line}' | head -c ${FLOOD_BYTES}; yes '${line}' | head -c ${FLOOD_BYTES} >&2`;
    const loud = bundle(scratch, 'loud', flood);
    const quiet = bundle(scratch, 'quiet', 'for n in 1 2 3; do echo "heard $LIFECYCLE_EVENT $n"; sleep 0.1; done');
    const before = await deploy(quiet, config, 'before');
    const [drowned, beside] = await Promise.all([deploy(loud, config, 'loud'), deploy(quiet, config, 'beside')]);
    expect([before, drowned, beside].map(({ status }) => status)).toEqual([0, 0, 0]);

    const folder = scratch.at('root', 'deployment-logs');
    const logs = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
    const shared = logs.join('');
    for (const event of EVENTS) {
      for (const n of [1, 2, 3]) expect(shared.split(`[stdout]heard ${event} ${n}\n`)).toHaveLength(3);
    }
    // Lines of the two do not run into each other.
    expect(shared.split('\n').filter((one) => one !== '' && !/^\[[-\d :.]+\] \[d-\w+-local\]/.test(one))).toEqual([]);
    expect(shared.length).toBeLessThan(EVENTS.length * 1.1 * 1024 * 1024 + 64 * 1024);
    expect(shared).toContain('the rest is in');
  });
});

describe('files that the parent of a command has open, from 3 to 20', () => {
  test('go on to no script', async () => {
    using scratch = scratchFolder();
    const config = configure(scratch);
    writeFileSync(scratch.at('secret'), 'secret');
    const list = `for fd in /proc/self/fd/*; do echo "$fd $(readlink "$fd")"; done > ${quoteForShell(scratch.at('seen'))} 2>&1`;
    const folder = bundle(scratch, 'bundle', list);
    const opened = Array.from({ length: 18 }, (_, index) => `${index + 3}<"$0"`).join(' ');
    const words = [process.execPath, SLIPWAY, 'local', '-l', folder, '-c', config];
    const { exitCode } = await execa('bash', ['-c', `exec "$@" ${opened}`, scratch.at('secret'), ...words], {
      stdin: 'ignore',
      reject: false,
    });
    expect(exitCode).toBe(0);
    const seen = readFileSync(scratch.at('seen'), 'utf8');
    expect(seen).toMatch(/\/0 /);
    expect(seen).not.toContain('secret');
    const numbers = [...seen.matchAll(/fd\/(\d+) (.+)/g)].filter(([, , target = '']) => !/\/fd$/.test(target));
    expect(numbers.map(([, number]) => Number(number)).filter((number) => number > 2)).toEqual([]);
  });
});
