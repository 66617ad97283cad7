/** `s3cmd`: put, get, ls, sync, cp, mv, signurl and del. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { writeFiles } from '../support/install.ts';
import { programOf, runner, type Tool } from './tool.ts';

const program = programOf('s3cmd');
const HERE = 's3://revisions/s3cmd';
/** In two parts of the size that it is told. */
const LARGE = randomBytes(7 * 1024 * 1024);

export const S3CMD: Tool = {
  name: 's3cmd',
  program,
  steps({ server, scratch }) {
    const { host } = new URL(server.s3Url);
    const config = scratch.at('s3cfg');
    const s3cmd = runner(program, { S3CMD_CONFIG: config });
    const run = (...args: readonly string[]) => s3cmd('--config', config, '--no-progress', ...args);
    const [file, back] = [scratch.at('s3cmd-file'), scratch.at('s3cmd-back')];
    return [
      {
        name: 'put in parts, and get',
        async run() {
          const settings = {
            ...{ host_base: host, host_bucket: host, use_https: 'False', multipart_chunk_size_mb: '5' },
            access_key: server.env['AWS_ACCESS_KEY_ID'],
            secret_key: server.env['AWS_SECRET_ACCESS_KEY'],
          };
          const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
          writeFileSync(config, ['[default]', ...lines, ''].join('\n'));
          writeFileSync(file, LARGE);
          await run('put', file, `${HERE}/large.bin`);
          await run('get', '--force', `${HERE}/large.bin`, back);
          assert.ok(readFileSync(back).equals(LARGE));
        },
      },
      {
        name: 'ls of buckets and of objects',
        async run() {
          assert.match(await run('ls'), /s3:\/\/revisions$/m);
          assert.match(await run('ls', `${HERE}/`), /large\.bin/);
        },
      },
      {
        name: 'cp and mv within the store',
        async run() {
          await run('cp', `${HERE}/large.bin`, `${HERE}/copied ü.bin`);
          await run('mv', `${HERE}/copied ü.bin`, `${HERE}/moved.bin`);
          await run('get', '--force', `${HERE}/moved.bin`, back);
          assert.ok(readFileSync(back).equals(LARGE));
        },
      },
      {
        name: 'sync of a folder, there and back',
        async run() {
          const tree = writeFiles(scratch.at('s3cmd-tree'), { 'a.txt': 'a', 'b/c & d.txt': 'c' });
          await run('sync', `${tree}/`, `${HERE}/tree/`);
          writeFiles(tree, { 'a.txt': 'another' });
          await run('sync', '--delete-removed', `${tree}/`, `${HERE}/tree/`);
          const folder = writeFiles(scratch.at('s3cmd-tree-back'), {});
          await run('sync', `${HERE}/tree/`, `${folder}/`);
          assert.equal(readFileSync(`${folder}/a.txt`, 'utf8'), 'another');
          assert.equal(readFileSync(`${folder}/b/c & d.txt`, 'utf8'), 'c');
        },
      },
      {
        name: 'del of one object, and of all',
        async run() {
          await run('del', `${HERE}/large.bin`);
          assert.doesNotMatch(await run('ls', `${HERE}/`), /large\.bin/);
          await run('del', '--recursive', '--force', `${HERE}/`);
          assert.equal(await run('ls', '--recursive', `${HERE}/`), '');
        },
      },
      {
        name: 'mb and rb of a bucket',
        async run() {
          await run('mb', 's3://s3cmd-made');
          await run('rb', 's3://s3cmd-made');
          assert.doesNotMatch(await run('ls'), /s3cmd-made/);
        },
      },
    ];
  },
};
