import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { packBundle } from '../../src/archive/pack.ts';
import { kindOfBundle } from '../../src/local/bundle-kind.ts';
import { tarOf, zipOf } from '../hostile/makers.ts';
import { writeRevision } from '../support/revision.ts';
import { scratchFolder } from '../support/scratch.ts';
import { runSlipway } from '../support/slipway.ts';

const tar = tarOf([{ path: 'a', content: 'x' }]);

describe('what kind of bundle it is', () => {
  test.each([
    ['a folder', 'directory', null],
    ['nothing', 'directory', undefined],
    ['bundle', 'tar', tar],
    ['zip.tgz', 'zip', zipOf([{ path: 'a', content: 'x' }])],
    ['bundle.zip', 'tgz', gzipSync(tar)],
    ['empty.tar', 'tar', Buffer.of()],
    ['app.tar.gz', 'tgz', Buffer.from('damaged')],
    ['notes.txt', 'directory', Buffer.from('no bundle')],
  ] as const)('%s: %s', (name, kind, content) => {
    using scratch = scratchFolder();
    if (content === null) mkdirSync(scratch.at(name));
    else if (content !== undefined) writeFileSync(scratch.at(name), content);
    expect(kindOfBundle(name, scratch.path)).toBe(kind);
  });

  test.each([
    ['s3://bucket/app.tgz?versionId=1', 'tgz'],
    ['s3://bucket/app', 'directory'],
    ['https://example.com/app.tar.gz#sha256=00', 'tgz'],
    ['https://github.com/octo/site', 'directory'],
    ['git+ssh://git@example.com/site.zip#00', 'zip'],
  ] as const)('at %s: %s', (address, kind) => {
    expect(kindOfBundle(address, '/')).toBe(kind);
  });

  test('a bundle file is deployed without being told what it is', async () => {
    using scratch = scratchFolder();
    const revision = writeRevision(scratch.at('one'), { destination: scratch.at('site'), files: { a: 'a' } });
    await packBundle({ sourceDir: revision, bundleFile: scratch.at('bundle'), bundleType: 'tgz' });
    const config = scratch.at('agent.yml');
    writeFileSync(config, `root_dir: ${scratch.at('root')}\nlog_dir: ${scratch.at('log')}\n`);
    const deployed = await runSlipway(['local', '-l', scratch.at('bundle'), '-c', config]);
    expect(deployed.stderr).toBe('');
    expect(deployed.status).toBe(0);
  });
});
