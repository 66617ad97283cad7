/** A disk that is full, and one that cannot be written. */
import { randomBytes } from 'node:crypto';
import { failureOf } from './control.ts';
import { writeJob } from './revisions.ts';
import { controlIn, type FleetState, hostIn, JOB, must } from './state.ts';

const SITE = '/small/site';
/** More than the disk has room for; random, so that no bundle makes it small. */
const TOO_MUCH_BYTES = 12 * 2 ** 20;

/** @returns a text that changes with any file, mode or time below the site */
function treeOf(state: FleetState): string {
  const list = `find . -type f -printf '%p %m %T@\\n' -o -printf '%p %m\\n' | sort`;
  return hostIn(state, 0).machine.run(`cd ${SITE} && ${list} && find . -type f | sort | xargs cat | sha256sum`);
}

async function failsAndLeavesTheTree(state: FleetState, folder: string, words: RegExp): Promise<string> {
  const control = controlIn(state);
  const before = treeOf(state);
  const shown = await control.ended(await control.begin(folder, JOB, hostIn(state, 0).name), 'Failed');
  const { message } = failureOf(shown);
  must(words.test(message), message);
  must(treeOf(state) === before, `the tree was\n${before}\nand is\n${treeOf(state)}`);
  return `reported as: ${message}`;
}

export async function fullDisk(state: FleetState): Promise<string> {
  const [host, control] = [hostIn(state, 0), controlIn(state)];
  const fits = { destination: SITE, files: { 'one.bin': randomBytes(2 ** 20).toString('base64'), 'old.txt': 'old' } };
  await control.deploy(writeJob(state.server, 'fits', fits), JOB, host.name);
  const tooMuch = { 'one.bin': randomBytes(TOO_MUCH_BYTES).toString('base64'), 'new.txt': 'new' };
  const large = writeJob(state.server, 'large', { destination: SITE, files: tooMuch });
  const note = await failsAndLeavesTheTree(state, large, /space|disk is full/i);
  const again = { destination: SITE, files: { 'old.txt': 'newer' } };
  await control.deploy(writeJob(state.server, 'fits-again', again), JOB, host.name);
  must(host.machine.ask(`test -e ${SITE}/one.bin`) === null, 'a file of the earlier revision is left');
  return note;
}

export async function readOnlyFileSystem(state: FleetState): Promise<string> {
  const [host, control] = [hostIn(state, 0), controlIn(state)];
  const folder = writeJob(state.server, 'not-here', { destination: SITE, files: { 'new.txt': 'new' } });
  state.disk.setReadOnly(true);
  let note: string;
  try {
    note = await failsAndLeavesTheTree(state, folder, /read-only|EROFS/i);
  } finally {
    state.disk.setReadOnly(false);
  }
  await control.deploy(folder, JOB, host.name);
  must(host.machine.run(`cat ${SITE}/new.txt`) === 'new', 'the file is not in place');
  return note;
}
