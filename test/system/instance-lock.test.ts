import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { SlipwayError } from '../../src/errors.ts';
import { lockOwner, takeInstanceLock } from '../../src/system/instance-lock.ts';
import { startTimeOf } from '../../src/system/processes.ts';
import { scratchFolder } from '../support/scratch.ts';

const MODULE = fileURLToPath(new URL('../../src/system/instance-lock.ts', import.meta.url));
const PROCESSES = 6;
const ROUNDS = 20;

/** Tries to take the lock that a line names, says what came of it, and lets go at the next line. */
const PROGRAM = `
  import { createInterface } from 'node:readline';
  import { takeInstanceLock } from ${JSON.stringify(MODULE)};
  let lock = null;
  createInterface({ input: process.stdin }).on('line', (line) => {
    if (line === 'release') { lock?.release(); lock = null; console.log('released'); return; }
    try {
      lock = takeInstanceLock(line, (pid) => Object.assign(new Error('taken'), { pid }));
      console.log('taken');
    } catch (error) {
      console.log(error.message === 'taken' ? 'busy ' + error.pid : 'crashed ' + error.stack);
    }
  });
  console.log('ready');
`;

class Taker implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  constructor() {
    this.#child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('no output');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }
  get pid() {
    return this.#child.pid;
  }
  say(line: string) {
    this.#child.stdin?.write(`${line}\n`);
  }
  async answer(): Promise<string> {
    return String((await this.#lines.next()).value);
  }
  async [Symbol.asyncDispose]() {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

const CONTENDER = fileURLToPath(new URL('../support/contend-for-lock.ts', import.meta.url));
const HOLDS = 300;
const busy = (pid: number) => new SlipwayError('AGENT_ALREADY_RUNNING', `taken by ${pid}`);

describe('a lock', () => {
  test('a lock of an owner that is gone is taken over by one, however many find it at the same instant', async () => {
    using scratch = scratchFolder();
    await using takers = new AsyncDisposableStack();
    const all = Array.from({ length: PROCESSES }, () => takers.use(new Taker()));
    for (const taker of all) expect(await taker.answer()).toBe('ready');
    for (let round = 0; round < ROUNDS; round += 1) {
      const lockFile = scratch.at(`lock-${round}`);
      writeFileSync(lockFile, '999999999 1');
      for (const taker of all) taker.say(lockFile);
      const answers = await Promise.all(all.map((taker) => taker.answer()));
      const owners = answers.filter((answer) => answer === 'taken');
      expect(owners, answers.join(', ')).toHaveLength(1);
      const owner = all[answers.indexOf('taken')];
      expect(readFileSync(lockFile, 'utf8').split(' ')[0]).toBe(String(owner?.pid));
      for (const taker of all) taker.say('release');
      for (const taker of all) expect(await taker.answer()).toBe('released');
    }
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  test('a lock whose new owner was killed while it took the lock over can be taken over again', () => {
    using scratch = scratchFolder();
    const stale = ['999999999 1', '999999998 1', '999999997 1'];
    // Each of the dead was about to take over what the one before had left.
    let lockFile = scratch.at('lock');
    for (const text of stale) {
      writeFileSync(lockFile, text);
      lockFile += `.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    }
    const lock = takeInstanceLock(scratch.at('lock'), busy);
    expect(readdirSync(scratch.path)).toEqual(['lock']);
    lock.release();
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  test('is busy while its owner lives, garbled locks are nobody’s, and only the owner lets go', async () => {
    using scratch = scratchFolder();
    await using taker = new Taker();
    expect(await taker.answer()).toBe('ready');
    taker.say(scratch.at('lock'));
    expect(await taker.answer()).toBe('taken');
    expect(() => takeInstanceLock(scratch.at('lock'), busy)).toThrow(`taken by ${taker.pid}`);
    for (const text of ['', 'garbage', `${taker.pid} 1`]) {
      writeFileSync(scratch.at('other'), text);
      const lock = takeInstanceLock(scratch.at('other'), busy);
      writeFileSync(scratch.at('other'), 'somebody else’s');
      lock.release();
      expect(readFileSync(scratch.at('other'), 'utf8')).toBe('somebody else’s');
    }
  });
});

test('two processes that want a lock all the time, abandoned ones too, never have it together', async () => {
  using scratch = scratchFolder();
  const run = () => execa(process.execPath, [CONTENDER, scratch.path, String(HOLDS)]);
  const ended = await Promise.all([run(), run()]);
  for (const { stdout } of ended) expect(JSON.parse(stdout)).toEqual({ held: HOLDS, together: 0 });
  expect(readdirSync(scratch.path).filter((name) => name !== 'lock')).toEqual([]);
});

test('a lock whose owner runs cannot be taken; one that a former process of the same PID has left can', () => {
  using scratch = scratchFolder();
  const lockFile = scratch.at('folder', 'lock');
  const lock = takeInstanceLock(lockFile, busy);
  expect(lockOwner(lockFile)).toBe(process.pid);
  lock.release();
  expect(lockOwner(lockFile)).toBe(null);

  writeFileSync(lockFile, `${process.ppid} ${startTimeOf(process.ppid)}`);
  expect(() => takeInstanceLock(lockFile, busy)).toThrow(`taken by ${process.ppid}`);
  writeFileSync(lockFile, `${process.ppid} 1`);
  takeInstanceLock(lockFile, busy).release();
  expect(readdirSync(scratch.at('folder'))).toEqual([]);
});
