/** A power cut at every call of unpacking that changes the disk: a real process is killed with SIGKILL there, and another one tries again. */
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { packBundle } from '../../src/archive/pack.ts';
import { unpackBundle } from '../../src/archive/unpack.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';
import { UNPACK_RULES } from '../support/unpack.ts';

const PROGRAM = fileURLToPath(new URL('../support/unpack-and-die.ts', import.meta.url));

test('kill -9 at a call of unpacking leaves the whole revision or none, and nothing that is in the way of the next try', async () => {
  using scratch = scratchFolder();
  const wrapped = scratch.at('source', 'owner-repo-sha');
  mkdirSync(`${wrapped}/owner-repo-sha`, { recursive: true });
  writeFileSync(`${wrapped}/appspec.yml`, 'version: 0.0');
  writeFileSync(`${wrapped}/owner-repo-sha/script`, '', { mode: 0o755 });
  symlinkSync('script', `${wrapped}/owner-repo-sha/link`);
  const [bundle, archive] = [scratch.at('bundle'), scratch.at('archive')];
  await packBundle({ sourceDir: scratch.at('source'), bundleFile: bundle, bundleType: 'tar' });
  const outcomes: string[] = [];

  for (let call = 1; outcomes.at(-1) !== 'done'; call += 1) {
    const args = [PROGRAM, bundle, archive, String(call)];
    const { signal, exitCode, stderr } = await execa(process.execPath, args, { reject: false });
    expect(signal === 'SIGKILL' || exitCode === 0, stderr).toBe(true);
    const isThere = existsSync(archive);
    outcomes.push(signal !== 'SIGKILL' ? 'done' : isThere ? 'whole' : 'none');
    if (isThere) expect(treeOf(archive), `call ${call}`).toEqual(treeOf(wrapped));

    // As DownloadBundle begins.
    rmSync(archive, { recursive: true, force: true });
    await unpackBundle({ bundleFile: bundle, bundleType: 'tar', archiveDir: archive, ...UNPACK_RULES });
    expect(treeOf(archive), `after call ${call}`).toEqual(treeOf(wrapped));
    expect(readdirSync(scratch.path).sort()).toEqual(['archive', 'bundle', 'source']);
    rmSync(archive, { recursive: true });
  }
  expect(new Set(outcomes)).toEqual(new Set(['none', 'whole', 'done']));
}, 120_000);
