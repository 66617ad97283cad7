/** Two servers that share a database and a folder of revisions. */

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeIf } from '../../support/needs.ts';
import { postgresPrograms } from '../../support/postgres.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { sharedDatabases } from '../../support/shared-databases.ts';
import { testServer } from '../../support/test-server.ts';

const ROUNDS = 10;
const HOUR_MS = 60 * 60_000;
const md5 = (text: string) => createHash('md5').update(text).digest('hex');

describeIf(postgresPrograms !== null, 'PostgreSQL, initdb and postgres')('two servers on one folder', () => {
  test('two servers that complete one upload at the same time both tell of the one object, and unfinished files of a killed one go', async () => {
    using scratch = scratchFolder();
    const database = await sharedDatabases().empty();
    await using one = await testServer(scratch.at('one'), database);
    mkdirSync(scratch.at('two'), { mode: 0o700 });
    copyFileSync(scratch.at('one/master.key'), scratch.at('two/master.key'));
    symlinkSync(scratch.at('one/s3'), scratch.at('two/s3'));
    await using two = await testServer(scratch.at('two'), database);
    const key = await one.key('operator');
    const sends = [rawS3(one.s3Url, key), rawS3(two.s3Url, key)] as const;

    for (let round = 0; round < ROUNDS; round += 1) {
      const target = `/revisions/whole-${round}`;
      const content = `content ${round}`;
      const begun = await sends[0]({ method: 'POST', target: `${target}?uploads=` });
      const id = /<UploadId>(\w+)</.exec(begun.text)?.[1];
      await sends[1]({ method: 'PUT', target: `${target}?partNumber=1&uploadId=${id}`, body: content });
      const part = `<Part><PartNumber>1</PartNumber><ETag>${md5(content)}</ETag></Part>`;
      const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`;
      const answers = await Promise.all(
        [...sends, ...sends].map((send) => send({ method: 'POST', target: `${target}?uploadId=${id}`, body })),
      );
      for (const { status, text } of answers) expect({ status, text }).toEqual({ status: 200, text: answers[0]?.text });
      expect((await sends[1]({ method: 'GET', target })).text).toBe(content);
      const versions = await sends[0]({ method: 'GET', target: `/revisions?versions=&prefix=whole-${round}` });
      expect(versions.text.match(/<VersionId>/g)).toHaveLength(1);
    }

    const folder = scratch.at('one/s3/revisions', createHash('sha256').update('whole-0').digest('hex'));
    const [old, young] = ['.latest.4000000.tmp', '.latest.4000001.tmp'];
    for (const name of [old, young]) writeFileSync(`${folder}/${name}`, 'x');
    const longAgo = (Date.now() - 2 * HOUR_MS) / 1000;
    utimesSync(`${folder}/${old}`, longAgo, longAgo);
    await sends[0]({ method: 'PUT', target: '/revisions/whole-0', body: 'new' });
    expect(existsSync(`${folder}/${old}`)).toBe(false);
    expect(readdirSync(folder)).toContain(young);
  });
});
