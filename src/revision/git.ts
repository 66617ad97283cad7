import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isSlipwayError, SlipwayError } from '../errors.ts';
import type { GitRevision } from '../protocol/specification.ts';
import { partFileOf, removePart, writeFault } from './bundle-part.ts';
import { createGit, type Git } from './git-command.ts';
import { faultOf, faultOfHost, GitFailed, mayMend, wantsWholeHistory } from './git-faults.ts';
import type { Filling } from './git-watch.ts';
import { createPace, type Pace, TooSlow } from './pace.ts';
import { createProgressMeter } from './progress.ts';
import { tooLarge } from './too-large.ts';
import { createTries } from './tries.ts';
import type { FetchedBundle, FetchRequest, RevisionContext } from './types.ts';

/**
 * Fetches one commit with git itself, and packs it as `git archive` does, so that it is unpacked under the same rules as every bundle. Git
 * addresses content by its hash: what has the commit's id is the commit.
 *
 * Nothing of the repository is run: there is no work tree, no hook and no submodule, and no configuration but what is given here.
 *
 * @throws SlipwayError REVISION_NOT_FOUND, REVISION_DENIED, REVISION_UNREACHABLE, REVISION_TOO_SLOW, REVISION_TOO_LARGE, …
 */
export async function fetchFromGit(
  ctx: RevisionContext,
  revision: GitRevision,
  request: FetchRequest,
): Promise<FetchedBundle> {
  const repository = `${request.bundleFile}.git`;
  const partFile = partFileOf(request.bundleFile);
  const maxBytes = request.maxBytes ?? Number.POSITIVE_INFINITY;
  request.reserve?.(null);
  try {
    rmSync(repository, { recursive: true, force: true });
    removePart(partFile);
    mkdirSync(repository, { mode: 0o700 });
    const git = createGit(ctx, revision, repository, { maxBytes, signal: request.signal });
    // Of the usual hash nothing is said, because old versions of git know no other.
    const objectFormat = revision.commitId.length === 64 ? ['--object-format=sha256'] : [];
    await git(['init', '--quiet', '--bare', '--template=', ...objectFormat, '--', repository]);
    const objects = filling(ctx, revision, request, join(repository, 'objects'));
    await fetchCommit(ctx, git, revision, objects, request.signal);
    if (request.commitFile !== undefined) {
      const commit = await git(['cat-file', 'commit', revision.commitId], { encoding: 'latin1' });
      writeFileSync(request.commitFile, commit, { encoding: 'latin1', mode: 0o600 });
    }
    await git(['archive', '--format=tar', `--output=${partFile}`, revision.commitId], {
      filling: filling(ctx, revision, request, partFile),
    });
    renameSync(partFile, request.bundleFile);
    return { eTag: null, sizeBytes: statSync(request.bundleFile).size };
  } catch (error) {
    if (request.signal?.aborted === true || isSlipwayError(error)) throw error;
    // All that is left by now is this host's own.
    throw (error instanceof GitFailed ? faultOfHost(error) : null) ?? writeFault(request.bundleFile, error);
  } finally {
    rmSync(repository, { recursive: true, force: true });
    removePart(partFile);
  }
}

/** Limits the incoming pack, and the bundle packed from it, each to the size of a bundle. */
function filling(ctx: RevisionContext, { url }: GitRevision, request: FetchRequest, path: string): Filling {
  const meter = createProgressMeter(ctx.clock, request.onProgress);
  const maxBytes = request.maxBytes ?? Number.POSITIVE_INFINITY;
  meter.begin(0, null);
  let before = 0;
  return {
    path,
    onSize(bytes) {
      if (bytes > maxBytes) throw tooLarge(url, maxBytes);
      if (bytes !== before) meter.add(bytes - before);
      before = bytes;
    },
  };
}

async function fetchCommit(
  ctx: RevisionContext,
  git: Git,
  revision: GitRevision,
  objects: Filling,
  signal: AbortSignal | undefined,
): Promise<void> {
  const pace = createPace(ctx.tuning.pace);
  const source = { name: revision.url, unreachable: (cause: unknown) => faultOf(ctx, revision, cause) };
  const tries = createTries(ctx, source, pace, signal);
  for (;;) {
    try {
      await fetchOnce(git, revision, objects, pace);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof GitFailed || error instanceof TooSlow)) throw error;
      if (error instanceof GitFailed && !mayMend(error)) throw source.unreachable(error);
      await tries.failed(error);
      removeLeftovers(dirname(objects.path));
    }
  }
  const found = await git(['rev-parse', '--verify', '--quiet', `${revision.commitId}^{commit}`]).catch(
    (error: unknown) => {
      if (error instanceof GitFailed) return '';
      throw error;
    },
  );
  if (found.trim() !== revision.commitId) {
    throw new SlipwayError('REVISION_NOT_FOUND', `${revision.url} has no commit ${revision.commitId}`, {
      remedy: 'Push the commit to a branch or tag of that repository; a tag’s own id, or a tree’s, is not a commit’s.',
    });
  }
}

/** Removes the files of a command that was cut off. Locks would block the next try, and half a pack would count as part of its result. */
function removeLeftovers(repository: string): void {
  for (const name of readdirSync(repository, { recursive: true, encoding: 'utf8' })) {
    if (/(^|\/)tmp_[^/]*$|\.lock$/.test(name)) rmSync(join(repository, name), { force: true, recursive: true });
  }
}

async function fetchOnce(git: Git, revision: GitRevision, objects: Filling, pace: Pace): Promise<void> {
  const options = ['--progress', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
  const fetch = (...what: string[]) => git(['fetch', ...options, ...what], { filling: objects, pace });
  try {
    await fetch('--depth=1', '--', revision.url, revision.commitId);
  } catch (error) {
    if (!(error instanceof GitFailed) || !wantsWholeHistory(error)) throw error;
    await fetch('--', revision.url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*');
  }
}
