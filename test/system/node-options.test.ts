import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { smallProgram } from '../support/small-program.ts';

const restart = (kind: 'FOR_WAITING' | 'FOR_SERVING') => `
  own.restartWith(own.${kind});
  console.log(JSON.stringify({ pid: process.pid, argv: process.argv.slice(2), options: process.execArgv, work: own.optionsForWork(),
    variable: process.env.OF_THE_TEST }));`;

/** Words of the program about itself, and the number that the process was started with. */
function restarted(program: string, args: readonly string[], variables: NodeJS.ProcessEnv = {}) {
  const script = 'echo $$; exec "$@"';
  const env = { ...process.env, NODE_OPTIONS: undefined, OF_THE_TEST: 'as it was', ...variables };
  const command = [process.execPath, '--no-deprecation', program, ...args];
  const [started, said = ''] = execFileSync('sh', ['-c', script, 'sh', ...command], { encoding: 'utf8', env }).split(
    '\n',
  );
  return { started: Number(started), said: JSON.parse(said) as unknown };
}

test('a daemon that waits starts anew without compilers as the same process, and what it starts for work has them', () => {
  using scratch = scratchFolder();
  const program = smallProgram(scratch, 'node-options', restart('FOR_WAITING'));
  const { started, said } = restarted(program, ['agent', '--config-file', '/some/file']);
  expect(said).toEqual({
    pid: started,
    argv: ['agent', '--config-file', '/some/file'],
    options: ['--jitless', '--optimize-for-size', '--no-deprecation'],
    work: ['--no-deprecation'],
    variable: 'as it was',
  });
});

test('the server starts anew with a small space for what is soon garbage, and has its compilers', () => {
  using scratch = scratchFolder();
  const program = smallProgram(scratch, 'node-options', restart('FOR_SERVING'));
  const { started, said } = restarted(program, ['server', '--data-dir', '/some/folder']);
  expect(said).toMatchObject({ pid: started, options: ['--max-semi-space-size=8', '--no-deprecation'] });
});

test.each([['--max-semi-space-size=32'], ['--max_semi_space_size=32 --no-warnings']])(
  'NODE_OPTIONS of the user count, as %s',
  (given) => {
    using scratch = scratchFolder();
    const program = smallProgram(scratch, 'node-options', restart('FOR_SERVING'));
    const { said } = restarted(program, ['server'], { NODE_OPTIONS: given });
    expect(said).toMatchObject({ options: ['--no-deprecation'] });
  },
);

test.each([
  ['an argument', ['agent', '--config-file', '/dev/fd/3'], {}],
  ['a variable', ['server'], { SLIPWAY_TLS_KEY: '/proc/self/fd/3' }],
])(
  'a daemon goes on as it is where %s names an open descriptor, which a new start would lose',
  (_, args, variables) => {
    using scratch = scratchFolder();
    const program = smallProgram(scratch, 'node-options', restart('FOR_WAITING'));
    expect(restarted(program, args, variables).said).toMatchObject({ options: ['--no-deprecation'] });
  },
);
