/** Whichever command looks at a revision, and whatever it is packed as: the verdict is the same, and comes before anything is done. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { withBundle } from '../../src/cli/bundle-to-push.ts';
import { runCli } from '../../src/cli/program.ts';
import { isSlipwayError } from '../../src/errors.ts';
import { capturedContext } from '../support/cli-context.ts';
import { writeFiles } from '../support/install.ts';
import { leftOut } from '../support/needs.ts';
import { hasPrograms } from '../support/programs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

interface Case {
  /** `DEST` stands for a folder of the test's own. */
  readonly appSpec: string;
  readonly files: Readonly<Record<string, string>>;
  /** Fault of the revision, in the words of the message or the code; null: none. */
  readonly fault: string | null;
  readonly config?: string;
  /** Words of every command about a revision that it takes anyway. */
  readonly warning?: string;
  /** Something that only the system can make, in the revision's folder. */
  readonly make?: readonly string[];
}

const FILES = 'files:\n  - source: app\n    destination: DEST\n';
const hook = (location: string) => `hooks:\n  ApplicationStart:\n    - location: ${location}\n`;
const SCRIPT = '#!/bin/sh\nexit 0\n';
const VENV = { 'app/venv/bin/python3': '->/usr/bin/python3', 'app/venv/lib/x': '', 'app/venv/lib64': '->lib' };

const CASES: Readonly<Record<string, Case>> = {
  'a virtual environment': { appSpec: FILES, files: VENV, fault: null },
  'neither files nor scripts': {
    appSpec: 'files: []\n',
    files: { 'app/a': '' },
    fault: null,
    warning: 'has neither files nor scripts',
  },
  'links out, in circles and to nothing': {
    appSpec: FILES,
    files: { 'app/out': '->../../..', 'app/a': '->b', 'app/b': '->a', 'app/gone': '->nowhere' },
    fault: null,
  },
  'a script behind a link of the revision': {
    appSpec: `${FILES}${hook('run')}`,
    files: { 'app/a': '', run: '->scripts/real', 'scripts/real': SCRIPT },
    fault: null,
  },
  'a link out where the host wants none': {
    appSpec: FILES,
    files: VENV,
    config: 'reject_symlinks_in_bundle: escaping\n',
    fault: 'ARCHIVE_LINK_ESCAPES',
  },
  'any link where the host wants none': {
    appSpec: FILES,
    files: { 'app/a': '', 'app/l': '->a' },
    config: 'reject_symlinks_in_bundle: true\n',
    fault: 'ARCHIVE_LINK_REFUSED',
  },
  'more than the host takes': {
    appSpec: FILES,
    files: { 'app/a': 'x'.repeat(3000) },
    config: 'archive_max_extraction_size: 2000\n',
    fault: 'ARCHIVE_TOO_LARGE',
  },
  'more entries than the host takes': {
    appSpec: FILES,
    files: { 'app/a': '', 'app/b': '' },
    config: 'archive_max_entries: 3\n',
    fault: 'ARCHIVE_TOO_MANY_ENTRIES',
  },
  'a pipe': { appSpec: FILES, files: { 'app/a': '' }, make: ['mkfifo', 'pipe'], fault: 'ARCHIVE_ENTRY_UNUSABLE' },
  'no AppSpec file, but a near name': { appSpec: '', files: { 'AppSpec.yml': '' }, fault: 'there is AppSpec.yml' },
  'an AppSpec file that is a link': {
    appSpec: '',
    files: { 'appspec.yml': '->real.yml', 'real.yml': `version: 0.0\nos: linux\n` },
    fault: 'is a link, through which no AppSpec file is read',
  },
  'events beside hooks': {
    appSpec: `${FILES}hooks:\nAfterInstall:\n  - location: a\n`,
    files: { 'app/a': '', a: SCRIPT },
    fault: 'AfterInstall stands beside hooks',
  },
  'a script under another name': {
    appSpec: `${FILES}${hook('scripts/install-it.sh')}`,
    files: { 'app/a': '', 'scripts/install_it.sh': SCRIPT },
    fault: "did you mean 'scripts/install_it.sh'?",
  },
  'a script that leads out': {
    appSpec: `${FILES}${hook('run')}`,
    files: { 'app/a': '', run: '->/bin/true' },
    fault: 'leads out of the bundle',
  },
  'arguments of env': {
    appSpec: `${FILES}${hook('run')}`,
    files: { 'app/a': '', run: '#!/usr/bin/env sh -e\n' },
    fault: 'env would look for a program',
  },
  'a source behind a link': {
    appSpec: 'files:\n  - source: l/x\n    destination: DEST\n',
    files: { l: '->/etc' },
    fault: 'goes through the link l',
  },
  'a source that is not there': { appSpec: FILES, files: { App: '' }, fault: 'the source app is not in the revision' },
};

const KINDS = {
  folder: null,
  tar: ['tar', '-cf'],
  tgz: ['tar', '-czf'],
  zip: ['zip', '-qry'],
} as const;

/** The revision as each kind, by the system's tools; a pipe is none that Info-ZIP packs. */
async function makeAll(scratch: ScratchFolder, { appSpec, files, make }: Case): Promise<Record<string, string>> {
  const folder = scratch.at('revision');
  writeFiles(folder, files);
  if (appSpec !== '') {
    const text = appSpec.replaceAll('DEST', scratch.at('www'));
    writeFileSync(scratch.at('revision/appspec.yml'), `version: 0.0\nos: linux\n${text}`);
  }
  for (const [name, content] of Object.entries(files)) {
    if (content.startsWith('#!')) chmodSync(scratch.at('revision', name), 0o755);
  }
  if (make !== undefined) await execa(make[0] ?? '', make.slice(1), { cwd: folder });
  const made: Record<string, string> = {};
  for (const [kind, command] of Object.entries(KINDS)) {
    if (kind === 'zip' && (make !== undefined || !hasPrograms('zip'))) continue;
    made[kind] = command === null ? folder : scratch.at(`bundle.${kind}`);
    if (command !== null) await execa(command[0], [command[1], made[kind], '.'], { cwd: folder });
  }
  return made;
}

/** Words of a command, and whether it takes the revision. */
interface Verdict {
  readonly isGood: boolean;
  readonly said: string;
}

async function cli(args: readonly string[], good: readonly number[]): Promise<Verdict> {
  const ctx = capturedContext({ env: { PATH: process.env['PATH'] } });
  const status = await runCli([...args], ctx);
  return { isGood: good.includes(status), said: ctx.printed() + ctx.complained() };
}

async function push(source: string, agentConfigurationFile: string): Promise<Verdict> {
  const request = { source, application: 'a', bundleType: null, signKey: null, agentConfigurationFile };
  const ctx = capturedContext();
  try {
    await withBundle(ctx, request, async () => undefined);
    return { isGood: true, said: ctx.printed() + ctx.complained() };
  } catch (error) {
    if (!isSlipwayError(error)) throw error;
    return { isGood: false, said: [error.code, error.message, ...error.details].join('\n') };
  }
}

test.each(Object.entries(CASES))(`%s${leftOut('zip')}`, async (_, one) => {
  using scratch = scratchFolder();
  const made = await makeAll(scratch, one);
  mkdirSync(scratch.at('conf'));
  const config = scratch.at('conf/agent.yml');
  writeFileSync(config, `root_dir: ${scratch.at('root')}\nlog_dir: ${scratch.at('log')}\n${one.config ?? ''}`);
  for (const [kind, path] of Object.entries(made)) {
    const verdicts: Record<string, Verdict> = {
      validate: await cli(['validate', path, '-c', config], [0]),
      plan: await cli(['plan', path, '-c', config], [0, 10]),
      push: await push(path, config),
    };
    // Nothing has been done so far, and nothing is by what refuses.
    expect(existsSync(scratch.at('www')) && one.fault !== null).toBe(false);
    verdicts['local'] = await cli(['local', '--bundle-location', path, '-c', config], [0]);
    for (const [command, { isGood, said }] of Object.entries(verdicts)) {
      expect({ command, kind, isGood, said }).toMatchObject({ isGood: one.fault === null });
      const words = one.fault ?? one.warning ?? null;
      if (words !== null) expect({ command, kind, said }).toMatchObject({ said: expect.stringContaining(words) });
    }
    if (one.fault !== null) {
      expect(existsSync(scratch.at('www'))).toBe(false);
      expect(existsSync(scratch.at('root')) ? readdirSync(scratch.at('root')) : []).toEqual([]);
    }
  }
});

test.each([
  ['page.tgz', '<html><title>Not found</title></html>', "a web page: 'Not found'"],
  ['site.tar.xz', '\xfd7zXZ\0\0\0', 'an xz file'],
  ['site.tgz', '7z\xbc\xaf\x27\x1c', 'a 7-Zip archive'],
])('%s that is none is named by every command', async (name, bytes, kind) => {
  using scratch = scratchFolder();
  writeFileSync(scratch.at(name), Buffer.from(bytes, 'latin1'));
  const config = scratch.at('agent.yml');
  writeFileSync(config, `root_dir: ${scratch.at('root')}\nlog_dir: ${scratch.at('log')}\n`);
  const path = scratch.at(name);
  const said = {
    validate: await cli(['validate', path, '-c', config], []),
    push: await push(path, config),
    plan: await cli(['plan', path, '-c', config], []),
    local: await cli(['local', '--bundle-location', path, '-c', config], []),
  };
  for (const [command, verdict] of Object.entries(said)) {
    expect({ command, ...verdict }).toMatchObject({ isGood: false, said: expect.stringContaining(kind) });
  }
  expect(readFileSync(dirname(path) === scratch.path ? path : '', 'latin1')).toBe(bytes);
});
