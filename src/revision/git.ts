import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isSlipwayError, SlipwayError } from '../errors.ts';
import type { GitRevision } from '../protocol/specification.ts';
import { partFileOf, removePart, writeFault } from './bundle-part.ts';
import { tooLarge } from './download.ts';
import { createGit, type Git, GitFailed } from './git-command.ts';
import { faultOf, faultOfHost } from './git-faults.ts';
import { createProgressMeter } from './progress.ts';
import type { FetchedBundle, FetchRequest, RevisionContext } from './types.ts';

/**
 * Fetches one commit with git itself, and packs it as `git archive` does, so that it is unpacked under the same rules as every bundle. Git
 * addresses content by its hash: what has the commit's id is the commit.
 *
 * Nothing of the repository is run: there is no work tree, no hook and no submodule, and no configuration but what is given here.
 *
 * @throws SlipwayError REVISION_NOT_FOUND, REVISION_DENIED, REVISION_UNREACHABLE, REVISION_TOOL_MISSING
 */
export async function fetchFromGit(
  ctx: RevisionContext,
  revision: GitRevision,
  request: FetchRequest,
): Promise<FetchedBundle> {
  const repository = `${request.bundleFile}.git`;
  const partFile = partFileOf(request.bundleFile);
  request.reserve?.(null);
  try {
    rmSync(repository, { recursive: true, force: true });
    removePart(partFile);
    mkdirSync(repository, { mode: 0o700 });
    const git = createGit(ctx, revision, repository, request.signal);
    // Of the usual hash nothing is said, because old versions of git know no other.
    const objectFormat = revision.commitId.length === 64 ? ['--object-format=sha256'] : [];
    await git(['init', '--quiet', '--bare', '--template=', ...objectFormat, '--', repository]);
    await fetchCommit(ctx, git, revision, request);
    if (request.commitFile !== undefined) {
      const commit = await git(['cat-file', 'commit', revision.commitId], { encoding: 'latin1' });
      writeFileSync(request.commitFile, commit, { encoding: 'latin1', mode: 0o600 });
    }
    await git(['archive', '--format=tar', `--output=${partFile}`, revision.commitId]);
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

async function fetchCommit(
  ctx: RevisionContext,
  git: Git,
  revision: GitRevision,
  request: FetchRequest,
): Promise<void> {
  const { signal } = request;
  for (let tries = 0; ; tries += 1) {
    try {
      await fetchOnce(ctx, git, revision, request);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof GitFailed)) throw error;
      const fault = faultOf(ctx, revision, error);
      const waitMs = ctx.tuning.retryWaitsMs[tries];
      if (waitMs === undefined || !isSlipwayError(fault, 'REVISION_UNREACHABLE')) throw fault;
      ctx.log.warn('git could not fetch the commit, and tries again', { url: revision.url, waitMs, error });
      await ctx.clock.sleep(waitMs, signal);
      signal?.throwIfAborted();
    }
  }
  const found = await git(['rev-parse', '--verify', '--quiet', `${revision.commitId}^{commit}`]).catch(() => '');
  if (found.trim() !== revision.commitId) {
    throw new SlipwayError('REVISION_NOT_FOUND', `${revision.url} has no commit ${revision.commitId}`, {
      remedy: 'Push the commit to a branch or tag of that repository; a tag’s own id, or a tree’s, is not a commit’s.',
    });
  }
}

async function fetchOnce(ctx: RevisionContext, git: Git, revision: GitRevision, request: FetchRequest): Promise<void> {
  const fetch = (...what: string[]) => {
    const meter = createProgressMeter(ctx.clock, request.onProgress);
    meter.begin(0, null);
    let before = 0;
    const options = ['--progress', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
    return git(['fetch', ...options, ...what], {
      onReceived(bytes) {
        if (bytes > (request.maxBytes ?? bytes)) throw tooLarge(revision.url, request.maxBytes ?? bytes);
        meter.add(bytes - before);
        before = bytes;
      },
    });
  };
  try {
    await fetch('--depth=1', '--', revision.url, revision.commitId);
  } catch (error) {
    // Old servers, and some settings, give away no single commits: then all that branches and tags lead to is looked through.
    const isRefused =
      error instanceof GitFailed && /not our ref|unadvertised object|dumb http|shallow/i.test(error.message);
    if (!isRefused) throw error;
    await fetch('--', revision.url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*');
  }
}
