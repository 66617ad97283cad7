/** Reads the AppSpec file of a revision that the server itself has to understand: from the request, or from an object of S3. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackBundle } from '../../archive/unpack.ts';
import { messageOf } from '../../errors.ts';
import { digestOf, isWebAddress, type RevisionLocation } from '../../protocol/management/revision-location.ts';
import { removeTree } from '../../system/remove-tree.ts';
import type { ReadObject } from '../outside/revision-object.ts';
import { ShiftFault } from './shift-retry.ts';

type S3Location = NonNullable<RevisionLocation['s3Location']>;

/** Bytes; no AppSpec file of this kind comes near it. */
const MAX_CONTENT_BYTES = 64 * 1024;
/** A bundle that holds one file needs no more. */
const MAX_BUNDLE_BYTES = 8 * 1024 * 1024;
const LIMITS = { maxBytes: 64 * 1024 * 1024, maxEntries: 1_000 };
const RULES = { rejectSymlinks: true, keepOwnership: false };
const NAMES = ['appspec.yaml', 'appspec.yml', 'appspec.json'];

/** @throws ShiftFault REVISION_MISSING, INVALID_REVISION; AwsFault */
export async function readRevisionText(
  location: RevisionLocation,
  readObject: ReadObject,
  signal: AbortSignal,
): Promise<string> {
  const { s3Location } = location;
  if (location.revisionType === 'S3' && s3Location !== undefined) return fromStore(s3Location, readObject, signal);
  const { content } = location.appSpecContent ?? location.string ?? {};
  if (!content) throw new ShiftFault('REVISION_MISSING', 'The revision has no content. Name it with its content.');
  return content;
}

async function fromStore(location: S3Location, readObject: ReadObject, signal: AbortSignal): Promise<string> {
  const { bucket = '', key = '', version = null, bundleType = '' } = location;
  const name = `s3://${bucket}/${key}`;
  if (isWebAddress(bucket)) {
    const why = `${bucket} is an address, and those are for hosts. Put the AppSpec file into a bucket, or into the request.`;
    throw new ShiftFault('INVALID_REVISION', why);
  }
  const isBundle = bundleType === 'zip' || bundleType === 'tgz';
  const maxBytes = isBundle ? MAX_BUNDLE_BYTES : MAX_CONTENT_BYTES;
  const object = await readObject({ bucket, key, version }, maxBytes, signal);
  if (object === null) {
    const which = version === null ? '' : ` of the version ${version}`;
    throw new ShiftFault('REVISION_MISSING', `There is no object ${name}${which}. Upload it, and deploy again.`);
  }
  if (object === 'too large') throw new ShiftFault('INVALID_REVISION', `${name} has more than ${maxBytes} bytes.`);
  const digest = digestOf(location);
  if (digest !== null) {
    const sha256 = createHash('sha256').update(object.bytes).digest('hex');
    if (sha256 !== digest.toLowerCase()) {
      throw new ShiftFault(
        'INVALID_REVISION',
        `${name} has the SHA-256 ${sha256}, and not ${digest}: it was replaced.`,
      );
    }
  }
  const wanted = digest === null ? location.eTag?.replaceAll('"', '') : undefined;
  if (wanted !== undefined && wanted !== object.eTag) {
    throw new ShiftFault(
      'INVALID_REVISION',
      `${name} has the ETag ${object.eTag}, and not ${wanted}: it was replaced.`,
    );
  }
  return isBundle ? fromBundle(object.bytes, bundleType, name, signal) : object.bytes.toString('utf8');
}

async function fromBundle(
  bytes: Buffer,
  bundleType: 'zip' | 'tgz',
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-revision-'));
  try {
    const [bundleFile, archiveDir] = [join(folder, 'bundle'), join(folder, 'content')];
    writeFileSync(bundleFile, bytes, { mode: 0o600 });
    await unpackBundle({ bundleFile, bundleType, archiveDir, limits: LIMITS, rules: RULES, signal });
    const found = NAMES.map((one) => join(archiveDir, one)).filter((file) => isFile(file));
    const [file, ...more] = found;
    if (file === undefined || more.length > 0) {
      const what = file === undefined ? 'no AppSpec file' : `${found.length} AppSpec files`;
      throw new ShiftFault('INVALID_REVISION', `${name} holds ${what}. It must hold one of ${NAMES.join(', ')}.`);
    }
    if (statSync(file).size > MAX_CONTENT_BYTES) {
      throw new ShiftFault('INVALID_REVISION', `The AppSpec file in ${name} has more than ${MAX_CONTENT_BYTES} bytes.`);
    }
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ShiftFault || signal.aborted) throw error;
    throw new ShiftFault('INVALID_REVISION', `${name} cannot be unpacked as ${bundleType}: ${messageOf(error)}.`);
  } finally {
    removeTree(folder);
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
