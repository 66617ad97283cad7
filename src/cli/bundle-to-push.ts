/** The bundle that a person names to be pushed: a folder is packed, a finished bundle goes as it is. */
import { existsSync, statSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { HostView } from '../appspec/bundle-lint.ts';
import { judgeFolder } from '../archive/folder-bundle.ts';
import { isPlainInZip, packBundle } from '../archive/pack.ts';
import { type AgentConfig, loadAgentConfig } from '../config/agent-config.ts';
import { SlipwayError } from '../errors.ts';
import { bundleTypeToJudge, kindOfOtherFile } from '../local/bundle-kind.ts';
import { requireSoundRevision } from '../local/validate.ts';
import type { BundleType } from '../protocol/specification.ts';
import { SIGNATURE_SUFFIXES } from '../signature/signed-file.ts';
import { withScratchFolder } from '../system/scratch-folder.ts';
import { pathFrom } from '../system/working-folder.ts';
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
  /** The agent's configuration, for what hosts take; null: the usual file, and the defaults where there is none. */
  readonly agentConfigurationFile: string | null;
}

export interface PreparedBundle {
  readonly bundleFile: string;
  readonly bundleType: BundleType;
  readonly signatures: readonly { readonly signatureFile: string; readonly suffix: string }[];
}

/**
 * Prepares a bundle for the time of `work`.
 *
 * It is judged as `slipway validate` does: what no host could deploy is not pushed, whether it is a folder or a bundle. A bundle's own
 * signatures, which stand beside it, go with it, unless it is signed here.
 *
 * @throws SlipwayError CLI_BAD_REVISION with every error; APPSPEC_MISSING; ARCHIVE_… for what no host would unpack; CLI_CANNOT_SIGN
 */
export async function withBundle<T>(
  ctx: CliContext,
  request: BundleRequest,
  work: (bundle: PreparedBundle) => Promise<T>,
): Promise<T> {
  const source = pathFrom(ctx.workingDirectory, request.source);
  const isFile = kindOf(source) === 'file';
  const { config } = loadAgentConfig(request.agentConfigurationFile);
  return withScratchFolder(async (workDir) => {
    const preparation = { source, wanted: request.bundleType, workDir, config, stderr: ctx.stderr };
    const bundle = await (isFile ? takeBundle(preparation) : packFolder(preparation));
    const { signKey, application } = request;
    let signatures = isFile ? signaturesBeside(source) : [];
    if (signKey !== null) {
      const keyFile = pathFrom(ctx.workingDirectory, signKey);
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

interface Preparation {
  readonly source: string;
  readonly wanted: BundleType | null;
  readonly workDir: string;
  readonly config: AgentConfig;
  /** For warnings. */
  readonly stderr: CliContext['stderr'];
}

async function packFolder(preparation: Preparation): Promise<Bundle> {
  const { source, wanted, workDir, config } = preparation;
  await requireSound(preparation);
  const limits = { maxBytes: config.archiveMaxExtractionBytes, maxEntries: config.archiveMaxEntries };
  const rules = { rejectSymlinks: config.rejectSymlinks, keepOwnership: false };
  // A zip is what most tools can look into; a few names mean something else in it.
  const entries = wanted === null ? await judgeFolder({ sourceDir: source, limits, rules }) : [];
  const bundleType = wanted ?? (entries.every(({ name }) => isPlainInZip(name)) ? 'zip' : 'tgz');
  const bundleFile = join(workDir, `bundle.${bundleType}`);
  await packBundle({ sourceDir: source, bundleFile, bundleType, limits, rules });
  return { bundleFile, bundleType };
}

async function takeBundle(preparation: Preparation): Promise<Bundle> {
  const { source, wanted, workDir } = preparation;
  const bundleType = bundleTypeToJudge(source);
  if (bundleType === null || (wanted !== null && wanted !== bundleType)) {
    const kind = kindOfOtherFile(source);
    const none = `no bundle: no tar, tgz or zip${kind === null ? '' : `, but ${kind.is}`}`;
    const what = bundleType === null ? none : `a ${bundleType}, and no ${wanted}`;
    const remedy = bundleType === null ? (kind?.remedy ?? WHAT_TO_NAME) : WHAT_TO_NAME;
    throw new SlipwayError('CLI_BAD_REVISION', `${source} is ${what}`, { remedy });
  }
  await requireSound(preparation);
  // Under another name, so that a signature made here is not left beside the person's file.
  const bundleFile = join(workDir, `bundle.${bundleType}`);
  symlinkSync(source, bundleFile);
  return { bundleFile, bundleType };
}

/** Asks nothing of this machine: the revision is for others. */
const ANY_HOST: HostView = { hasUser: () => true, hasGroup: () => true, hasProgram: () => true };

/** Warnings do not hold it up, and are told. */
async function requireSound({ source, config, stderr }: Preparation): Promise<void> {
  const { file, findings } = await requireSoundRevision({
    path: source,
    appSpecFilename: 'appspec.yml',
    host: ANY_HOST,
    isTargetHost: false,
    limits: { maxBytes: config.archiveMaxExtractionBytes, maxEntries: config.archiveMaxEntries },
    entryRules: { rejectSymlinks: config.rejectSymlinks, keepOwnership: false },
    rejectUnconfinedSelinux: config.rejectUnconfinedSelinux,
  });
  for (const { message, position } of findings) {
    const place = position === null ? '' : `:${position.line}`;
    stderr.writeLines([`slipway: ${basename(file)}${place}: warning: ${message}`]);
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
