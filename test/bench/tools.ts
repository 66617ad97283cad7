/** The system's tools that figures are measured with, and what is measured where one is missing. */
import type { BundleType } from '../../src/protocol/specification.ts';
import { hasPrograms, missingPrograms } from '../support/programs.ts';

/** Programs, the parts of the bench that use them, and what the figures are without them. */
interface Use {
  readonly programs: readonly string[];
  readonly parts: readonly string[];
  readonly without: string;
}

/** Program that unpacks a bundle of this type for comparison; bsdtar for zip, because it is faster than unzip. */
const UNPACKERS: Readonly<Record<BundleType, readonly string[]>> = {
  tar: ['tar'],
  tgz: ['tar', 'gzip'],
  zip: ['bsdtar'],
};
const IMAGE = ['mkfs.ext4', 'fallocate', 'mount', 'umount'];

const USES: readonly Use[] = [
  { programs: ['cp'], parts: ['contests', 'deployments'], without: 'nothing is compared with the system’s tools' },
  ...(['tar', 'tgz', 'zip'] as const).map((type) => ({
    programs: UNPACKERS[type],
    parts: ['contests', 'deployments'],
    without: `bundles of type ${type} are measured without comparison`,
  })),
  { programs: ['sync'], parts: ['contests'], without: 'what one round leaves to be written may slow down the next' },
  { programs: ['openssl'], parts: ['daemon'], without: 'the daemon is measured over http, not https' },
];
const USES_OF_ROOT: Use = {
  programs: IMAGE,
  parts: ['daemon', 'contests', 'deployments', 'long-run'],
  without: 'figures are measured in memory, not on ext4',
};

/** One line for each thing that is measured otherwise because programs are missing. */
export function missingTools(parts: readonly string[], isRoot: boolean, path = process.env['PATH']): readonly string[] {
  return [...USES, ...(isRoot ? [USES_OF_ROOT] : [])].flatMap((use) => {
    const missing = missingPrograms(use.programs, path);
    if (missing.length === 0 || !use.parts.some((part) => parts.includes(part))) return [];
    return [`not on this machine: ${missing.join(', ')}; ${use.without}`];
  });
}

/** Whether the system's tools can do what a deployment does with a bundle of this type: unpack it, and copy what was in it. */
export function canCompare(bundleType: BundleType): boolean {
  return hasPrograms('cp', ...UNPACKERS[bundleType]);
}

/** The system's own way to unpack; only where `canCompare`. */
export function unpackCommand(bundleType: BundleType, bundleFile: string, folder: string): readonly string[] {
  return [bundleType === 'zip' ? 'bsdtar' : 'tar', '-xf', bundleFile, '-C', folder];
}

export function canMakeImages(): boolean {
  return hasPrograms(...IMAGE);
}
