/** The programs of `test/`: how they read what they are started with. */
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import packageFile from '../../package.json' with { type: 'json' };
import { anyText, flag, oneOf, readOptions, wholeNumber } from '../support/program-options.ts';

const OPTIONS = {
  runs: wholeNumber('how many', { least: 1, most: 500, otherwise: 60 }),
  seed: wholeNumber('repeats one', { otherwise: null }),
  part: oneOf(['agent', 'server'], 'only one part'),
  only: anyText('TEXT', 'those that hold it'),
  json: flag('as JSON'),
};
const read = (...args: string[]) => readOptions('test:some', OPTIONS, args);
const NOTHING = { runs: 60, seed: null, part: null, only: null, json: false };

test.each([
  { args: [], values: NOTHING },
  { args: ['--runs', '500', '--seed=0', '--json'], values: { ...NOTHING, runs: 500, seed: 0, json: true } },
  { args: ['--part', 'server', '--only=--dashes'], values: { ...NOTHING, part: 'server', only: '--dashes' } },
  { args: ['--runs', '2', '--runs', '3'], values: { ...NOTHING, runs: 3 } },
])('the options $args of a program of the tests are read as they are meant', ({ args, values }) => {
  expect(read(...args)).toEqual({ is: 'values', values });
});

test.each([
  { args: ['--wrong'], why: 'there is no option --wrong' },
  { args: ['-x'], why: 'there is no option -x' },
  { args: ['--constructor'], why: 'there is no option --constructor' },
  { args: ['many'], why: "'many' is no option" },
  { args: ['--', 'many'], why: "'many' is no option" },
  { args: ['--runs'], why: '--runs takes a value' },
  { args: ['--only', '--json'], why: '--only takes a value' },
  { args: ['--json=yes'], why: '--json takes no value' },
  { args: ['--runs', '0'], why: "--runs is a whole number from 1 to 500, not '0'" },
  { args: ['--runs', '501'], why: "--runs is a whole number from 1 to 500, not '501'" },
  { args: ['--runs=-5'], why: "--runs is a whole number from 1 to 500, not '-5'" },
  { args: ['--runs', '1e2'], why: "--runs is a whole number from 1 to 500, not '1e2'" },
  { args: ['--runs', ''], why: "--runs is a whole number from 1 to 500, not ''" },
  { args: ['--seed', '99999999999999999999'], why: '--seed is a whole number from 0 to 1000000000, not' },
  { args: ['--part', 'age'], why: "--part is one of agent, server, not 'age'" },
])('the wrong options $args of a program of the tests are refused in one line', ({ args, why }) => {
  const reading = read(...args);
  expect(reading).toMatchObject({ is: 'refusal', text: expect.stringContaining(`test:some: ${why}`) });
  expect(reading).toMatchObject({ text: expect.stringMatching(/^[^\n]*--help shows all options\n$/) });
});

test('the help of a program of the tests names every option, what it takes and what it is without', () => {
  const text = `npm run test:some -- [OPTIONS]

  --runs N     how many (60)
  --seed N     repeats one
  --part NAME  only one part: agent, server
  --only TEXT  those that hold it
  --json       as JSON
  --help       this text
`;
  expect(read('--runs', '3', '--help')).toEqual({ is: 'help', text });
});

/** Published without the rest of the repository, and read by people. */
const OUTSIDE = ['examples/demo/demo.ts'];

/** Arguments of this one are vitest's. */
const PASSED_ON = ['test:postgres'];

test('every program of the tests reads its options in the one way, under its own name', () => {
  const programs = Object.entries(packageFile.scripts).flatMap(([name, command]) => {
    const [, file] = /^node (test\/(?!rules\/)\S+\.ts)$/.exec(command) ?? [];
    return file === undefined || PASSED_ON.includes(name) ? [] : { name, file };
  });
  expect(programs.length).toBeGreaterThan(10);
  const others = programs.filter(
    ({ name, file }) => !readFileSync(file, 'utf8').includes(`programOptions('${name}', {`),
  );
  expect(others).toEqual([]);
});

test('every program of the repository that prints goes on to its end when its reader leaves', async () => {
  const files = Object.values(packageFile.scripts).flatMap((command) => /^node (\S+\.ts)$/.exec(command)?.[1] ?? []);
  const printing = files.filter((file) => /process\.(stdout|stderr)|console\.log/.test(readFileSync(file, 'utf8')));
  expect(printing.length).toBeGreaterThan(20);
  const others = printing.filter((file) => !/outliveReaders\(\)|programOptions\(/.test(readFileSync(file, 'utf8')));
  expect(others).toEqual(OUTSIDE);
  const script = `for (let i = 0; i < 100000; i += 1) process.stdout.write('a line\\n'); process.exitCode = 7`;
  const program = `import { outliveReaders } from './packaging/closed-pipe.ts'; outliveReaders(); ${script}`;
  const { stdout, stderr } = await execa('bash', [
    ...['-c', '"$0" --input-type=module-typescript -e "$1" | head -n 1; echo "${PIPESTATUS[0]}"'],
    ...[process.execPath, program],
  ]);
  expect({ stdout, stderr }).toEqual({ stdout: 'a line\n7', stderr: '' });
});
