/** Reads `--bundle-location`. Pure. */
import { resolve } from 'node:path/posix';
import {
  type BundleType,
  problemOfBundleUrl,
  problemOfCommitId,
  problemOfGitUrl,
  problemOfSha256,
  type Revision,
} from '../protocol/specification.ts';
import { withoutTrailing } from '../system/trailing.ts';

export const LOCAL_BUNDLE_TYPES = ['tgz', 'tar', 'zip', 'directory'] as const;
export type LocalBundleType = (typeof LOCAL_BUNDLE_TYPES)[number];

/** A revision, or why the location is none. */
export type LocationResult =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly problem: string };

/**
 * A path, `s3://bucket/key[?versionId=…&etag=…]`, a GitHub repository, `git+https://…#COMMIT`, or `https://…#sha256=DIGEST`.
 *
 * @param workingDirectory what a relative path is relative to
 * @see the official agent's guide, `deployments-local`, and 2.x for the web addresses of branches and commits
 */
export function parseBundleLocation(
  location: string,
  bundleType: LocalBundleType,
  workingDirectory: string,
): LocationResult {
  if (location.startsWith('s3://')) return parseS3(location, bundleType);
  if (location.startsWith('git+')) return parseGit(location);
  if (/^https?:\/\/[^#]+#sha256=/.test(location)) return parseHttps(location, bundleType);
  if (location.startsWith('https://')) return parseGitHub(location, bundleType);
  if (location.startsWith('http://')) {
    return problem(`the bundle location ${location} is not encrypted: use https://`);
  }
  if (location === '') return problem('the bundle location is empty');
  const path = resolve(workingDirectory, location);
  return {
    ok: true,
    revision:
      bundleType === 'directory'
        ? { revisionType: 'Local Directory', location: path }
        : { revisionType: 'Local File', location: path, bundleType },
  };
}

function parseS3(location: string, bundleType: LocalBundleType): LocationResult {
  if (bundleType === 'directory') {
    return problem(`a bundle in S3 is a file: say which kind with --type tar, tgz or zip`);
  }
  const [, bucket, path] = /^s3:\/\/([^/?]+)\/(.+)$/s.exec(location) ?? [];
  if (bucket === undefined || path === undefined) return problem(`${location} is not s3://BUCKET/KEY`);
  const { key, parameters } = splitQuery(path);
  if (key === '') return problem(`${location} has no key: it is not s3://BUCKET/KEY`);
  const eTag = parameters.get('etag') || null;
  return {
    ok: true,
    revision: {
      revisionType: 'S3',
      bucket,
      key,
      bundleType,
      version: parameters.get('versionId') || null,
      eTag: eTag === null ? null : eTag.replaceAll('"', ''),
    },
  };
}

/** `git+https://HOST/REPOSITORY#COMMIT`, and the same with `ssh` or `file`. */
function parseGit(location: string): LocationResult {
  const [url = '', commitId = ''] = location.slice('git+'.length).split(/#(.*)/s);
  const wrong = problemOfGitUrl(url) ?? problemOfCommitId(commitId);
  if (wrong !== null) return problem(`${wrong}: a commit in git is git+https://HOST/REPOSITORY#COMMIT`);
  return { ok: true, revision: { revisionType: 'Git', url, commitId: commitId.toLowerCase() } };
}

/** `https://HOST/app.tgz#sha256=DIGEST`; what kind of bundle it is, its name says, unless a flag does. */
function parseHttps(location: string, given: LocalBundleType): LocationResult {
  const [url = '', sha256 = ''] = location.split(/#sha256=(.*)/s);
  const wrong = problemOfBundleUrl(url) ?? problemOfSha256(sha256);
  if (wrong !== null) return problem(`${wrong}: a bundle of a web server is https://HOST/NAME.tgz#sha256=DIGEST`);
  const bundleType = given === 'directory' ? bundleTypeOfName(url) : given;
  if (bundleType === null)
    return problem(`cannot tell what kind of bundle ${url} is: say it with --type tar, tgz or zip`);
  return { ok: true, revision: { revisionType: 'HTTPS', url, bundleType, sha256: sha256.toLowerCase() } };
}

/** Returns the kind of bundle that the name of a file or an address tells; null: none. */
export function bundleTypeOfName(name: string): BundleType | null {
  const [, ending] = /\.(zip|tar|tgz|tar\.gz)$/i.exec(name.replace(/[?#].*$/s, '')) ?? [];
  if (ending === undefined) return null;
  return ending.toLowerCase() === 'tar.gz' ? 'tgz' : (ending.toLowerCase() as BundleType);
}

/** A key may hold a question mark itself: only what follows the last one, and holds nothing but known parameters, is none of it. */
function splitQuery(path: string): { readonly key: string; readonly parameters: URLSearchParams } {
  const at = path.lastIndexOf('?');
  const parameters = new URLSearchParams(at < 0 ? '' : path.slice(at + 1));
  const names = [...parameters.keys()];
  const isQuery = names.length > 0 && names.every((name) => name === 'versionId' || name === 'etag');
  return isQuery ? { key: path.slice(0, at), parameters } : { key: path, parameters: new URLSearchParams() };
}

function parseGitHub(location: string, given: LocalBundleType): LocationResult {
  // What GitHub packs is one of these two, whatever the address or the flag says.
  const bundleType: Extract<BundleType, 'tar' | 'zip'> = given === 'tar' ? 'tar' : 'zip';
  const path = withoutTrailing(location.replace(/[?#].*$/s, ''), '/');
  const [, account, repository, commitId = 'HEAD'] =
    /^https:\/\/github\.com\/([^/]+)\/([^/]+?)(?:\.git)?(?:\/(?:tree|commit)\/(.+))?$/.exec(path) ??
    /^https:\/\/api\.github\.com\/repos\/([^/]+)\/([^/]+)\/(?:tarball|zipball)(?:\/(.+))?$/.exec(path) ??
    [];
  if (account === undefined || repository === undefined) {
    return problem(
      `cannot tell what is at ${location}: a bundle location is a path, s3://BUCKET/KEY, https://github.com/OWNER/REPOSITORY, ` +
        'git+https://HOST/REPOSITORY#COMMIT or https://HOST/NAME.tgz#sha256=DIGEST',
    );
  }
  return { ok: true, revision: { revisionType: 'GitHub', account, repository, commitId, bundleType } };
}

function problem(text: string): LocationResult {
  return { ok: false, problem: text };
}
