/** Examples of files in the docs are read by the program's own readers. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAppSpec } from '../../src/appspec/parse.ts';
import { readResourceAppSpec } from '../../src/appspec/resources/read.ts';
import { readAlarmsFile } from '../../src/server/outside/alarms-file.ts';
import { readBalancersFile } from '../../src/server/outside/balancers-file.ts';
import { readFleetsFile } from '../../src/server/outside/fleets-file.ts';
import { readHooksFile } from '../../src/server/outside/hooks-file.ts';
import { readOidcFile } from '../../src/server/outside/oidc/settings.ts';
import { readWebhooksFile } from '../../src/server/outside/webhooks-file.ts';
import { systemClock } from '../../src/system/clock.ts';
import { scratchFolder } from '../support/scratch.ts';
import { blocksOf } from './blocks.ts';
import { PROJECT } from './run-reference.ts';

const pages = readdirSync(join(PROJECT, 'docs')).filter((name) => name.endsWith('.md'));
const examples = pages.flatMap((file) =>
  blocksOf(readFileSync(join(PROJECT, 'docs', file), 'utf8'))
    .filter(({ language }) => language === 'yaml')
    .map(({ line, text }) => ({ place: `docs/${file}:${line}`, file, text })),
);
const having = (part: string) => examples.filter(({ text }) => text.includes(part));

describe('AppSpec files in the docs', () => {
  test.each(having('\nos: linux'))('$place: is read without a finding', ({ text }) => {
    // One shows the first lines only.
    const isBeginning = !text.includes('files:');
    const { findings } = parseAppSpec(text, { filename: 'appspec.yml', platform: 'linux' });
    expect(findings.map(({ rule }) => rule)).toEqual(isBeginning ? ['nothing-to-do'] : []);
  });

  test.each(having('\nResources:'))('$place: is read without a finding', ({ text }) => {
    expect(readResourceAppSpec(text, { filename: 'appspec.yml', platform: null })).toMatchObject({
      ok: true,
      findings: [],
    });
  });

  test('are some of each kind', () => {
    expect(having('\nos: linux').length).toBeGreaterThan(4);
    expect(having('\nResources:').length).toBeGreaterThan(1);
  });
});

describe('files of the server in the docs', () => {
  const clock = systemClock;

  test.each([
    ['load-balancers.md', 'kind: haproxy', (file: string) => readBalancersFile(file, { clock, aws: null }).size, 4],
    ['notices.md', 'kind: prometheus', (file: string) => readAlarmsFile(file, null).size, 2],
    ['notices.md', 'url: https://chat', (file: string) => readWebhooksFile(file, clock).size, 1],
    ['blue-green.md', 'provision:', (file: string) => readFleetsFile(file).size, 2],
    ['platforms.md', 'kind: webhook', (file: string) => readHooksFile(file, clock).size, 2],
    ['single-sign-on.md', 'issuer:', (file: string) => readOidcFile(file).rules.length, 3],
    ['aws.md', 'kind: cloudwatch', (file: string) => readAlarmsFile(file, null).size, 1],
  ])('docs/%s, %s: is read, and every name stands for something', (file, part, read, count) => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('secret'), '0123456789abcdef');
    const example = having(part).find((one) => one.file === file);
    // Files that the examples name are the reader's own.
    const text = (example?.text ?? '')
      .replace(/(secretFile:) \S+/giu, `$1 ${scratch.at('secret')}`)
      .replace(/^ *caFile:.*\n/mu, '');
    writeFileSync(scratch.at('file.yml'), text);
    expect(read(scratch.at('file.yml'))).toBe(count);
  });
});
