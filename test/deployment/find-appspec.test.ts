import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findAppSpec, locateAppSpec } from '../../src/deployment/find-appspec.ts';
import { isSlipwayError } from '../../src/errors.ts';
import { scratchFolder } from '../support/scratch.ts';

const APPSPEC = 'version: 0.0\nos: linux\n';

function faultOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return expect.fail('nothing was thrown');
}

describe('the AppSpec file of a revision', () => {
  test.each([
    [['appspec.yml'], 'appspec.yml', 'appspec.yml'],
    [['appspec.yaml'], 'appspec.yml', 'appspec.yaml'],
    [['appspec.yml', 'appspec.yaml', 'custom.yml'], 'custom.yml', 'custom.yml'],
    [['appspec.yml', 'appspec.yaml'], 'custom.yml', 'appspec.yaml'],
    [['config/appspec.yml'], 'config/appspec.yml', 'config/appspec.yml'],
  ])('of %j, asked for %s: %s', (files, requested, found) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('config'));
    for (const name of files) writeFileSync(scratch.at(name), APPSPEC);
    expect(locateAppSpec(scratch.path, requested)).toBe(found);
    expect(findAppSpec(scratch.path, requested).filename).toBe(found);
  });

  test('that is not there is named with all that was looked for, and where', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('appspec.yml'));
    const fault = faultOf(() => findAppSpec(scratch.path, 'custom.yml'));
    expect(isSlipwayError(fault, 'APPSPEC_MISSING') && fault.message).toMatch(
      new RegExp(`custom.yml, appspec.yaml, appspec.yml in ${scratch.path}$`),
    );
  });

  test('that leads out of the revision is none', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('archive'));
    writeFileSync(scratch.at('outside.yml'), APPSPEC);
    symlinkSync('../outside.yml', scratch.at('archive/appspec.yml'));
    expect(locateAppSpec(scratch.at('archive'), 'appspec.yml')).toBeNull();
  });

  test('of gigabytes is refused without being read', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('appspec.yml'), APPSPEC);
    // A hole, as a sparse entry of a bundle may be one.
    truncateSync(scratch.at('appspec.yml'), 8 * 2 ** 30);
    const fault = faultOf(() => findAppSpec(scratch.path, 'appspec.yml'));
    expect(isSlipwayError(fault, 'APPSPEC_INVALID') && fault.message).toContain('has more than 262144 characters');
  });

  test('with errors is refused with all of them, each with its line', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('appspec.yml'), 'version: 1.0\nos: beos\n');
    const fault = faultOf(() => findAppSpec(scratch.path, 'appspec.yml'));
    expect(isSlipwayError(fault, 'APPSPEC_INVALID') && fault.message).toMatch(/appspec\.yml: line 1: .*; line 2: /);
  });
});
