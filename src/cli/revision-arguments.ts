/** A revision that is somewhere already, as flags. */
import { type Command, Option } from 'commander';
import { SlipwayError } from '../errors.ts';
import { bundleTypeOfName } from '../local/location.ts';
import {
  bundleUrlOf,
  isWebAddress,
  locationOf,
  type RevisionLocation,
} from '../protocol/management/revision-location.ts';
import type { BundleType } from '../protocol/specification.ts';
import { parseBundleUrl, parseGitHubRevision, parseGitRevision, parseS3Url } from './arguments.ts';

export interface RevisionOptions {
  readonly revision?: { readonly bucket: string; readonly key: string };
  readonly github?: { readonly repository: string; readonly commitId: string };
  readonly git?: { readonly repository: string; readonly commitId: string };
  readonly url?: string;
  readonly sha256?: string;
  readonly objectVersion?: string;
  readonly etag?: string;
  readonly type?: BundleType;
}

export function addRevisionOptions(command: Command): Command {
  return command
    .option('--revision <url>', 's3://BUCKET/KEY of a bundle that was pushed before', parseS3Url)
    .option('--object-version <id>', 'of --revision: this version of the object')
    .option('--etag <etag>', 'of --revision: the ETag that the object must have')
    .option('--github <revision>', 'OWNER/REPOSITORY@COMMIT on GitHub', parseGitHubRevision)
    .option('--git <revision>', 'URL@COMMIT in any git repository, URL being https://… or ssh://…', parseGitRevision)
    .option('--url <url>', 'https://… of a bundle on any web server; needs --sha256', parseBundleUrl)
    .option('--sha256 <digest>', 'what the bundle at --url must have')
    .addOption(
      new Option(
        '--type <type>',
        'kind of bundle; of what is pushed, what a folder becomes; else what the name says, else zip',
      ).choices(['zip', 'tgz', 'tar']),
    );
}

/**
 * @returns null when no flag names a revision
 * @throws SlipwayError CLI_BAD_ARGUMENT when `--url` and `--sha256` do not come together, or a flag of `--revision` comes without it
 */
export function locationOfOptions(options: RevisionOptions): RevisionLocation | null {
  if (options.sha256 !== undefined && options.url === undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--sha256 is the digest of the bundle at --url, which is not given');
  }
  const { objectVersion: version, etag: eTag } = options;
  if (options.revision === undefined && (version ?? eTag) !== undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--object-version and --etag go with --revision, which is not given');
  }
  if (options.revision !== undefined) {
    const bundleType = options.type ?? bundleTypeOfName(options.revision.key) ?? 'zip';
    const object = { ...(version === undefined ? {} : { version }), ...(eTag === undefined ? {} : { eTag }) };
    return { revisionType: 'S3', s3Location: { ...options.revision, bundleType, ...object } };
  }
  const repository = options.github ?? options.git;
  if (repository !== undefined) return { revisionType: 'GitHub', gitHubLocation: repository };
  if (options.url === undefined) return null;
  if (options.sha256 === undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--url needs --sha256: without it nobody could tell what is deployed');
  }
  const { url, sha256 } = options;
  const bundleType = options.type ?? bundleTypeOfName(new URL(url).pathname) ?? 'zip';
  return locationOf({ revisionType: 'HTTPS', url, bundleType, sha256 });
}

/** @throws SlipwayError CLI_BAD_ARGUMENT, also when no flag names a revision */
export function requireLocation(options: RevisionOptions): RevisionLocation {
  const location = locationOfOptions(options);
  if (location !== null) return location;
  throw new SlipwayError('CLI_BAD_ARGUMENT', 'no revision is named', {
    remedy:
      'Give --revision s3://BUCKET/KEY, --github OWNER/REPOSITORY@COMMIT, --git URL@COMMIT, or --url with --sha256.',
  });
}

/** Hexadecimal digits of a sum that tell it from others. */
const SHOWN_DIGITS = 12;

/** A revision in one line, as it would be named again. An AppSpec file without a place of its own has the beginning of its sum. */
export function renderLocation({ s3Location, gitHubLocation, appSpecContent, string }: RevisionLocation): string {
  if (s3Location !== undefined) {
    const { bucket = '', key = '' } = s3Location;
    return isWebAddress(bucket) ? bundleUrlOf(s3Location) : `s3://${bucket}/${key}`;
  }
  if (gitHubLocation !== undefined) return `${gitHubLocation.repository ?? '?'}@${gitHubLocation.commitId ?? '?'}`;
  const { sha256 = '?' } = appSpecContent ?? string ?? {};
  return `AppSpec ${sha256.slice(0, SHOWN_DIGITS)}`;
}
