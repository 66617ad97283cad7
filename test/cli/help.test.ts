/** The command line's words about itself: help that fits a terminal, examples that hold, and hints for mistyped words. */
import { describe, expect, test } from 'vitest';
import { leafCommands, programForDocs } from '../../packaging/command-line.ts';
import { longOptions, nearCommands, nearOptions } from '../../src/cli/near-words.ts';
import { runCli } from '../../src/cli/program.ts';
import { capturedContext } from '../support/cli-context.ts';

const leaves = leafCommands(await programForDocs()).map(({ words, command }) => ({
  name: words.join(' '),
  words,
  command,
}));
/** Commands that have no `--json`, and why. */
const WITHOUT_JSON: Readonly<Record<string, string>> = {
  agent: 'runs until it is ended; its log, its events file and its metrics are for machines',
  server: 'runs until it is ended; its log and its metrics are for machines',
};

async function type(...args: string[]) {
  const ctx = capturedContext();
  return { status: await runCli(args, ctx), printed: ctx.printed(), complained: ctx.complained() };
}

describe('the help of', () => {
  test.each(leaves)('slipway $name fits 80 columns and ends with an example of it', async ({ name, words }) => {
    const { status, printed } = await type(...words, '--help');
    expect(status).toBe(0);
    expect(printed.split('\n').filter((line) => [...line].length > 80)).toEqual([]);
    expect(printed).toMatch(new RegExp(`\\nExample:\\n {2}slipway ${name}( .*)?\\n`));
  });

  test.each(leaves)('slipway $name has an example whose flags it knows', async ({ name, command, words }) => {
    const { printed } = await type(...words, '--help');
    const example = /Example:\n {2}slipway (.*)\n/.exec(printed)?.[1] ?? '';
    const given = example.slice(name.length).match(/(?<= )--?[a-z][a-z-]*/g) ?? [];
    const known = command.options.flatMap(({ long, short }) => [long, short]);
    expect(known).toEqual(expect.arrayContaining(given));
  });

  test('all commands fits 80 columns', async () => {
    const { printed } = await type('--help');
    expect(printed.split('\n').filter((line) => [...line].length > 80)).toEqual([]);
  });

  test('every command that prints a result offers it as JSON', () => {
    const without = leaves.filter(({ command }) => !command.options.some(({ long }) => long === '--json'));
    expect(without.map(({ name }) => name)).toEqual(Object.keys(WITHOUT_JSON));
  });
});

/** Mistyped forms of a word, by fingers and by habits of other tools. */
function slipsOf(word: string): string[] {
  const [first = '', second = ''] = word;
  const plural = word.endsWith('s') ? word.slice(0, -1) : `${word}s`;
  const swapped = `${word.slice(0, -2)}${word.at(-1)}${word.at(-2)}`;
  const camel = word.replace(/[-_](.)/g, (_, letter: string) => letter.toUpperCase());
  const slips = [`${first}${word.slice(2)}`, word.slice(0, -1), plural, swapped, word.toUpperCase(), camel];
  return [...slips, word.replaceAll('-', '_'), `${first}${second}${second}${word.slice(2)}`];
}

describe('what was probably meant is named', () => {
  const program = programForDocs();

  test('for a slip in the name of any command', async () => {
    const parents = [await program, ...(await program).commands.filter(({ commands }) => commands.length > 0)];
    const unnamed = parents.flatMap((parent) => {
      const names = parent.commands.map((child) => child.name());
      return names.flatMap((name) =>
        slipsOf(name).filter((slip) => !names.includes(slip) && !nearCommands(parent, [slip]).includes(name)),
      );
    });
    expect(unnamed).toEqual([]);
  });

  test('for a slip in the name of any option', () => {
    const unnamed = leaves.flatMap(({ name, command }) =>
      longOptions(command).flatMap((long) => {
        const slips = slipsOf(long.slice(2)).map((slip) => `--${slip}`);
        return slips
          .filter((slip) => !longOptions(command).includes(slip) && !nearOptions(command, slip).includes(long))
          .map((slip) => `slipway ${name} ${slip}`);
      }),
    );
    expect(unnamed).toEqual([]);
  });
});

test.each([
  [['deplyo'], "unknown command 'deplyo'\n(Did you mean deploy?)"],
  [['group', 'list'], '(Did you mean groups?)'],
  [['DEPLOY'], '(Did you mean deploy?)'],
  [['reset_group', 'x'], '(Did you mean reset-group?)'],
  [['hosts', 'ls'], '(Did you mean list?)'],
  [['hosts', 'rm', 'web-1'], '(Did you mean deregister?)'],
  [['keys', 'dregister'], "unknown command 'dregister'\n(slipway COMMAND"],
  [['hosts', 'dregister'], '(Did you mean one of register, deregister?)'],
  [['show', 'deployment', 'd-1A2B3C4D5'], '(Did you mean deployments show?)'],
  [['install', 'server'], '(Did you mean server install?)'],
  [['restart'], '(Did you mean agent restart?)'],
  [['server', 'doctr', '--json'], '(Did you mean doctor?)'],
  [['deploy', './build', '-group', 'x'], "unknown option '-group'\n(Did you mean --group?)"],
  [['local', '-group', 'shop/live'], "unknown option '-group'\n(Did you mean --group?)"],
  [['local', '-type', 'zip'], "unknown option '-type'\n(Did you mean --type?)"],
  [['push', '.', '--application', 'x', '--signKey', 'k'], '(Did you mean --sign-key?)'],
  [['register', '--endpoint', 'http://x'], '(Did you mean --endpoint-url?)'],
  [['validate', '.', '--hlep'], '(Did you mean --help?)'],
  [['deploy\u001b[2J\n::error::x'], '\\u000a::error::x'],
  [['groups', 'udpate'], '(Did you mean update?)'],
  [['configs', 'crate'], '(Did you mean create?)'],
  [['agent', 'instal'], "unknown command 'instal'\n(Did you mean install?)"],
  [['server', 'instll'], '(Did you mean install?)'],
  [['deploy', './build', '--grop', 'x'], "unknown option '--grop'\n(Did you mean --group?)"],
  [['groups', 'create', 'x', '--aplication', 'a'], '(Did you mean --application?)'],
  [['keys', 'create', '--rol', 'admin'], '(Did you mean --role?)'],
  [
    ['keys', 'create', '--role', 'operater'],
    'Allowed choices are admin, operator, viewer, host, hook.\n(Did you mean operator?)',
  ],
  [['deploy', './build', '--group', 'x', '--file-exists-behavior', 'overwrite'], '(Did you mean OVERWRITE?)'],
  [['push', './build', '--application', 'x', '--type', 'tgzz'], '(Did you mean tgz?)'],
  [['hosts', 'list', '--status', 'registred'], '(Did you mean registered?)'],
  [['deployments', 'list', '--status', 'Succeded'], "did you mean 'Succeeded'?"],
  [['deploy', './build'], "required option '--group <group>' not specified"],
  [['hosts', 'list', 'web-1'], 'too many arguments'],
])('slipway %j is answered with the nearest right thing', async (args, hint) => {
  const { status, complained } = await type(...args);
  expect(status).toBe(2);
  expect(complained).toContain(hint);
});
