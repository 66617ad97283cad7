import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AppSpec, Permission } from '../../src/appspec/types.ts';
import { runInstall } from '../../src/install/install.ts';
import { ownPlaceLookup, placeWithin } from '../../src/install/own-places.ts';
import type { OwnPlace } from '../../src/install/types.ts';
import { appSpecFor, installContext, installRequest, writeFiles } from '../support/install.ts';
import { testIf } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const PRIVATE = { isPrivate: true } as const;

/** A host whose agent has a deployment root, a configuration that is there and one that is not, and a log among others'. */
function placesOf(scratch: ScratchFolder): readonly OwnPlace[] {
  mkdirSync(scratch.at('agent/root/group'), { recursive: true });
  mkdirSync(scratch.at('var/log'), { recursive: true });
  mkdirSync(scratch.at('etc'));
  writeFileSync(scratch.at('etc/agent.yml'), 'root_dir: …');
  return [
    { what: 'its deployments (root_dir)', path: scratch.at('agent/root'), ...PRIVATE },
    { what: 'its configuration file', path: scratch.at('etc/agent.yml'), ...PRIVATE },
    { what: 'its identity', path: scratch.at('etc/conf/identity.yml'), ...PRIVATE },
    { what: 'its log (log_dir)', path: scratch.at('var/log'), prefix: 'slipway.' },
  ];
}

function install(scratch: ScratchFolder, places: readonly OwnPlace[], appSpec: Partial<AppSpec>, mayOverwrite = true) {
  const fileExistsBehavior = mayOverwrite ? 'OVERWRITE' : 'RETAIN';
  return runInstall(
    { ...installContext(), ownPlaces: places },
    installRequest(scratch.path, 'revision', { appSpec: appSpecFor(appSpec), fileExistsBehavior }),
  );
}

type Destination = readonly [name: string, destination: string, source: string];

const REFUSED: readonly Destination[] = [
  ['the deployment root', 'agent/root', 'app.txt'],
  ['a folder in it', 'agent/root/group', 'app.txt'],
  ['a folder that is not there yet, far below it', 'agent/root/a/b/c', 'app.txt'],
  ['it with dots and slashes on the way', 'agent/./root//x/', 'app.txt'],
  ['its folder, with a tree that goes on below it', 'agent', 'tree'],
  ['the configuration itself', 'etc', 'agent.yml'],
  ['a folder in place of the configuration', 'etc/agent.yml', 'app.txt'],
  ['an identity that is not there yet', 'etc/conf', 'identity.yml'],
  ['a file in place of the folder of the identity', 'etc', 'conf'],
  ['a log in a folder of the system', 'var/log', 'slipway.log'],
  ['an earlier log there', 'var/log', 'slipway.20260101.log'],
];

describe('a revision is refused, and nothing is changed, when a file of it would land on', () => {
  test.each(REFUSED)('%s', async (_name, destination, source) => {
    using scratch = scratchFolder();
    const places = placesOf(scratch);
    revision(scratch);
    const files = [{ source, destination: scratch.at(destination) }];
    for (const mayOverwrite of [true, false]) {
      await expect(install(scratch, places, { files }, mayOverwrite)).rejects.toMatchObject({
        code: 'INSTALL_IMPOSSIBLE',
        message: expect.stringMatching(/ agent’s own/),
        remedy: expect.stringContaining('another destination'),
      });
    }
    expect(readFileSync(scratch.at('etc/agent.yml'), 'utf8')).toBe('root_dir: …');
  });

  test.each([
    ['a link of the operator’s to the root', 'agent/root', 'way', 'way/x'],
    ['a link to a folder in it', 'agent/root/group', 'way', 'way'],
    ['a link to the folder that holds it', 'agent', 'way', 'way/root/x'],
    ['a link to the folder of the identity', 'etc', 'way', 'way/conf/identity.yml'],
  ])('the agent’s own through %s', async (_name, target, link, destination) => {
    using scratch = scratchFolder();
    const places = placesOf(scratch);
    revision(scratch);
    symlinkSync(scratch.at(target), scratch.at(link));
    const files = [{ source: 'app.txt', destination: scratch.at(destination) }];
    await expect(install(scratch, places, { files })).rejects.toThrow(/agent’s own/);
  });

  test('another name of the configuration', async () => {
    using scratch = scratchFolder();
    const places = placesOf(scratch);
    revision(scratch);
    mkdirSync(scratch.at('site'));
    linkSync(scratch.at('etc/agent.yml'), scratch.at('site/app.txt'));
    const files = [{ source: 'app.txt', destination: scratch.at('site') }];
    await expect(install(scratch, places, { files })).rejects.toThrow(/agent’s own.*agent\.yml/);
  });
});

const ALLOWED: readonly Destination[] = [
  ['that hold them', '.', 'app.txt'],
  ['that hold the root', 'agent', 'app.txt'],
  ['whose names only begin as theirs', 'agent/root-of-others', 'app.txt'],
  ['beside the configuration', 'etc', 'app.txt'],
  ['of the identity', 'etc/conf', 'app.txt'],
  ['where the system keeps logs', 'var/log', 'app.txt'],
];

test.each(ALLOWED)('a file goes into folders %s', async (_name, destination, source) => {
  using scratch = scratchFolder();
  const places = placesOf(scratch);
  revision(scratch);
  const files = [{ source, destination: scratch.at(destination) }];
  expect((await install(scratch, places, { files })).files).toBe(1);
});

test.each(['agent/root', 'agent/root/group/', 'etc/agent.yml', 'etc/conf/identity.yml', 'var/log/slipway.log'])(
  'permissions for %s are refused, whether or not they would apply to anything',
  async (object) => {
    using scratch = scratchFolder();
    const places = placesOf(scratch);
    revision(scratch);
    const permission: Permission = {
      ...{ object: scratch.at(object), pattern: '**', except: [], types: ['file', 'directory'] },
      ...{ owner: 'root', group: null, mode: '777', acls: null, context: null },
    };
    const files = [{ source: 'app.txt', destination: scratch.at('site') }];
    await expect(install(scratch, places, { files, permissions: [permission] })).rejects.toThrow(/agent’s own/);
  },
);

test('files that an earlier version has installed to the agent’s own places are left there by the next Install', async () => {
  using scratch = scratchFolder();
  const places = placesOf(scratch);
  revision(scratch);
  const files = [{ source: 'agent.yml', destination: scratch.at('etc') }];
  await install(scratch, [], { files });
  await install(scratch, places, { files: [{ source: 'app.txt', destination: scratch.at('site') }] });
  expect(readFileSync(scratch.at('etc/agent.yml'), 'utf8')).toBe('planted');
});

/** Each mount is seen by this process alone, and ends with it. */
const MOUNTS = spawnSync('unshare', ['--mount', 'true']).status === 0;

testIf(MOUNTS, 'the right to mount')(
  'bind mounts of a place, of a part of it and of what holds it are seen through',
  () => {
    using scratch = scratchFolder();
    const places = placesOf(scratch);
    for (const name of ['whole', 'part', 'above', 'other']) mkdirSync(scratch.at(name));
    writeFileSync(scratch.at('file'), '');
    const program = `
    import { realInstallFs as fs } from '${import.meta.dirname}/../../src/install/install-fs.ts';
    import { ownPlaceLookup, placeWithin } from '${import.meta.dirname}/../../src/install/own-places.ts';
    import { readMountTable } from '${import.meta.dirname}/../../src/system/mount-table.ts';
    const places = ${JSON.stringify(places)};
    const mounts = readMountTable();
    const own = ownPlaceLookup(fs, places, mounts);
    const at = (name) => '${scratch.path}/' + name;
    const facts = { kind: 'file', links: 1 };
    console.log(JSON.stringify([
      ...['whole', 'whole/new', 'part', 'part/new', 'above/root', 'above/root/new'].map((name) => own.ofFolder(at(name))?.path),
      own.ofFile(at('file'), facts)?.path,
      ...['above', 'other'].map((name) => own.ofFolder(at(name))),
      ...['whole', 'above', 'other', 'part'].map((name) => placeWithin(fs, at(name), places, mounts)?.path ?? null),
    ]));`;
    writeFileSync(scratch.at('look.mjs'), program);
    const bind = (from: string, to: string) => `mount --bind '${scratch.at(from)}' '${scratch.at(to)}'`;
    const script = [
      bind('agent/root', 'whole'),
      bind('agent/root/group', 'part'),
      bind('agent', 'above'),
      bind('etc/agent.yml', 'file'),
      `'${process.execPath}' '${scratch.at('look.mjs')}'`,
    ].join(' && ');
    const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8' });
    const [root, config] = [scratch.at('agent/root'), scratch.at('etc/agent.yml')];
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([
      ...[root, root, root, root, root, root],
      config,
      ...[null, null],
      ...[root, root, null, null],
    ]);
  },
);

test.each([
  ['is the deployment root', 'agent/root', 'agent/root'],
  ['holds it', 'agent', 'agent/root'],
  ['holds the configuration', 'etc', 'etc/agent.yml'],
  ['is a link to such a folder', 'way', 'agent/root'],
  ['is below it, as kept revisions are', 'agent/root/group', null],
  ['holds none', 'var', null],
])('a folder that %s is told from a revision', (_name, folder, place) => {
  using scratch = scratchFolder();
  const places = placesOf(scratch).filter(({ isPrivate }) => isPrivate === true);
  symlinkSync(scratch.at('agent'), scratch.at('way'));
  const found = placeWithin(installContext().fs, scratch.at(folder), places, []);
  expect(found?.path ?? null).toBe(place === null ? null : scratch.at(place));
});

test('twenty thousand files are looked up without a system call for each', () => {
  using scratch = scratchFolder();
  const places = placesOf(scratch);
  const { fs } = installContext();
  let calls = 0;
  const counted = new Proxy(fs, {
    get(target, name, receiver) {
      calls += 1;
      return Reflect.get(target, name, receiver);
    },
  });
  const own = ownPlaceLookup(counted, places, []);
  calls = 0;
  for (let n = 0; n < 20_000; n += 1) own.ofFile(scratch.at(`site/${n}`), null);
  expect(calls).toBeLessThan(100);
});

function revision(scratch: ScratchFolder): void {
  const files = { 'app.txt': 'app', 'agent.yml': 'planted', 'identity.yml': 'planted', conf: 'planted' };
  const logs = { 'slipway.log': 'planted', 'slipway.20260101.log': 'planted', 'tree/root/group/x': 'planted' };
  writeFiles(scratch.at('revision'), { ...files, ...logs });
  mkdirSync(dirname(scratch.at('site')), { recursive: true });
}
