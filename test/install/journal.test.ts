/**
 * Journals of older versions, with the whole list in their first line: an upgrade may come between the power cut and the recovery. Also an
 * end that the disk takes only in part.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { runInstall } from '../../src/install/install.ts';
import { realInstallFs } from '../../src/install/install-fs.ts';
import { type JournalBegin, type JournalState, readJournal } from '../../src/install/journal.ts';
import { recoverInstalls } from '../../src/install/recover-installs.ts';
import { diskError, watchedFs } from '../support/failing-fs.ts';
import { installContext, installRequest, writeFiles } from '../support/install.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

const PROGRAM = fileURLToPath(new URL('../support/install-and-die.ts', import.meta.url));

/** Content of the lines: at first without all that came later, then everything that there is today. */
const FORMATS: Readonly<Record<string, (begin: JournalBegin) => object>> = {
  'of the first version': ({ deploymentGroupId, deploymentId, commit, folderRemovals }) => {
    return { deploymentGroupId, deploymentId, commit, folderRemovals, folderTimes: [] };
  },
  'of the last one with a single line': (begin) => begin,
};

async function prepared(scratch: ScratchFolder): Promise<void> {
  writeFiles(scratch.at('one'), { same: 's', changed: '1', 'gone/x': 'x', becomesFolder: 'f', 'becomesFile/x': 'x' });
  writeFiles(scratch.at('two'), { same: 's', changed: '2', 'new/y': 'y', 'becomesFolder/i': 'i', becomesFile: 'f' });
  await runInstall(installContext(), installRequest(scratch.path, 'one'));
}

/** The changing calls of an Install. */
async function callNames(): Promise<readonly string[]> {
  using scratch = scratchFolder();
  await prepared(scratch);
  const names: string[] = [];
  const { fs } = watchedFs((_call, name) => names.push(name));
  await runInstall(installContext(fs), installRequest(scratch.path, 'two'));
  return names;
}

/** The number of a changing call, from 1, at which an Install is in each of its states. */
async function callsByState(): Promise<Record<JournalState, number>> {
  const names = await callNames();
  return {
    // Everything stands under hidden names; nothing has its own yet.
    staging: names.indexOf('linkSync') - 1,
    // Some of it has come to its place.
    committing: names.indexOf('renameSync') + 3,
    // All of it has, and the first old file is thrown away.
    committed: names.indexOf('unlinkSync', names.lastIndexOf('renameSync')) + 1,
  };
}

async function cutOff(scratch: ScratchFolder, call: number): Promise<string> {
  await prepared(scratch);
  const child = await execa(process.execPath, [PROGRAM, scratch.path, String(call)], { reject: false });
  expect(child.signal).toBe('SIGKILL');
  return scratch.at('instructions/group-install.journal');
}

function line(record: object): string {
  const json = JSON.stringify(record);
  return `${createHash('sha256').update(json).digest('hex').slice(0, 16)} ${json}`;
}

describe.each(Object.keys(FORMATS))('a journal %s', (format) => {
  test.each([
    ['staging', 'rolled-back', 'one'],
    ['committing', 'rolled-back', 'one'],
    ['committed', 'completed', 'two'],
  ] as const)('a journal that ends in %s is read: the Install is %s', async (state, outcome, revision) => {
    const calls = await callsByState();
    using scratch = scratchFolder();
    const journal = await cutOff(scratch, calls[state]);
    const content = readJournal(realInstallFs, journal);
    if (content === null) throw new Error('the Install was cut off before its journal was begun');
    expect(content.state).toBe(state);
    const ends = { staging: [], committing: ['staged'], committed: ['staged', 'committed'] }[state];
    const records = [{ record: 'begin', ...FORMATS[format]?.(content.begin) }, ...ends.map((record) => ({ record }))];
    writeFileSync(journal, records.map((record) => `${line(record)}\n`).join(''));

    expect(await recoverInstalls(installContext(), scratch.at('instructions'))).toMatchObject([{ outcome }]);
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at(revision)));
    expect(readdirSync(scratch.path, { recursive: true }).filter((name) => String(name).includes('.slipway-'))).toEqual(
      [],
    );
    expect(existsSync(journal)).toBe(false);
  });
});

test('a journal whose single line is torn announces nothing, and goes', async () => {
  using scratch = scratchFolder();
  await prepared(scratch);
  const journal = scratch.at('instructions/group-install.journal');
  const begin = { record: 'begin', deploymentGroupId: 'group', deploymentId: 'd-two', commit: [], folderRemovals: [] };
  writeFileSync(journal, line(begin).slice(0, -20));
  expect(await recoverInstalls(installContext(), scratch.at('instructions'))).toEqual([]);
  expect(existsSync(journal)).toBe(false);
  expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('one')));
});

test('a disk that takes the end of the journal and not its sync, and then fails wherever it may, leaves the old tree or the new one', async () => {
  const names = await callNames();
  const sync = names.lastIndexOf('writeSync') + 2;
  expect(names[sync - 1]).toBe('fsyncSync');
  for (let lasting = 0, isDone = false; !isDone; lasting = 2 * lasting + 1) {
    using scratch = scratchFolder();
    await prepared(scratch);
    const { fs, calls } = watchedFs((call) => {
      if (call === sync || call > sync + lasting) throw diskError('EIO');
    });
    const installing = runInstall(installContext(fs), installRequest(scratch.path, 'two'));
    await expect(installing).rejects.toMatchObject({ code: expect.stringMatching(/^INSTALL_|^EIO$/) });
    isDone = calls() <= sync + lasting;
    await recoverInstalls(installContext(), scratch.at('instructions'));
    expect([treeOf(scratch.at('one')), treeOf(scratch.at('two'))]).toContainEqual(treeOf(scratch.at('site')));
  }
});
