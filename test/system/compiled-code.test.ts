import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { expect, test } from 'vitest';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

/** A built program whose main file has the given text; `own` is the module that is tested. */
function programIn(scratch: ScratchFolder, text: string): string {
  mkdirSync(scratch.at('dist/system'), { recursive: true });
  const source = readFileSync(new URL('../../src/system/compiled-code.ts', import.meta.url), 'utf8');
  writeFileSync(scratch.at('dist/system/own.mjs'), stripTypeScriptTypes(source));
  chmodSync(scratch.at('dist'), 0o755);
  const file = scratch.at('dist', 'main.mjs');
  writeFileSync(file, `import * as own from './system/own.mjs';\n${text}`);
  writeFileSync(scratch.at('dist', 'lazy.mjs'), 'export const lazy = true;');
  return file;
}

/** Node goes by its own variable first, which the suite has. */
const OWN_CHOICE = { ...process.env, NODE_COMPILE_CACHE: undefined };

const KEEP = `own.keepCompiledCode(import.meta.dirname); await import('./lazy.mjs');`;

test('a command keeps its compiled code in the folder of the program, for its own user alone to change', () => {
  using scratch = scratchFolder();
  const program = programIn(scratch, KEEP);
  execFileSync(process.execPath, [program], { env: OWN_CHOICE });
  const kept = scratch.at('dist', 'compiled');
  expect(readdirSync(kept, { recursive: true }).length).toBeGreaterThan(1);
  expect(statSync(kept).mode & 0o022).toBe(0);
});

test.each([
  ['that is made', null],
  ['that was there before', 0o777],
])('a folder of compiled code %s is shut for others, whatever the umask is', (_, before) => {
  using scratch = scratchFolder();
  const program = programIn(scratch, KEEP);
  const kept = scratch.at('dist', 'compiled');
  if (before !== null) {
    mkdirSync(kept);
    chmodSync(kept, before);
  }
  execFileSync('sh', ['-c', 'umask 0; exec "$@"', 'sh', process.execPath, program], { env: OWN_CHOICE });
  expect(readdirSync(kept, { recursive: true }).length).toBeGreaterThan(1);
  expect(statSync(kept).mode & 0o777).toBe(0o700);
});

test.each([
  ['others may write to the folder of the program', 0o777],
  ['its group may write there', 0o775],
])('no compiled code is kept where %s', (_, mode) => {
  using scratch = scratchFolder();
  const program = programIn(scratch, KEEP);
  chmodSync(scratch.at('dist'), mode);
  execFileSync(process.execPath, [program], { env: OWN_CHOICE });
  expect(existsSync(scratch.at('dist', 'compiled'))).toBe(false);
});

test('a command runs as usual where its compiled code cannot be kept', () => {
  using scratch = scratchFolder();
  const program = programIn(scratch, `${KEEP} console.log('done');`);
  writeFileSync(scratch.at('dist', 'compiled'), 'no folder');
  expect(execFileSync(process.execPath, [program], { encoding: 'utf8', env: OWN_CHOICE })).toBe('done\n');
});

const RESTART = `
  own.restartWithoutCompilers();
  console.log(JSON.stringify({ pid: process.pid, argv: process.argv.slice(2), options: process.execArgv, work: own.optionsForWork(),
    variable: process.env.OF_THE_TEST }));`;

/** Words of the program about itself, and the number that the process was started with. */
function restarted(program: string, args: readonly string[]) {
  const script = 'echo $$; exec "$@"';
  const env = { ...process.env, OF_THE_TEST: 'as it was' };
  const command = [process.execPath, '--no-deprecation', program, ...args];
  const [started, said = ''] = execFileSync('sh', ['-c', script, 'sh', ...command], { encoding: 'utf8', env }).split(
    '\n',
  );
  return { started: Number(started), said: JSON.parse(said) as unknown };
}

test('a daemon starts anew without compilers as the same process, and what it starts for work has them', () => {
  using scratch = scratchFolder();
  const program = programIn(scratch, RESTART);
  const { started, said } = restarted(program, ['agent', '--config-file', '/some/file']);
  expect(said).toEqual({
    pid: started,
    argv: ['agent', '--config-file', '/some/file'],
    options: ['--jitless', '--optimize-for-size', '--no-deprecation'],
    work: ['--no-deprecation'],
    variable: 'as it was',
  });
});

test('a daemon goes on as it is where an argument names an open descriptor, which a new start would lose', () => {
  using scratch = scratchFolder();
  const program = programIn(scratch, RESTART);
  const { said } = restarted(program, ['agent', '--config-file', '/dev/fd/3']);
  expect(said).toMatchObject({ options: ['--no-deprecation'] });
});

const VARIABLES = `
  const folder = import.meta.dirname;
  console.log(JSON.stringify({ own: own.variablesForWork(folder), gone: own.variablesForWork(folder + '/gone') }));
  own.forgetVariablesForWork();
  console.log(process.env.NODE_COMPILE_CACHE ?? 'forgotten');`;

test('a process for work keeps its compiled code in the folder of the program, unless the environment names another', () => {
  using scratch = scratchFolder();
  const program = programIn(scratch, VARIABLES);
  const said = (env: NodeJS.ProcessEnv) => {
    const [variables = '', after] = execFileSync(process.execPath, [program], { encoding: 'utf8', env }).split('\n');
    return { ...(JSON.parse(variables) as object), after };
  };
  const own = { NODE_COMPILE_CACHE: scratch.at('dist/compiled') };
  expect(said(OWN_CHOICE)).toEqual({ own, gone: {}, after: 'forgotten' });
  expect(said({ ...OWN_CHOICE, NODE_COMPILE_CACHE: scratch.at('other') })).toEqual({
    own: {},
    gone: {},
    after: 'forgotten',
  });
  chmodSync(scratch.at('dist'), 0o777);
  expect(said(OWN_CHOICE)).toEqual({ own: {}, gone: {}, after: 'forgotten' });
});
