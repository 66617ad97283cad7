/** Backups of a server that runs, by the command line, and what comes back of them. PostgreSQL has programs of its own for its part. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { restore } from '../../../src/server/backup/restore.ts';
import { startTimeOf } from '../../../src/system/processes.ts';
import { eventually } from '../../support/eventually.ts';
import {
  deployToTag,
  type HandDrivenHost,
  handDrivenHost,
  hostClient,
  managementClient,
} from '../../support/hand-driven-host.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { type ScratchFolder, scratchFolder } from '../../support/scratch.ts';
import { runSlipway } from '../../support/slipway.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

/** The embedded database, also where the suite has PostgreSQL. */
const EMBEDDED = { SLIPWAY_DATABASE: '' };
const slipway = (...args: string[]) => runSlipway(args, EMBEDDED);

let scratch: ScratchFolder;
let server: TestServer;
let admin: { accessKeyId: string; secretAccessKey: string };
let host: HandDrivenHost;
let file: string;
/** The command that the host has acknowledged, and not reported. */
let taken = '';
/** Applications of which the creation was answered before the backup began. */
const answered: string[] = [];

beforeAll(async () => {
  scratch = scratchFolder();
  server = await testServer(scratch.at('data'), null);
  mkdirSync(scratch.at('data/.backup-killed'));
  writeFileSync(scratch.at('data/.backup-killed/slipway.db'), 'a copy that nobody has removed');
  utimesSync(scratch.at('data/.backup-killed'), 1, 1);
  admin = await server.key('admin');
  const client = managementClient(server.url, admin);
  host = await handDrivenHost(server.url, client, 'web-1', 'web');
  await rawS3(server.s3Url, admin)({ method: 'PUT', target: '/revisions/web.zip', body: 'the bundle' });
  await deployToTag(client, 'web');
  const command = await host.command();
  taken = command.HostCommandIdentifier;
  await host.client.acknowledge(taken, false);
  // Somebody goes on writing before, during and after the backup.
  let isDone = false;
  let number = 0;
  const writeOn = async () => {
    while (!isDone) {
      const applicationName = `written-${number}`;
      number += 1;
      await client.call('CreateApplication', { applicationName });
      if (file === undefined) answered.push(applicationName);
    }
  };
  const writing = writeOn();
  await eventually(() => answered.length > 5);
  file = scratch.at('slipway.backup');
  const { status, stderr } = await slipway(
    'server',
    'backup',
    file,
    '--data-dir',
    scratch.at('data'),
    '--with-bundles',
  );
  isDone = true;
  await writing;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

describe('a backup of a running server', () => {
  test('can be read by its owner alone, leaves nothing in the data folder, and removes what a killed backup has left', () => {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(scratch.at('data')).filter((name) => name.startsWith('.backup'))).toEqual([]);
  });

  test('loses nothing that was answered before it began, and the deployment that ran goes on after it was restored', async () => {
    const { status, stdout } = await slipway('server', 'restore', file, '--data-dir', scratch.at('again'));
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('restored') });
    await using again = await testServer(scratch.at('again'), null);
    const client = managementClient(again.url, admin);
    const names: string[] = [];
    for (let nextToken: string | undefined; ; ) {
      const page = await client.call('ListApplications', nextToken === undefined ? {} : { nextToken });
      names.push(...(page.applications ?? []));
      nextToken = page.nextToken;
      if (nextToken === undefined) break;
    }
    expect(names).toEqual(expect.arrayContaining([...answered, 'app-web']));
    const { text } = await rawS3(again.s3Url, admin)({ method: 'GET', target: '/revisions/web.zip' });
    expect(text).toBe('the bundle');
    const { entries } = await client.call('ListAuditEntries', { operation: 'CreateDeployment' });
    expect(entries).toHaveLength(1);
    const deploymentId = entries[0]?.made ?? '';
    const { waits } = await client.call('DescribeDeploymentWaits', { deploymentId });
    expect(waits).toMatchObject([{ targetId: 'web-1', lifecycleEventName: 'ApplicationStop', reason: 'silence' }]);
    // The host's key is as good as before, and its report is taken.
    const spoken = hostClient(again.url, host.hostArn, host.key);
    await spoken.complete(taken, {
      status: 'Succeeded',
      diagnostics: { errorCode: 0, scriptName: '', message: '', log: '' },
    });
    await eventually(async () => (await spoken.pollHostCommand(undefined, false))?.CommandName === 'DownloadBundle');
  });

  test('is not written over a file that is there', async () => {
    const before = readFileSync(file);
    const { status, stderr } = await slipway('server', 'backup', file, '--data-dir', scratch.at('data'));
    expect(status).not.toBe(0);
    expect(stderr).toContain('is there already');
    expect(readFileSync(file)).toEqual(before);
  });

  test.each(['a server runs on', 'something lies in'])('is not restored to a folder that %s', async (what) => {
    const folder = what === 'a server runs on' ? scratch.at('data') : scratch.at('occupied');
    mkdirSync(scratch.at('occupied'), { recursive: true });
    writeFileSync(scratch.at('occupied/mine'), 'x');
    const before = readdirSync(folder).sort();
    const { status, stderr } = await slipway('server', 'restore', file, '--data-dir', folder);
    expect(status).not.toBe(0);
    expect(stderr).toContain(what === 'a server runs on' ? 'SERVER_ALREADY_RUNNING' : 'SERVER_DATA_FOLDER');
    expect(readdirSync(folder).sort()).toEqual(before);
  });
});

test('a restore removes what a killed one has left of the same folder, with the master key, and nothing of one that runs', async () => {
  const target = scratch.at('cleared');
  const leave = (owner: string) => {
    const folder = scratch.at(`.cleared.restore-${owner}-Abc123`);
    mkdirSync(folder);
    writeFileSync(`${folder}/master.key`, 'secret');
    return folder;
  };
  const running = leave(`${process.pid}-${startTimeOf(process.pid)}`);
  // The process that had this number began at another time.
  const left = leave(`${process.pid}-1`);
  expect(await slipway('server', 'restore', file, '--data-dir', target)).toMatchObject({ status: 0, stderr: '' });
  expect([existsSync(left), existsSync(running), existsSync(`${target}/master.key`)]).toEqual([false, true, true]);
});

test.each([
  ['a file', 'file'],
  ['below a file', 'file/data'],
])('a restore to a data folder that is %s says so, and how to go on', async (_, name) => {
  writeFileSync(scratch.at('file'), 'mine');
  const { status, stderr } = await slipway('server', 'restore', file, '--data-dir', scratch.at(name));
  expect(status).not.toBe(0);
  expect(stderr).toContain('SERVER_DATA_FOLDER');
  expect(stderr).toMatch(/--data-dir/);
  expect(readFileSync(scratch.at('file'), 'utf8')).toBe('mine');
});

describe('a backup that is not what was written', () => {
  const whole = () => readFileSync(file);
  const middle = () => Math.floor(whole().length / 2);
  test.each([
    ['was cut off in the middle', () => whole().subarray(0, middle())],
    ['lacks its last byte', () => whole().subarray(0, -1)],
    ['lacks its end', () => whole().subarray(0, whole().lastIndexOf('{"sha256"'))],
    ['has one other bit', () => changed(whole(), middle())],
    ['has something behind its end', () => Buffer.concat([whole(), Buffer.from('x')])],
    ['is empty', () => Buffer.alloc(0)],
    ['is something else', () => Buffer.from('a text\nof two lines\n')],
    ['names a place outside', () => Buffer.from('slipway-backup 1\n{"path":"../evil","sizeBytes":1}\nx')],
    ['names a place in the root', () => Buffer.from('slipway-backup 1\n{"path":"/etc/evil","sizeBytes":1}\nx')],
    ['names a place through the store', () => Buffer.from('slipway-backup 1\n{"path":"s3/../../e","sizeBytes":1}\nx')],
  ])('because it %s restores nothing', (_, content) => {
    writeFileSync(scratch.at('broken.backup'), content());
    const before = readdirSync(scratch.path).sort();
    const target = scratch.at('nothing');
    const fd = openSync(scratch.at('broken.backup'), 'r');
    expect(() => restore(fd, target)).toThrow(expect.objectContaining({ code: 'SERVER_BACKUP_INVALID' }));
    closeSync(fd);
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(scratch.path).sort()).toEqual(before);
  });
});

test('a backup with PostgreSQL keeps the rest, and says that pg_dump copies the database', async () => {
  const target = scratch.at('rest.backup');
  const elsewhere = ['--database', 'postgres://db.example.com/slipway'];
  const made = await slipway('server', 'backup', target, '--data-dir', scratch.at('data'), ...elsewhere);
  expect(made).toMatchObject({ status: 0, stdout: expect.stringContaining('pg_dump') });
  const { status, stdout } = await slipway('server', 'restore', target, '--data-dir', scratch.at('rest'));
  expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('pg_restore') });
  expect(readdirSync(scratch.at('rest')).filter((name) => name !== 'server.env')).toEqual([
    'master.key',
    'signer-ca.pem',
  ]);
});

test('a folder in which no server has ever run is not backed up, and no file is left', async () => {
  mkdirSync(scratch.at('strange'));
  const target = scratch.at('never.backup');
  const { status, stderr } = await slipway('server', 'backup', target, '--data-dir', scratch.at('strange'));
  expect(status).not.toBe(0);
  expect(stderr).toContain('SERVER_DATA_FOLDER');
  expect(existsSync(target)).toBe(false);
});

function changed(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}
