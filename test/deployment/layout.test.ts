import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  deploymentPaths,
  deploymentsLogFile,
  groupPointers,
  instructionsDir,
  readDownloadedETag,
  readPointer,
  writePointer,
} from '../../src/deployment/layout.ts';
import { scratchFolder } from '../support/scratch.ts';

describe('the layout on disk', () => {
  test('is the official agent’s', () => {
    const root = '/opt/codedeploy-agent/deployment-root';
    expect(deploymentPaths(root, 'group-id', 'd-ONE')).toEqual({
      groupDir: `${root}/group-id`,
      deploymentDir: `${root}/group-id/d-ONE`,
      bundleFile: `${root}/group-id/d-ONE/bundle.tar`,
      archiveDir: `${root}/group-id/d-ONE/deployment-archive`,
      scriptsLog: `${root}/group-id/d-ONE/logs/scripts.log`,
      eTagFile: `${root}/group-id/d-ONE/.bundle-etag`,
      bundleSourceFile: `${root}/group-id/d-ONE/.bundle-source`,
    });
    expect(instructionsDir(root)).toBe(`${root}/deployment-instructions`);
    expect(groupPointers(root, 'group-id')).toEqual({
      lastSuccessful: `${root}/deployment-instructions/group-id_last_successful_install`,
      mostRecent: `${root}/deployment-instructions/group-id_most_recent_install`,
    });
    expect(deploymentsLogFile(root, 'codedeploy-agent')).toBe(
      `${root}/deployment-logs/codedeploy-agent-deployments.log`,
    );
  });
});

describe('a pointer', () => {
  test('is a folder’s path, with nothing behind it', () => {
    using scratch = scratchFolder();
    writePointer(scratch.at('pointer'), '/root/group/d-ONE');
    expect(readFileSync(scratch.at('pointer'), 'utf8')).toBe('/root/group/d-ONE');
    expect(readPointer(scratch.at('pointer'))).toBe('/root/group/d-ONE');
  });

  test('a pointer of the official agent may end with a new line', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('pointer'), '/root/group/d-ONE\n');
    expect(readPointer(scratch.at('pointer'))).toBe('/root/group/d-ONE');
  });

  test.each(['', '\n', 'group/d-ONE'])('that holds %j points nowhere', (content) => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('pointer'), content);
    expect(readPointer(scratch.at('pointer'))).toBeNull();
    expect(readPointer(scratch.at('absent'))).toBeNull();
  });

  test('a pointer that cannot be read is a fault, not a first deployment', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('pointer'));
    expect(() => readPointer(scratch.at('pointer'))).toThrow('EISDIR');
  });
});

test('the ETag of the download is null where there was none', () => {
  using scratch = scratchFolder();
  const eTagFile = scratch.at('.bundle-etag');
  expect(readDownloadedETag({ eTagFile })).toBeNull();
  writeFileSync(eTagFile, 'abc');
  expect(readDownloadedETag({ eTagFile })).toBe('abc');
});
