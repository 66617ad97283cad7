/** The master key beside what was sealed with it: a server that lacks the right one says so, and writes none. */
import { cpSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeIf } from '../support/needs.ts';
import { postgresPrograms } from '../support/postgres.ts';
import { scratchFolder } from '../support/scratch.ts';
import { sharedDatabases } from '../support/shared-databases.ts';
import { runSlipway, startControlServer } from '../support/slipway.ts';

const databases = sharedDatabases();

/** Arguments that name a database: none for the one in the data folder. */
async function databaseArgs(dialect: string): Promise<string[]> {
  return dialect === 'PostgreSQL' ? ['--database', await databases.empty()] : [];
}

const OTHER_KEY = `${Buffer.alloc(32, 7).toString('base64')}\n`;

describe.each([
  ['SQLite', true],
  ['PostgreSQL', postgresPrograms !== null],
])('on %s', (dialect, isThere) => {
  const original = scratchFolder();
  afterAll(() => original[Symbol.dispose]());
  let database: string[] = [];

  beforeAll(async () => {
    if (!isThere) return;
    const dataDir = original.at('data');
    database = await databaseArgs(dialect);
    const create = ['keys', 'create', '--role', 'viewer', '--data-dir', dataDir, ...database];
    expect(await runSlipway(create)).toMatchObject({ status: 0 });
    const urls = { url: 'http://127.0.0.1:0', s3Url: 'http://127.0.0.1:0', env: {} };
    await (await startControlServer(dataDir, urls, database))[Symbol.asyncDispose]();
  });

  /** A copy of a data folder whose server ran once, with a key of a viewer. */
  function usedServer(dataDir: string) {
    cpSync(original.at('data'), dataDir, { recursive: true });
    const options = ['--data-dir', dataDir, ...database];
    return {
      keyFile: join(dataDir, 'master.key'),
      start: () => runSlipway(['server', ...options, '--listen', '127.0.0.1:0']),
      createKey: () => runSlipway(['keys', 'create', '--role', 'viewer', ...options]),
      listKeys: () => runSlipway(['keys', 'list', ...options]),
    };
  }

  describeIf(isThere, 'PostgreSQL, initdb and postgres')('the master key', () => {
    test('a missing key is told by server and keys create, and none is written', async () => {
      using scratch = scratchFolder();
      const { keyFile, start, createKey, listKeys } = usedServer(scratch.at('data'));
      renameSync(keyFile, scratch.at('kept.key'));
      for (const run of [start, createKey]) {
        const refused = await run();
        expect(refused.status).toBe(2);
        expect(refused.stderr).toContain(`${keyFile} is missing, and the `);
        expect(refused.stderr).toMatch(/the signing authority and the access key AKIA\w{16}; no new key was written/);
        expect(refused.stderr).toContain('Put that very file back');
      }
      const listed = await listKeys();
      expect(listed).toMatchObject({ status: 0, stdout: expect.stringContaining('viewer') });
      expect(listed.stderr).toContain('master.key is missing');
      expect(existsSync(keyFile)).toBe(false);
      renameSync(scratch.at('kept.key'), keyFile);
      expect(await createKey()).toMatchObject({ status: 0 });
    });

    test.each([
      ['another key', OTHER_KEY, 'is not the key that'],
      ['an empty file', '', 'does not hold a key'],
      ['half a key', OTHER_KEY.slice(0, 20), 'does not hold a key'],
      ['some text', 'this is not a key\n', 'does not hold a key'],
    ])('%s in its place is told by server and keys create, and stays as it is', async (_, content, message) => {
      using scratch = scratchFolder();
      const { keyFile, start, createKey } = usedServer(scratch.at('data'));
      writeFileSync(keyFile, content);
      for (const run of [start, createKey]) {
        const refused = await run();
        expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
      }
      expect(readFileSync(keyFile, 'utf8')).toBe(content);
    });

    test('a server that never ran gets one key, whoever comes first of several at once', async () => {
      using scratch = scratchFolder();
      const options = ['--data-dir', scratch.at('data'), ...(await databaseArgs(dialect))];
      const create = () => runSlipway(['keys', 'create', '--role', 'admin', ...options]);
      expect(await runSlipway(['keys', 'list', ...options])).toMatchObject({
        stderr: expect.not.stringContaining('master'),
      });
      expect(existsSync(scratch.at('data/master.key'))).toBe(false);
      const made = await Promise.all([create(), create(), create()]);
      expect(made.map(({ status, stderr }) => [status, stderr])).toEqual([
        [0, ''],
        [0, ''],
        [0, ''],
      ]);
      const { stderr, stdout } = await runSlipway(['keys', 'list', ...options]);
      expect(stderr).toBe('');
      expect(stdout.match(/admin/g)).toHaveLength(3);
    });
  });
});

test('keys and git tokens of two master keys in one database: the server runs and names those that it cannot open', async () => {
  using scratch = scratchFolder();
  const dataDir = scratch.at('data');
  await using server = await startControlServer(dataDir);
  await server[Symbol.asyncDispose]();
  const database = new DatabaseSync(join(dataDir, 'slipway.db'), { timeout: 5_000 });
  database
    .prepare(
      "insert into access_keys (access_key_id, secret_sealed, role, description, created_at_ms) values ('AKIAOTHERKEY', ?, 'viewer', '', 0)",
    )
    .run(Buffer.alloc(60, 1).toString('base64url'));
  const token = {
    token_name: 'acme-of-before',
    url: 'https://github.com/acme',
    user_name: 'x',
    applications_json: '["*"]',
  };
  database
    .prepare(
      `insert into git_tokens (${Object.keys(token).join(', ')}, token_sealed, created_at_ms) values (?, ?, ?, ?, ?, 0)`,
    )
    .run(...Object.values(token), Buffer.alloc(60, 2).toString('base64url'));
  database.close();
  await using again = await startControlServer(dataDir, server);
  expect(again.daemon.log()).toContain('AKIAOTHERKEY');
  expect(again.daemon.log()).toContain('acme-of-before');
  const { stdout } = await runSlipway(['server', 'doctor', '--data-dir', dataDir], again.env);
  expect(stdout).toContain('does not open AKIAOTHERKEY');
  expect(stdout).toContain('does not open the git token acme-of-before');
  expect(await runSlipway(['applications', 'list'], again.env)).toMatchObject({ status: 0 });
});
