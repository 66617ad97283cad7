/** A server that is killed in the middle of writing holds each object as it was, or as it was to be. */
import { createHash, randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type RawAnswer, rawS3, type SendRaw } from '../../support/raw-s3.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { type ControlServer, startControlServer } from '../../support/slipway.ts';
import { SUITE_POSTGRES } from '../../support/suite-database.ts';

const ROUNDS = 3;
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Content that a key holds for certain, and content that it may hold because a request was not answered; null: none. */
interface Expected {
  known: string | null;
  asked: string | null;
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const hashOf = (key: string) => createHash('sha256').update(key).digest('hex');

async function putInParts(send: SendRaw, target: string, content: string): Promise<RawAnswer> {
  const begun = await send({ method: 'POST', target: `${target}?uploads=` });
  const id = /<UploadId>(\w+)</.exec(begun.text)?.[1];
  const halves = [content.slice(0, 10), content.slice(10)];
  const parts = await Promise.all(
    halves.map(async (body, at) => {
      await send({ method: 'PUT', target: `${target}?partNumber=${at + 1}&uploadId=${id}`, body });
      return `<Part><PartNumber>${at + 1}</PartNumber><ETag>${md5(body)}</ETag></Part>`;
    }),
  );
  const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
  return send({ method: 'POST', target: `${target}?uploadId=${id}`, body });
}

/** Changes one key again and again until the server is gone. */
async function keepChanging(send: SendRaw, key: string, expected: Expected, answered: () => void): Promise<void> {
  const target = `/revisions/${key}`;
  for (let turn = 0; ; turn += 1) {
    const content = `${key} ${turn} ${'x'.repeat(randomInt(100_000))}`;
    expected.asked = turn % 4 === 3 ? null : content;
    const work =
      turn % 4 === 3
        ? send({ method: 'DELETE', target })
        : turn % 4 === 1
          ? putInParts(send, target, content)
          : send({ method: 'PUT', target, body: content });
    const answer = await work.catch(() => null);
    if (answer === null) return;
    expect(answer.status, answer.text).toBeLessThan(300);
    expected.known = expected.asked;
    answered();
  }
}

/** @returns how many versions were read */
async function requireWhole(
  server: ControlServer,
  send: SendRaw,
  expected: ReadonlyMap<string, Expected>,
): Promise<number> {
  let versions = 0;
  for (const [key, state] of expected) {
    const { known, asked } = state;
    const { status, text } = await send({ method: 'GET', target: `/revisions/${key}` });
    const held = status === 404 ? null : text;
    expect(held === known || held === asked, `${key} holds ${held?.slice(0, 20)} (${status})`).toBe(true);
    state.known = held;
    const list = await send({ method: 'GET', target: `/revisions?versions=&prefix=${key}` });
    for (const [, version, eTag] of list.text.matchAll(/<Version>.*?<VersionId>(\w+)<.*?<ETag>&#34;([^&]+)&/g)) {
      const one = await send({ method: 'GET', target: `/revisions/${key}?versionId=${version}` });
      expect(one.status).toBe(200);
      versions += 1;
      if (!eTag?.includes('-')) expect(md5(one.text)).toBe(eTag);
    }
    const names = new Set(readdirSync(join(server.dataDir, 's3/revisions', hashOf(key))));
    const contents = [...names].filter((name) => /^\w{32}$/.test(name));
    expect(contents.filter((name) => !names.has(`${name}.json`))).toEqual([]);
  }
  // With PostgreSQL the folder may be shared, and what came in might still come in at another server: that goes after a day.
  if (process.env[SUITE_POSTGRES] === undefined) expect(readdirSync(join(server.dataDir, 's3/.incoming'))).toEqual([]);
  return versions;
}

test('a revision store that is killed at any instant holds every object whole, and as it was or was to be', async () => {
  using scratch = scratchFolder();
  const expected = new Map(KEYS.map((key): [string, Expected] => [key, { known: null, asked: null }]));
  let before: ControlServer | undefined;
  for (let round = 0; round <= ROUNDS; round += 1) {
    await using server = await startControlServer(scratch.at('server'), before);
    before = server;
    const send = rawS3(server.url, {
      accessKeyId: server.env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: server.env['AWS_SECRET_ACCESS_KEY'] ?? '',
    });
    if (round > 0) expect(await requireWhole(server, send, expected)).toBeGreaterThan(0);
    if (round === ROUNDS) break;
    let left = KEYS.length + randomInt(60);
    const answered = () => {
      left -= 1;
      if (left === 0) server.daemon.kill('SIGKILL');
    };
    await Promise.all([...expected].map(([key, state]) => keepChanging(send, key, state, answered)));
  }
}, 120_000);
