/**
 * The process in which hostile cases run. A case is unpacked into a folder of its own, beside a folder that nothing may touch or read. If
 * it could be unpacked, it is then copied as a folder, which must not go anywhere else either.
 */
import {
  type Dirent,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, sep } from 'node:path';
import { parseAppSpec } from '../../src/appspec/parse.ts';
import { copyFolder } from '../../src/archive/folder-bundle.ts';
import { unpackBundle } from '../../src/archive/unpack.ts';
import { SlipwayError } from '../../src/errors.ts';
import type { HostileCase, Outcome } from './case-runner.ts';

const limits = { maxBytes: 4 * 1024 * 1024, maxEntries: 1000 };
/** Memory of the whole process at its peak: Node itself, and a few bundles' worth. */
const MAX_RSS_KB = 512 * 1024;
const SENTINEL = 'untouched';

const [, , folder = ''] = process.argv;
const root = join(folder, `case-${process.pid}`);

process.on('message', (one) => {
  // Whoever asked may have given up meanwhile.
  void judge(one as HostileCase).then((outcome) => process.send?.(outcome, undefined, undefined, () => undefined));
});

async function judge(one: HostileCase): Promise<Outcome> {
  const end = await (one.kind === 'appspec' ? parse(one.bytes) : unpack(one)).catch((error: unknown) => {
    return error instanceof SlipwayError ? error.code : (error as Error);
  });
  const outside = one.kind === 'appspec' ? null : foundOutside(one.rejectSymlinks === 'escaping');
  rmSync(root, { recursive: true, force: true });
  if (outside !== null) return { end: 'escape', problem: 'escape', detail: outside };
  if (typeof end !== 'string') return { end: 'crash', problem: 'crash', detail: end.stack ?? String(end) };
  const { maxRSS } = process.resourceUsage();
  if (maxRSS > MAX_RSS_KB) return { end, problem: 'memory', detail: `took ${maxRSS} KB` };
  return { end, problem: null, detail: '' };
}

async function parse(bytes: Uint8Array): Promise<string> {
  const text = Buffer.from(bytes).toString('utf8');
  const result = parseAppSpec(text, { filename: 'appspec.yml', platform: 'linux' });
  return result.ok ? 'accepted' : (result.findings.find(({ severity }) => severity === 'error')?.rule ?? 'refused');
}

async function unpack(one: HostileCase): Promise<string> {
  const { kind, bytes, keepOwnership = false, rejectSymlinks = false } = one;
  if (kind === 'appspec') throw new Error('an AppSpec file is no bundle');
  mkdirSync(join(root, 'inside'), { recursive: true });
  mkdirSync(join(root, 'beside'));
  writeFileSync(join(root, 'beside/sentinel'), SENTINEL);
  writeFileSync(join(root, 'bundle'), bytes);
  await unpackBundle({
    bundleFile: join(root, 'bundle'),
    bundleType: kind,
    archiveDir: join(root, 'inside/archive'),
    limits,
    rules: { rejectSymlinks, keepOwnership },
  });
  const copy = { sourceDir: join(root, 'inside/archive'), archiveDir: join(root, 'inside/copy') };
  await copyFolder({ ...copy, limits, rules: { rejectSymlinks, keepOwnership } });
  return 'unpacked';
}

/** Files that are in the wrong place, or missing from the right one. */
function foundOutside(isStrict: boolean): string | null {
  const beside = readdirSync(root).filter((name) => !['inside', 'beside', 'bundle'].includes(name));
  const inside = readdirSync(join(root, 'inside')).filter((name) => name !== 'archive' && name !== 'copy');
  const others = readdirSync(join(root, 'beside')).filter((name) => name !== 'sentinel');
  const strangers = [...beside, ...inside, ...others];
  if (strangers.length > 0) return `left outside: ${strangers.join(', ')}`;
  const sentinel = join(root, 'beside/sentinel');
  if (readFileSync(sentinel, 'utf8') !== SENTINEL || lstatSync(sentinel).nlink !== 1) return 'touched the sentinel';
  for (const folder of ['archive', 'copy']) {
    const problem = broughtIn(join(root, 'inside', folder));
    if (problem !== null) return problem;
  }
  return isStrict ? linkOutside(join(root, 'inside/archive')) : null;
}

/** Content that was read through a link would be here as a file. */
function broughtIn(folder: string): string | null {
  for (const entry of entriesBelow(folder)) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && readFileSync(path, 'utf8') === SENTINEL) return `${path} is the sentinel`;
    if (entry.isFile() && lstatSync(path).size > limits.maxBytes) return `${path} is larger than anything in a bundle`;
  }
  return null;
}

function linkOutside(archive: string): string | null {
  if (lstatSync(archive, { throwIfNoEntry: false }) === undefined) return null;
  const real = realpathSync(archive);
  for (const entry of entriesBelow(archive)) {
    if (!entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    try {
      const target = realpathSync(path);
      if (target !== real && !target.startsWith(real + sep)) return `the link ${path} leads to ${target}`;
    } catch {
      // Leads nowhere, or in a circle.
    }
  }
  return null;
}

/** Everything in a folder that is there, through no link; Node's own recursion follows them. */
function* entriesBelow(folder: string): Generator<Dirent> {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    yield entry;
    if (entry.isDirectory()) yield* entriesBelow(join(folder, entry.name));
  }
}
