/** What a person names to be pushed: a folder, which is packed, or a bundle that somebody has packed already, which goes as it is. */
import { existsSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAppSpec } from '../appspec/parse.ts';
import { renderFindings } from '../appspec/render.ts';
import { packBundle } from '../archive/pack.ts';
import { unpackBundle } from '../archive/unpack.ts';
import { locateAppSpec, readAppSpecText } from '../deployment/find-appspec.ts';
import { SlipwayError } from '../errors.ts';
import { bundleTypeOf } from '../local/bundle-kind.ts';
import type { BundleType } from '../protocol/specification.ts';
import { SIGNATURE_SUFFIXES } from '../signature/signed-file.ts';
import { withScratchFolder } from '../system/scratch-folder.ts';
import type { CliContext } from './context.ts';

const WHAT_TO_NAME = 'Name a folder that holds a revision, or a bundle.';

export interface BundleRequest {
  /** A folder, or a bundle file. */
  readonly source: string;
  readonly application: string;
  /** null: a folder becomes a zip, and a bundle is what it is. */
  readonly bundleType: BundleType | null;
  /** null: it is not signed here. */
  readonly signKey: string | null;
}

export interface PreparedBundle {
  readonly bundleFile: string;
  readonly bundleType: BundleType;
  readonly signatures: readonly { readonly signatureFile: string; readonly suffix: string }[];
}

/**
 * Prepares a bundle for the time of `work`.
 *
 * The AppSpec file is read with the agent's own parser: what no host could deploy is not pushed. A bundle's own signatures, which stand
 * beside it, go with it, unless it is signed here.
 *
 * @throws SlipwayError CLI_BAD_REVISION for what has no sound AppSpec file; ARCHIVE_… for a bundle that cannot be unpacked; CLI_CANNOT_SIGN
 */
export async function withBundle<T>(
  ctx: CliContext,
  request: BundleRequest,
  work: (bundle: PreparedBundle) => Promise<T>,
): Promise<T> {
  const source = resolve(ctx.workingDirectory, request.source);
  const isFile = kindOf(source) === 'file';
  return withScratchFolder(async (workDir) => {
    const bundle = await (isFile ? takeBundle : packFolder)(source, request.bundleType, workDir);
    const { signKey, application } = request;
    let signatures = isFile ? signaturesBeside(source) : [];
    if (signKey !== null) {
      const keyFile = resolve(ctx.workingDirectory, signKey);
      signatures = [await sign(ctx, keyFile, application, bundle.bundleFile)];
    }
    return work({ ...bundle, signatures });
  });
}

type Bundle = Omit<PreparedBundle, 'signatures'>;

function kindOf(source: string): 'folder' | 'file' {
  const stats = statSync(source, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return 'folder';
  if (stats?.isFile()) return 'file';
  throw new SlipwayError(
    'CLI_BAD_REVISION',
    `${source} ${stats === undefined ? 'does not exist' : 'is no file or folder'}`,
    { remedy: WHAT_TO_NAME },
  );
}

async function packFolder(sourceDir: string, wanted: BundleType | null, workDir: string): Promise<Bundle> {
  requireSoundAppSpec(sourceDir, sourceDir);
  const bundleType = wanted ?? 'zip';
  const bundleFile = join(workDir, `bundle.${bundleType}`);
  await packBundle({ sourceDir, bundleFile, bundleType });
  return { bundleFile, bundleType };
}

async function takeBundle(source: string, wanted: BundleType | null, workDir: string): Promise<Bundle> {
  const bundleType = bundleTypeOf(source);
  if (bundleType === null || (wanted !== null && wanted !== bundleType)) {
    const what = bundleType === null ? 'no bundle: no tar, tgz or zip' : `a ${bundleType}, and no ${wanted}`;
    throw new SlipwayError('CLI_BAD_REVISION', `${source} is ${what}`, { remedy: WHAT_TO_NAME });
  }
  const archiveDir = join(workDir, 'revision');
  // It is the person's own; what is too large for a host, that host says.
  const limits = { maxBytes: Number.POSITIVE_INFINITY, maxEntries: Number.POSITIVE_INFINITY };
  const rules = { rejectSymlinks: false, keepOwnership: false };
  await unpackBundle({ bundleFile: source, bundleType, archiveDir, limits, rules });
  requireSoundAppSpec(archiveDir, source);
  rmSync(archiveDir, { recursive: true, force: true });
  // Under another name, so that a signature made here is not left beside the person's file.
  const bundleFile = join(workDir, `bundle.${bundleType}`);
  symlinkSync(source, bundleFile);
  return { bundleFile, bundleType };
}

/** Throws unless the folder holds an AppSpec file that the agent would accept. */
function requireSoundAppSpec(folder: string, shown: string): void {
  const filename = locateAppSpec(folder, 'appspec.yml');
  if (filename === null) throw new SlipwayError('CLI_BAD_REVISION', `${shown} has no appspec.yml in its root`);
  const text = readAppSpecText(join(folder, filename));
  const result = parseAppSpec(text, { filename, platform: 'linux' });
  if (!result.ok) {
    throw new SlipwayError(
      'CLI_BAD_REVISION',
      `the AppSpec file cannot be deployed\n${renderFindings(result.findings, text, join(shown, filename))}`,
    );
  }
}

async function sign(ctx: CliContext, keyFile: string, application: string, bundleFile: string) {
  const { signBundle } = await import('./sign-bundle.ts');
  const signed = await signBundle(ctx, { bundleFile, keyFile, application });
  ctx.stderr.write(`signed with ${signed.keyId} for ${application}\n`);
  return signed;
}

function signaturesBeside(source: string): PreparedBundle['signatures'] {
  return Object.values(SIGNATURE_SUFFIXES)
    .map((suffix) => ({ signatureFile: `${source}${suffix}`, suffix }))
    .filter(({ signatureFile }) => existsSync(signatureFile));
}
