import { describe, expect, test } from 'vitest';
import { circlesIn, roomOf, saysPure, violationsIn } from './rooms.ts';

describe('the import rules of the house', () => {
  test('a room is the first folder, and under server the second', () => {
    expect(roomOf('agent/poller.ts')).toBe('agent');
    expect(roomOf('server/engine/decide.ts')).toBe('server/engine');
    expect(roomOf('server/main.ts')).toBe('server');
    expect(roomOf('errors.ts')).toBe('errors');
  });

  test('the agent may not import the server', () => {
    const found = violationsIn('agent/poller.ts', "\nimport { startServer } from '../server/main.ts';\n");
    expect(found).toEqual([{ file: 'agent/poller.ts', line: 2, rule: 'agent may not import server (server/main.ts)' }]);
  });

  test('an import over several lines and a lazy import are seen', () => {
    const text = "import {\n  a,\n  b,\n} from '../cli/main.ts';\nconst c = await import('../local/deploy.ts');\n";
    expect(violationsIn('agent/poller.ts', text).map(({ line }) => line)).toEqual([4, 5]);
  });

  test('a file whose head says that it is pure may neither ask the clock nor touch the disk', () => {
    const text =
      "/** A plan. Pure. */\nimport { readFileSync } from 'node:fs';\n// Date.now is only named here\nconst now = Date.now();\n";
    expect(violationsIn('install/plan.ts', text).map(({ line }) => line)).toEqual([2, 4]);
    expect(violationsIn('install/plan.ts', text.replace('Pure', 'Plain'))).toEqual([]);
  });

  test('a pure file imports values from pure files and the catalogue of errors only, and types from anywhere', () => {
    const text = [
      '/** A plan. Pure. */',
      "import { SlipwayError } from '../errors.ts';",
      "import { childPath } from './child-path.ts';",
      "import type { Journal } from './journal.ts';",
      "import { readJournal } from './journal.ts';",
    ].join('\n');
    const pure = new Set(['install/child-path.ts']);
    expect(violationsIn('install/plan.ts', text, pure).map(({ line }) => line)).toEqual([5]);
  });

  test.each([
    ['/** Plans an Install. Pure. */\n', true],
    ['/**\n * Plans an Install. Pure: nothing is done.\n *\n * More.\n */\n', true],
    ["import { a } from './a.ts';\n/** Pure. */\n", false],
    ['/** Plans an Install. */\n/** Pure. */\n', false],
    ['/** Purely for tests. */\n', false],
  ])('the word at its head makes a file pure: %j', (text, expected) => {
    expect(saysPure(text)).toBe(expected);
  });

  test('an import that a room may have is no violation', () => {
    expect(violationsIn('deployment/run-command.ts', "import { parseAppSpec } from '../appspec/parse.ts';\n")).toEqual(
      [],
    );
    expect(violationsIn('appspec/parse.ts', "import type { Logger } from '../logging/logger.ts';\n")).toEqual([]);
  });

  test.each([
    "import { sql } from 'kysely';",
    "import type { Kysely } from 'kysely';",
    "const { default: pg } = await import('pg');",
    '  .selectFrom(table)',
    'await tx.updateTable(name).set(changes).execute();',
    'await sql`select 1`.execute(db);',
  ])('a statement for the database is refused outside of the store: %s', (line) => {
    const rule = 'a statement for the database stands outside of server/store';
    expect(violationsIn('server/api/tags.ts', `\n${line}\n`)).toEqual([{ file: 'server/api/tags.ts', line: 2, rule }]);
    expect(violationsIn('server/store/tags.ts', `\n${line}\n`)).toEqual([]);
  });

  test('files that import each other are a circle, also through a third and by types alone', () => {
    const circle = new Map([
      ['hooks/a.ts', "import { b } from './b.ts';\n"],
      ['hooks/b.ts', "import { z } from 'zod';\nimport type { C } from './c.ts';\n"],
      ['hooks/c.ts', "import type { A } from './a.ts';\n"],
      ['hooks/d.ts', "import { a } from './a.ts';\nimport { c } from './c.ts';\n"],
    ]);
    expect(circlesIn(circle)).toEqual([
      { file: 'hooks/c.ts', line: 1, rule: 'a circle: hooks/a.ts → hooks/b.ts → hooks/c.ts → hooks/a.ts' },
    ]);
    expect(circlesIn(new Map([...circle].filter(([file]) => file !== 'hooks/c.ts')))).toEqual([]);
  });
});
