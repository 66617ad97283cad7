import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NO_PROGRAMS } from '../../../src/server/outside/fleet-programs.ts';
import { readFleetsFile } from '../../../src/server/outside/fleets-file.ts';
import { scratchFolder } from '../../support/scratch.ts';

test('the first pattern that fits a deployment group says which programs make and end its hosts', () => {
  using scratch = scratchFolder();
  const file = scratch.at('fleets.yml');
  writeFileSync(
    file,
    `shop/web: { provision: { command: [make, hosts], limitSeconds: 60, enrolSeconds: 30, mayRunAgain: true } }
shop/*: { terminate: { command: end-host } }
"*/*-test": { provision: { command: make }, terminate: { command: end, limitSeconds: 1 } }
`,
  );
  const { size, find } = readFleetsFile(file);
  expect(size).toBe(3);
  expect(find('shop', 'web')).toEqual({
    provision: { command: ['make', 'hosts'], limitMs: 60_000, enrolMs: 30_000, mayRunAgain: true },
    terminate: null,
  });
  const end = { command: ['end-host'], limitMs: 900_000, mayRunAgain: false };
  expect(find('shop', 'web-test')).toEqual({ provision: null, terminate: end });
  expect(find('blog', 'web-test')).toMatchObject({ terminate: { command: ['end'], limitMs: 1_000 } });
  expect(find('blog', 'web')).toEqual(NO_PROGRAMS);
});

test.each([
  ['shop: { terminate: { command: x } }', 'shop must be APPLICATION/GROUP'],
  ['shop/a/b: { terminate: { command: x } }', 'shop/a/b must be APPLICATION/GROUP'],
  ['shop/web: {}', 'shop/web.provision or terminate must be there'],
  ['shop/web: { terminate: x }', 'shop/web.terminate must hold settings'],
  ['shop/web: { terminate: {} }', 'shop/web.terminate.command must be a program'],
  [
    'shop/web: { terminate: { command: x, limitSeconds: 0 } }',
    'shop/web.terminate.limitSeconds must be a whole number',
  ],
  ['shop/web: { terminate: { command: x, enrolSeconds: 5 } }', 'shop/web.terminate.enrolSeconds is not known'],
  [
    'shop/web: { provision: { command: x, mayRunAgain: often } }',
    'shop/web.provision.mayRunAgain must be true or false',
  ],
  ['shop/web: { terminate: { command: x }, other: 1 }', 'shop/web.other is not known'],
  ['- shop/web', 'it must hold names, each with the settings of the fleets of a deployment group'],
])('a file that cannot be meant is refused by its key: %s', (text, why) => {
  using scratch = scratchFolder();
  const file = scratch.at('fleets.yml');
  writeFileSync(file, text);
  expect(() => readFleetsFile(file)).toThrow(why);
});
