/** What the command line says of itself: help that fits a terminal, examples that hold, and hints for what is mistyped. */
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { leafCommands, programForDocs } from '../rules/docs.ts';
import { capturedContext } from '../support/cli-context.ts';

const leaves = leafCommands(await programForDocs()).map(({ words, command }) => ({
  name: words.join(' '),
  words,
  command,
}));
/** They run until they are ended, or speak as the official tool does. */
const WITHOUT_JSON = /^(agent|server|logs|local)$|^(agent|server) (start|stop|restart|status|install)$/;

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

  test('every command that answers once offers its answer as JSON', () => {
    const without = leaves.filter(({ command }) => !command.options.some(({ long }) => long === '--json'));
    expect(without.map(({ name }) => name).filter((name) => !WITHOUT_JSON.test(name))).toEqual([]);
  });
});

test.each([
  [['deplyo'], "unknown command 'deplyo'\n(Did you mean deploy?)"],
  [['group', 'list'], '(Did you mean groups?)'],
  [['groups', 'udpate'], '(Did you mean update?)'],
  [['configs', 'crate'], '(Did you mean create?)'],
  [['agent', 'instal'], "unknown command 'instal'\n(Did you mean install?)"],
  [['server', 'instll'], '(Did you mean install?)'],
  [['deploy', './build', '--grop', 'x'], "unknown option '--grop'\n(Did you mean --group?)"],
  [['groups', 'create', 'x', '--aplication', 'a'], '(Did you mean --application?)'],
  [['keys', 'create', '--rol', 'admin'], '(Did you mean --role?)'],
  [
    ['keys', 'create', '--role', 'operater'],
    'Allowed choices are admin, operator, viewer, host.\n(Did you mean operator?)',
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
