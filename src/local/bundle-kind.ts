import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ContentKind, contentKind } from '../archive/content-kind.ts';
import { SlipwayError } from '../errors.ts';
import type { BundleType } from '../protocol/specification.ts';
import { readBeginning } from '../system/file-beginning.ts';
import { bundleTypeOfName, type LocalBundleType } from './location.ts';

/**
 * Tells the kind of a bundle for which nobody has named one. The content of a file tells, and the name of an address. Anything else is a
 * folder, or wrong, as with `codedeploy-local`.
 */
export function kindOfBundle(location: string, workingDirectory: string): LocalBundleType {
  if (/^(git\+)?[a-z0-9]+:\/\//.test(location)) return bundleTypeOfName(location) ?? 'directory';
  const path = resolve(workingDirectory, location);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return 'directory';
  return bundleTypeOf(path) ?? bundleTypeOfName(path) ?? 'directory';
}

/** @returns what a file is that is no bundle; null: nobody can tell */
export function kindOfOtherFile(path: string): ContentKind | null {
  return contentKind(Buffer.from(readBeginning(path), 'latin1'));
}

/**
 * Returns the type of a file that a person calls a bundle: its content tells, else its name. When the content contradicts that type,
 * unpacking names the fault as a host would.
 *
 * @returns null: it is not even called one
 */
export function bundleTypeToJudge(path: string): BundleType | null {
  return bundleTypeOf(path) ?? bundleTypeOfName(path);
}

/** A file that nobody can unpack, where a folder was looked for because of that. */
export function noFolder(location: string): SlipwayError {
  const kind = kindOfOtherFile(location);
  const what = kind === null ? '' : `, and no bundle, but ${kind.is}`;
  return new SlipwayError('REVISION_NOT_FOUND', `the bundle location ${location} is no folder${what}`, {
    remedy:
      kind?.remedy ??
      'Name a folder, or a bundle that is tar, tgz (gzip, once) or zip; --type says which, where the file does not.',
  });
}

/** @returns what kind of bundle a file is, seen from its content; null: none */
export function bundleTypeOf(path: string): BundleType | null {
  const beginning = readBeginning(path);
  if (beginning.startsWith('\x1f\x8b')) return 'tgz';
  // The third is how the first part of a split archive begins, and an archive that was to be split and fitted into one.
  if (/^PK(\x03\x04|\x05\x06|\x07\x08)/.test(beginning)) return 'zip';
  return beginning.slice(257, 262) === 'ustar' || /\.tar$/i.test(path) ? 'tar' : null;
}
