/** Properties of the planner, on file systems that exist in memory only. */
import fc from 'fast-check';
import { createFsFromVolume, Volume } from 'memfs';
import { describe, expect, test } from 'vitest';
import { changesOf } from '../../src/install/changes.ts';
import type { InstallFs } from '../../src/install/install-fs.ts';
import { type PlanInput, planInstall } from '../../src/install/plan.ts';
import { diskView } from '../../src/install/tree-view.ts';
import type { CleanupEntry } from '../../src/install/types.ts';
import { appSpecFor } from '../support/install.ts';

const ARCHIVE = '/archive';
const SITE = '/srv/site';

/** A tree: names that are folders in one place and files in another are what makes planning hard, so there are few of them. */
const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const tree = fc.uniqueArray(path, { maxLength: 8 }).map((paths) =>
  // Of two that cannot both be there, the shorter one stays.
  paths.filter((one) => !paths.some((other) => other !== one && one.startsWith(`${other}/`))),
);

function view(files: Readonly<Record<string, string>>) {
  const volume = Volume.fromJSON({ ...files });
  volume.mkdirSync(ARCHIVE, { recursive: true });
  return diskView(createFsFromVolume(volume) as unknown as InstallFs);
}

function input(revision: readonly string[], host: readonly string[], overrides: Partial<PlanInput> = {}): PlanInput {
  const both = view({
    ...Object.fromEntries(revision.map((file) => [`${ARCHIVE}/${file}`, `new ${file}`])),
    ...Object.fromEntries(host.map((file) => [`${SITE}/${file}`, `old ${file}`])),
  });
  return {
    appSpec: appSpecFor({ files: [{ source: '', destination: SITE }] }),
    archiveDir: ARCHIVE,
    archive: both,
    host: both,
    previous: [],
    fileExistsBehavior: 'OVERWRITE',
    rules: { rejectUnsafePermissions: false, rejectUnconfinedSelinux: true },
    ids: { userId: () => 0, groupId: () => 0 },
    agentUid: 0,
    ...overrides,
  };
}

describe('any plan', () => {
  test('stays below its destination and brings each file of the revision once', () => {
    fc.assert(
      fc.property(tree, (revision) => {
        const result = planInstall(input(revision, []));
        if (!result.ok) throw new Error(JSON.stringify(result.problems));
        const { files, folders } = result.plan;
        expect(files.map((file) => file.path).sort()).toEqual(revision.map((file) => `${SITE}/${file}`).sort());
        for (const folder of folders) expect(SITE.startsWith(folder) || folder.startsWith(SITE)).toBe(true);
        // A folder comes before what lies in it.
        for (const [index, folder] of folders.entries()) {
          expect(folders.slice(0, index).some((before) => before.startsWith(`${folder}/`))).toBe(false);
        }
      }),
    );
  });

  test('over the files of the previous revision has no conflicts, and accounts for every one of them', () => {
    fc.assert(
      fc.property(tree, tree, (revision, before) => {
        const previous: CleanupEntry[] = foldersAndFiles(before).map((one) => ({
          kind: 'path',
          path: `${SITE}${one}`,
        }));
        const result = planInstall(input(revision, before, { previous, fileExistsBehavior: 'DISALLOW' }));
        if (!result.ok) throw new Error(JSON.stringify(result.problems));
        const planned = new Set([...result.plan.files.map((file) => file.path), ...result.plan.folders]);
        for (const file of before) {
          const old = `${SITE}/${file}`;
          expect(planned.has(old) !== result.plan.removals.includes(old), old).toBe(true);
        }
      }),
    );
  });

  test('over the same files again is a list of files that are kept', () => {
    fc.assert(
      fc.property(tree, (revision) => {
        const files = revision.map((file) => [file, `same ${file}`] as const);
        const host = view({
          ...Object.fromEntries(files.map(([file, content]) => [`${ARCHIVE}/${file}`, content])),
          ...Object.fromEntries(files.map(([file, content]) => [`${SITE}/${file}`, content])),
        });
        const previous: CleanupEntry[] = foldersAndFiles(revision).map((one) => ({ kind: 'path', path: SITE + one }));
        const result = planInstall(input(revision, [], { archive: host, host, previous, agentUid: 1 }));
        if (!result.ok) throw new Error(JSON.stringify(result.problems));
        const changes = changesOf(result.plan, host).filter(({ path }) =>
          revision.includes(path.slice(SITE.length + 1)),
        );
        expect(changes.map(({ path }) => path.slice(SITE.length + 1)).sort()).toEqual([...revision].sort());
        for (const { change } of changes) expect(['keep', 'touch']).toContain(change);
      }),
    );
  });

  test('over files of another hand names every conflict with DISALLOW, and touches none with RETAIN', () => {
    fc.assert(
      fc.property(tree, (revision) => {
        const disallowed = planInstall(input(revision, revision, { fileExistsBehavior: 'DISALLOW' }));
        const conflicts = disallowed.ok ? [] : disallowed.problems.map((problem) => problem.path);
        expect([...conflicts].sort()).toEqual(revision.map((file) => `${SITE}/${file}`).sort());
        const retained = planInstall(input(revision, revision, { fileExistsBehavior: 'RETAIN' }));
        expect(retained.ok && retained.plan.files).toEqual([]);
        expect(retained.ok && retained.plan.removals).toEqual([]);
      }),
    );
  });
});

describe('the programs that an AppSpec file needs', () => {
  const context = { user: null, type: 'httpd_sys_content_t', range: null };
  const permission = { object: SITE, pattern: '**', except: [], types: ['file'] as const, owner: null, group: null };
  const acls = { ...permission, mode: null, acls: ['user:root:rw'], context };

  test('are named once each when the host lacks them, with what they are for', () => {
    const appSpec = appSpecFor({ files: [{ source: '', destination: SITE }], permissions: [acls] });
    const result = planInstall(input(['a', 'b'], [], { appSpec, hasProgram: (program) => program === 'restorecon' }));
    expect(result.ok ? [] : result.problems).toEqual([
      expect.objectContaining({ rule: 'tool-missing', message: expect.stringContaining('setfacl'), origin: acls }),
      expect.objectContaining({ rule: 'tool-missing', message: expect.stringContaining('semanage'), origin: acls }),
    ]);
  });

  test('are not asked for when nothing needs them', () => {
    expect(planInstall(input(['a'], [], { hasProgram: () => false })).ok).toBe(true);
  });
});

describe('two sources for one destination', () => {
  const twice = (overrides: Partial<PlanInput>) => {
    const both = view({
      [`${ARCHIVE}/one/a`]: 'same',
      [`${ARCHIVE}/two/a`]: 'other',
      [`${SITE}/a`]: 'same',
    });
    const files = ['one', 'two'].map((source) => ({ source, destination: SITE }));
    const result = planInstall(
      input([], [], { appSpec: appSpecFor({ files }), archive: both, host: both, ...overrides }),
    );
    return result.ok ? [] : result.problems;
  };

  test.for<[string, Partial<PlanInput>]>([
    ['is brought', { fileExistsBehavior: 'OVERWRITE' }],
    ['holds what is there', { fileExistsBehavior: 'DISALLOW' }],
    ['is not brought with RETAIN', { fileExistsBehavior: 'RETAIN' }],
    ['is kept away by a protected path', { protectPaths: [`${SITE}/a`] }],
  ])('are refused when the first %s', ([, overrides]) => {
    expect(twice(overrides)).toEqual([
      expect.objectContaining({
        rule: 'duplicate-destination',
        message: `${SITE}/a would come from ${ARCHIVE}/one/a and from ${ARCHIVE}/two/a`,
        origin: { source: 'two', destination: SITE },
      }),
    ]);
  });
});

/** Lines of a cleanup file for these files: the folders first, outermost first, then the files. */
function foldersAndFiles(files: readonly string[]): string[] {
  const folders = new Set<string>(files.length === 0 ? [] : ['']);
  for (const file of files) {
    const parts = file.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) folders.add(`/${parts.slice(0, depth).join('/')}`);
  }
  return [...[...folders].sort((a, b) => a.length - b.length), ...files.map((file) => `/${file}`)];
}
