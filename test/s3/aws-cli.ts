/** `aws s3`: cp, mv, sync, ls, rm, presign. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFiles } from '../support/install.ts';
import { programOf, runner, type Tool } from './tool.ts';

const program = programOf('/usr/bin/aws', 'aws');
const HERE = 's3://revisions/aws';
/** In parts, as the CLI uploads what has more than 8 MiB. */
const LARGE = randomBytes(18 * 1024 * 1024);

export const AWS_CLI: Tool = {
  name: 'aws s3',
  program,
  steps({ server, scratch }) {
    const config = scratch.at('aws-config');
    // Version 1 of the CLI signs addresses by version 2 unless it is told.
    writeFileSync(config, '[default]\ns3 =\n  signature_version = s3v4\n');
    const run = runner(program, {
      ...server.env,
      ...{ AWS_DEFAULT_REGION: 'us-east-1', AWS_PAGER: '', AWS_CONFIG_FILE: config },
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    });
    const s3 = (...args: readonly string[]) => run('--endpoint-url', server.s3Url, 's3', ...args);
    const [large, back] = [scratch.at('aws-large'), scratch.at('aws-back')];
    return [
      {
        name: 'cp of a large file in parts, there and back',
        async run() {
          writeFileSync(large, LARGE);
          await s3('cp', large, `${HERE}/large.bin`, '--metadata', 'owner=me');
          await s3('cp', `${HERE}/large.bin`, back);
          assert.ok(readFileSync(back).equals(LARGE));
        },
      },
      {
        name: 'cp within the store, which copies part by part',
        async run() {
          await s3('cp', `${HERE}/large.bin`, `${HERE}/copied ü.bin`);
          await s3('cp', `${HERE}/copied ü.bin`, back);
          assert.ok(readFileSync(back).equals(LARGE));
        },
      },
      {
        name: 'mv within the store',
        async run() {
          await s3('mv', `${HERE}/copied ü.bin`, `${HERE}/moved/large.bin`);
          assert.deepEqual(names(await s3('ls', '--recursive', HERE)), ['aws/large.bin', 'aws/moved/large.bin']);
        },
      },
      {
        name: 'sync of a folder, changed and with --delete',
        async run() {
          const folder = writeFiles(scratch.at('aws-tree'), { 'a.txt': 'a', 'b/c.txt': 'c', 'b/d & <e>.txt': 'd' });
          await s3('sync', folder, `${HERE}/tree`);
          writeFiles(folder, { 'a.txt': 'another', 'f.txt': 'f' });
          await s3('sync', '--delete', folder, `${HERE}/tree`);
          await s3('sync', `${HERE}/tree`, scratch.at('aws-tree-back'));
          assert.equal(readFileSync(scratch.at('aws-tree-back/a.txt'), 'utf8'), 'another');
          assert.deepEqual(readdirSync(scratch.at('aws-tree-back')).sort(), ['a.txt', 'b', 'f.txt']);
        },
      },
      {
        name: 'ls of buckets and of a folder',
        async run() {
          assert.match(await s3('ls'), / revisions$/m);
          assert.match(await s3('ls', `${HERE}/tree/`), /PRE b\//);
        },
      },
      {
        name: 'presign, fetched by anybody',
        async run() {
          const address = await s3('presign', `${HERE}/tree/a.txt`, '--expires-in', '60');
          assert.equal(await (await fetch(address)).text(), 'another');
          assert.equal((await fetch(address, { method: 'DELETE' })).status, 403);
        },
      },
      {
        name: 'rm, of one object and of all',
        async run() {
          await s3('rm', `${HERE}/tree/a.txt`);
          assert.doesNotMatch(await s3('ls', `${HERE}/tree/`), /a\.txt/);
          await s3('rm', '--recursive', HERE);
          await assert.rejects(s3('ls', '--recursive', HERE), { exitCode: 1 });
        },
      },
    ];
  },
};

/** The last column of a list of objects. */
function names(list: string): string[] {
  return list
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(31));
}
