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
  ])('an AppSpec file of %j, asked for %s: %s', (files, requested, found) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('config'));
    for (const name of files) writeFileSync(scratch.at(name), APPSPEC);
    expect(locateAppSpec(scratch.path, requested)).toBe(found);
    expect(findAppSpec(scratch.path, requested).filename).toBe(found);
  });

  test('an AppSpec file that is missing is reported with all names and places that were tried', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('appspec.yml'));
    const fault = faultOf(() => findAppSpec(scratch.path, 'custom.yml'));
    expect(isSlipwayError(fault, 'APPSPEC_MISSING') && fault.message).toMatch(
      new RegExp(`custom.yml, appspec.yaml, appspec.yml in ${scratch.path}; appspec.yml is a folder$`),
    );
  });

  test.each([
    ['out of the revision', '../outside.yml', 'appspec.yml'],
    ['to a file of the revision', 'real.yml', 'appspec.yml'],
    ['to nothing', 'gone.yml', 'appspec.yml'],
    ['by its folder', 'real', 'config/appspec.yml'],
  ])('an AppSpec file that is a link is refused as one: %s', (_, target, requested) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('archive/real'), { recursive: true });
    for (const name of ['outside.yml', 'archive/real.yml', 'archive/real/appspec.yml']) {
      writeFileSync(scratch.at(name), APPSPEC);
    }
    symlinkSync(target, scratch.at('archive', requested.split('/')[0] ?? ''));
    const fault = faultOf(() => locateAppSpec(scratch.at('archive'), requested));
    expect(isSlipwayError(fault, 'APPSPEC_INVALID') && fault.message).toContain('is a link, through which');
  });

  test.each([
    ['AppSpec.yml', 'there is AppSpec.yml, which is another name', 'Call it appspec.yml; capitals count.'],
    ['APPSPEC.YAML', 'there is APPSPEC.YAML, which is another name', 'Call it appspec.yaml; capitals count.'],
    ['app-spec.yml', 'there is app-spec.yml, which is another name', 'Call it appspec.yml.'],
    ['apspec.yml', 'there is apspec.yml, which is another name', 'Call it appspec.yml.'],
    ['appspec.json', 'there is appspec.json, which is another name', 'Call it appspec.yml.'],
    ['appspec.yml.txt', 'there is appspec.yml.txt, which is another name', 'Call it appspec.yml.'],
    ['site/appspec.yml', 'there is site/appspec.yml, a folder too deep', 'the folder site itself'],
    ['site/AppSpec.yaml', 'there is site/AppSpec.yaml, a folder too deep', 'and call it appspec.yaml; capitals count'],
    ['a/b/c/appspec.yml', 'there is a/b/c/appspec.yml, 3 folders too deep', 'Pack, or name, the folder a/b/c itself'],
  ])('an AppSpec file that is missing is reported with what is there instead: %s', (present, expected, remedy) => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('site'));
    mkdirSync(scratch.at('a/b/c'), { recursive: true });
    writeFileSync(scratch.at('.DS_Store'), '');
    writeFileSync(scratch.at('readme.md'), '');
    writeFileSync(scratch.at(present), APPSPEC);
    const fault = faultOf(() => findAppSpec(scratch.path, 'appspec.yml'));
    expect(isSlipwayError(fault, 'APPSPEC_MISSING') && fault.message).toContain(expected);
    expect(isSlipwayError(fault) && fault.remedy).toContain(remedy);
  });

  test('an AppSpec file that is nowhere in a large tree is not looked for without end', () => {
    using scratch = scratchFolder();
    for (let one = 0; one < 30; one += 1) {
      for (let two = 0; two < 30; two += 1) mkdirSync(scratch.at(`${one}/${two}/deep`), { recursive: true });
    }
    writeFileSync(scratch.at('29/29/deep/appspec.yml'), APPSPEC);
    const fault = faultOf(() => findAppSpec(scratch.path, 'appspec.yml'));
    expect(isSlipwayError(fault, 'APPSPEC_MISSING') && fault.message).toMatch(/appspec\.yaml in [^;]*$/);
  });

  test('an AppSpec file of gigabytes is refused without being read', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('appspec.yml'), APPSPEC);
    // A hole, as a sparse entry of a bundle may be one.
    truncateSync(scratch.at('appspec.yml'), 8 * 2 ** 30);
    const fault = faultOf(() => findAppSpec(scratch.path, 'appspec.yml'));
    expect(isSlipwayError(fault, 'APPSPEC_INVALID') && fault.message).toContain('has more than 262144 characters');
  });

  test('an AppSpec file with errors is refused with all of them, each with its line', () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('appspec.yml'), 'version: 1.0\nos: beos\n');
    const fault = faultOf(() => findAppSpec(scratch.path, 'appspec.yml'));
    expect(isSlipwayError(fault, 'APPSPEC_INVALID') && fault.message).toMatch(/appspec\.yml: line 1: .*; line 2: /);
  });
});
