/**
 * `rclone`: lsf, copy both ways, check, sync and purge, with more objects than one page of a list holds. It goes over TLS, since rclone
 * signs no body.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { writeFiles } from '../support/install.ts';
import { programOf, runner, type Tool } from './tool.ts';

const program = programOf('rclone');
const COUNT = 1100;
const HERE = 'store:revisions/rclone';

export const RCLONE: Tool = {
  name: 'rclone',
  program,
  steps({ secured, scratch }) {
    const { server, caFile } = secured;
    const run = runner(program, {
      ...{ RCLONE_CONFIG: scratch.at('rclone.conf'), RCLONE_CONFIG_STORE_TYPE: 's3', RCLONE_TRANSFERS: '8' },
      ...{ RCLONE_CONFIG_STORE_PROVIDER: 'Other', RCLONE_CONFIG_STORE_ENDPOINT: server.s3Url },
      RCLONE_CA_CERT: caFile,
      RCLONE_CONFIG_STORE_ACCESS_KEY_ID: server.env['AWS_ACCESS_KEY_ID'],
      RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: server.env['AWS_SECRET_ACCESS_KEY'],
    });
    const [tree, back] = [scratch.at('rclone-tree'), scratch.at('rclone-back')];
    const lines = async (...args: readonly string[]) => (await run(...args)).split('\n').filter((line) => line !== '');
    return [
      {
        name: `copy of ${COUNT} files into the store`,
        async run() {
          const files = Array.from({ length: COUNT }, (_, at) => [`${at % 7}/file ${at}.txt`, `content of ${at}`]);
          writeFiles(tree, { ...Object.fromEntries(files), 'ümläut & <x>.bin': randomBytes(1000).toString('hex') });
          await run('copy', tree, HERE);
        },
      },
      {
        name: 'lsf, which lists each once',
        async run() {
          const listed = await lines('lsf', '--recursive', '--files-only', HERE);
          assert.equal(new Set(listed).size, COUNT + 1);
          assert.equal(listed.length, COUNT + 1);
          assert.equal((await lines('lsf', HERE)).length, 8);
        },
      },
      {
        name: 'check, which compares every file',
        run: async () => void (await run('check', tree, HERE)),
      },
      {
        name: 'copy out of the store',
        async run() {
          await run('copy', HERE, back);
          await run('check', '--download', HERE, back);
        },
      },
      {
        name: 'sync after changes, and copy within the store',
        async run() {
          writeFiles(tree, { '0/file 0.txt': 'changed', 'new.txt': 'new' });
          rmSync(`${tree}/1`, { recursive: true });
          await run('sync', tree, HERE);
          await run('check', tree, HERE);
          await run('copy', `${HERE}/2`, `${HERE}-copy`);
          await run('check', `${HERE}/2`, `${HERE}-copy`);
        },
      },
      {
        name: 'purge, which leaves nothing',
        async run() {
          await run('purge', HERE);
          await run('purge', `${HERE}-copy`);
          assert.deepEqual(await lines('lsf', '--recursive', 'store:revisions', '--include', 'rclone*/**'), []);
        },
      },
      {
        name: 'mkdir and rmdir of a bucket',
        async run() {
          await run('mkdir', 'store:rclone-made');
          assert.ok((await lines('lsf', 'store:')).includes('rclone-made/'));
          await run('rmdir', 'store:rclone-made');
          assert.ok(!(await lines('lsf', 'store:')).includes('rclone-made/'));
        },
      },
    ];
  },
};
