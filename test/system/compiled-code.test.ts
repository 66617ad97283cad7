import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { smallProgram } from '../support/small-program.ts';

/** Node goes by its own variable first, which the suite has. */
const OWN_CHOICE = { ...process.env, NODE_COMPILE_CACHE: undefined };

const KEEP = `own.keepCompiledCode(import.meta.dirname); await import('./lazy.mjs');`;

test('a command keeps its compiled code in the folder of the program, for its own user alone to change', () => {
  using scratch = scratchFolder();
  const program = smallProgram(scratch, 'compiled-code', KEEP);
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
  const program = smallProgram(scratch, 'compiled-code', KEEP);
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
  const program = smallProgram(scratch, 'compiled-code', KEEP);
  chmodSync(scratch.at('dist'), mode);
  execFileSync(process.execPath, [program], { env: OWN_CHOICE });
  expect(existsSync(scratch.at('dist', 'compiled'))).toBe(false);
});

test('a command runs as usual where its compiled code cannot be kept', () => {
  using scratch = scratchFolder();
  const program = smallProgram(scratch, 'compiled-code', `${KEEP} console.log('done');`);
  writeFileSync(scratch.at('dist', 'compiled'), 'no folder');
  expect(execFileSync(process.execPath, [program], { encoding: 'utf8', env: OWN_CHOICE })).toBe('done\n');
});

const VARIABLES = `
  const folder = import.meta.dirname;
  console.log(JSON.stringify({ own: own.variablesForWork(folder), gone: own.variablesForWork(folder + '/gone') }));
  own.forgetVariablesForWork();
  console.log(process.env.NODE_COMPILE_CACHE ?? 'forgotten');`;

test('a process for work keeps its compiled code in the folder of the program, unless the environment names another', () => {
  using scratch = scratchFolder();
  const program = smallProgram(scratch, 'compiled-code', VARIABLES);
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
