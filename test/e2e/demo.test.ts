/** `npm run demo`, as a person types it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { descendantsOf, isRunning } from '../support/process-tree.ts';
import { scratchFolder } from '../support/scratch.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const EVENTS = [
  'ApplicationStop',
  'DownloadBundle',
  'BeforeInstall',
  'Install',
  'AfterInstall',
  'ApplicationStart',
  'ValidateService',
];

function startDemo(...args: string[]) {
  // In a process group of its own, as a terminal's foreground job is.
  const child = spawn('npm', ['run', 'demo', '--', ...args], {
    cwd: PROJECT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const demo = { child, output: '', ended: once(child, 'close') };
  const keep = (text: string) => {
    demo.output += text;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  return demo;
}

test('shows every event of a good deployment succeed, then how a bad one is reported, and leaves nothing behind, in a path with blanks, quotes and signs, with a HOME that cannot be written', async () => {
  using scratch = scratchFolder();
  const checkout = scratch.at(`it's "my" $HOME & #1`);
  for (const part of ['bin', 'src', 'examples', 'package.json']) {
    cpSync(join(PROJECT, part), join(checkout, part), { recursive: true });
  }
  symlinkSync(join(PROJECT, 'node_modules'), join(checkout, 'node_modules'));
  // A file where a folder should be: root cannot write below it, either.
  writeFileSync(scratch.at('home'), '');

  const demo = await execa('node', ['examples/demo/demo.ts'], {
    cwd: checkout,
    env: { HOME: scratch.at('home') },
    reject: false,
    all: true,
  });
  expect(demo.all).toContain('Both deployments ended as they should.');
  expect(demo.exitCode).toBe(0);
  const [, good = '', bad = ''] =
    /== A revision that is good([\s\S]*)== A revision whose([\s\S]*)/.exec(demo.all ?? '') ?? [];
  for (const event of EVENTS) expect(good).toMatch(new RegExp(`demo-host  ${event} +Succeeded`));
  expect(good).toContain('index.html');
  for (const part of ['ScriptFailed', 'exit code 3', 'scripts/validate.sh', 'it answered 503'])
    expect(bad).toContain(part);
  expect(readdirSync(join(checkout, '.scratch'))).toEqual([]);
}, 300_000);

test.each([
  ['Ctrl-C', (pid: number) => process.kill(-pid, 'SIGINT')],
  ['an end of npm alone', (pid: number) => process.kill(pid, 'SIGTERM')],
])(
  '--keep prints what to try next, which works, and %s ends everything in good order',
  async (_name, end) => {
    const demo = startDemo('--keep');
    const settings = () => /^ {2}\. (.+)$/m.exec(demo.output)?.[1] ?? '';
    await eventually(() => demo.output.includes('stay in'), { withinMs: 240_000 });
    const { pid = 0 } = demo.child;
    const processes = descendantsOf(pid);

    const next = /^ {2}(npx slipway deployments show .*)$/m.exec(demo.output)?.[1] ?? '';
    const shown = execFileSync('sh', ['-c', `. ${settings()}; ${next}`], { cwd: PROJECT, encoding: 'utf8' });
    expect(shown).toContain('ScriptFailed');

    end(pid);
    await demo.ended;
    await eventually(() => processes.every((id) => !isRunning(id)));
    expect(demo.output).not.toMatch(/ended with|is killed|at once/);
    const folder = /\.scratch\/demo-\w+/.exec(demo.output)?.[0] ?? 'none';
    rmSync(join(PROJECT, folder), { recursive: true });
  },
  300_000,
);
