import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa, execaSync } from 'execa';
import { describe, expect, test } from 'vitest';
import { makePipeFolder, sweepOwnFolder, sweepSharedFolders } from '../../src/hooks/pipe-folders.ts';
import { startTimeOf } from '../../src/system/processes.ts';
import { testIf } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const NAMESPACE = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
const GONE = `slipway-pipes-${NAMESPACE}-4194305-77-`;
const HOUR_MS = 60 * 60_000;
const PIPES = fileURLToPath(new URL('../../src/hooks/output-pipe.ts', import.meta.url));
const FOLDERS = fileURLToPath(new URL('../../src/hooks/pipe-folders.ts', import.meta.url));

/** As /tmp is: everybody may write, nobody may take away what is another's. */
function sharedFolder(scratch: ScratchFolder): string {
  const folder = scratch.at('shared');
  mkdirSync(folder);
  chmodSync(folder, 0o1777);
  return folder;
}

function plant(folder: string, ...pipes: string[]): string {
  mkdirSync(folder, { mode: 0o700 });
  if (pipes.length > 0)
    execaSync(
      'mkfifo',
      pipes.map((name) => `${folder}/${name}`),
    );
  return folder;
}

describe('folders of pipes that a killed maker has left', () => {
  test('are removed at once where the maker was of this container, and the name says so', async () => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    const left = [plant(`${shared}/${GONE}aaaaaa`, 'stdout', 'stderr'), plant(`${shared}/${GONE}bbbbbb`)];
    const living = makePipeFolder(shared);
    expect([...(await sweepSharedFolders([shared]))].sort()).toEqual(left);
    expect(readdirSync(shared).map((name) => `${shared}/${name}`)).toEqual([living]);
  });

  test('are removed where another process has the maker’s number now', async () => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    const start = Number(startTimeOf(process.pid));
    const [later, unknown] = [`${start + 1}`, '0'].map((began) =>
      plant(`${shared}/slipway-pipes-${NAMESPACE}-${process.pid}-${began}-aaaaaa`, 'stdout'),
    );
    expect(await sweepSharedFolders([shared])).toEqual([later]);
    // Its maker could not tell when it began: then whoever has the number counts.
    expect(existsSync(unknown ?? '')).toBe(true);
  });

  test.each(['1', '0'])('are left for an hour where the maker was of another container (%s)', async (namespace) => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    const left = plant(`${shared}/slipway-pipes-${namespace}-4194305-77-aaaaaa`, 'stdout');
    expect(await sweepSharedFolders([shared])).toEqual([]);
    expect(await sweepSharedFolders([shared], Date.now() + HOUR_MS + 60_000)).toEqual([left]);
  });

  test('are removed from every folder, and folders that are missing or files hold nobody up', async () => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    const left = plant(`${shared}/${GONE}aaaaaa`, 'stdout');
    writeFileSync(scratch.at('file'), '');
    expect(await sweepSharedFolders([scratch.at('none'), scratch.at('file'), shared, shared])).toEqual([left]);
    expect(sweepOwnFolder(scratch.at('none'))).toEqual([]);
  });
});

describe('what only looks like a folder of pipes', () => {
  test.each([
    ['has another name', (at: string) => plant(`${at}/slipway-pipes-x`, 'stdout')],
    ['has the name of something else', (at: string) => plant(`${at}/slipway-aaaaaa`, 'stdout')],
    ['goes on behind the name', (at: string) => plant(`${at}/${GONE}aaaaaa.d`, 'stdout')],
    ['has a line break before the name', (at: string) => plant(`${at}/x\n${GONE}aaaaaa`, 'stdout')],
    ['is a file', (at: string) => writeFileSync(`${at}/${GONE}aaaaaa`, '')],
    ['is a pipe itself', (at: string) => execaSync('mkfifo', [`${at}/${GONE}aaaaaa`])],
    [
      'holds a file beside the pipes',
      (at: string) => writeFileSync(`${plant(`${at}/${GONE}aaaaaa`, 'stdout')}/precious`, ''),
    ],
    ['holds a folder', (at: string) => mkdirSync(`${plant(`${at}/${GONE}aaaaaa`)}/stdout`)],
    ['holds a link', (at: string) => symlinkSync('/dev/null', `${plant(`${at}/${GONE}aaaaaa`)}/stdout`)],
  ])('is left as it is when it %s', async (_, make) => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    make(shared);
    const before = readdirSync(shared, { recursive: true }).sort();
    expect(await sweepSharedFolders([shared], Date.now() + 2 * HOUR_MS)).toEqual([]);
    expect(readdirSync(shared, { recursive: true }).sort()).toEqual(before);
  });

  test('is left with what it leads to when it is a link', async () => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    const target = plant(scratch.at('target'), 'stdout', 'stderr');
    symlinkSync(target, `${shared}/${GONE}aaaaaa`);
    expect(await sweepSharedFolders([shared], Date.now() + 2 * HOUR_MS)).toEqual([]);
    expect(sweepOwnFolder(shared, Date.now() + 2 * HOUR_MS)).toEqual([]);
    expect(readdirSync(target).sort()).toEqual(['stderr', 'stdout']);
  });

  testIf(process.getuid?.() === 0, 'root')('is left when it belongs to another user', async () => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    const theirs = plant(`${shared}/${GONE}aaaaaa`, 'stdout');
    chownSync(theirs, 65534, 65534);
    expect(await sweepSharedFolders([shared], Date.now() + 2 * HOUR_MS)).toEqual([]);
    expect(readdirSync(theirs)).toEqual(['stdout']);
  });

  test('is left in a folder where others may exchange it', async () => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    chmodSync(shared, 0o777);
    plant(`${shared}/${GONE}aaaaaa`, 'stdout');
    expect(await sweepSharedFolders([shared])).toEqual([]);
  });

  test('has its pipes under other names as well when one goes', async () => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    const left = plant(`${shared}/${GONE}aaaaaa`, 'stdout');
    linkSync(`${left}/stdout`, scratch.at('kept'));
    expect(await sweepSharedFolders([shared])).toEqual([left]);
    expect(existsSync(scratch.at('kept'))).toBe(true);
  });
});

describe('several agents and local deployments at once', () => {
  test('make pipes while others sweep, and none loses one', async () => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    const program = `
      const { createOutputPipes } = await import(${JSON.stringify(PIPES)});
      const { sweepOwnFolder, sweepSharedFolders } = await import(${JSON.stringify(FOLDERS)});
      const [own, shared] = process.argv.slice(1);
      for (let round = 0; round < 25; round += 1) {
        const pipes = await createOutputPipes(['stdout', 'stderr'], round % 2 === 0 ? own : null, [shared]);
        pipes.stdout.close();
        pipes.stderr.close();
        await sweepSharedFolders([shared]);
        sweepOwnFolder(own);
      }`;
    const args = ['--input-type=module', '-e', program, scratch.at('own'), shared];
    const runs = await Promise.all([1, 2, 3].map(() => execa(process.execPath, args, { reject: false })));
    expect(runs.map(({ stderr, exitCode }) => ({ stderr, exitCode }))).toEqual(
      runs.map(() => ({ stderr: '', exitCode: 0 })),
    );
    expect([...readdirSync(shared), ...readdirSync(scratch.at('own'))]).toEqual([]);
  });

  test('remove what one that was killed in the middle has left, and nothing of one that is only halted', async () => {
    using scratch = scratchFolder();
    const shared = sharedFolder(scratch);
    const program = `
      const { makePipeFolder } = await import(${JSON.stringify(FOLDERS)});
      console.log(makePipeFolder(process.argv[1]));
      setInterval(() => undefined, 1000);`;
    const start = async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, shared], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = await once(child.stdout, 'data');
      return { child, folder: String(line).trim() };
    };
    const [killed, halted] = await Promise.all([start(), start()]);
    halted.child.kill('SIGSTOP');
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    utimesSync(halted.folder, 0, 0);
    expect(await sweepSharedFolders([shared])).toEqual([killed.folder]);
    expect(existsSync(halted.folder)).toBe(true);
    halted.child.kill('SIGKILL');
    await once(halted.child, 'exit');
    expect(await sweepSharedFolders([shared])).toEqual([halted.folder]);
  });
});
