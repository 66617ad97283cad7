/** Plan of a local deployment. Pure. */
import { messageOf } from '../errors.ts';
import {
  type DeploymentSpecification,
  encodeSpecification,
  type FileExistsBehavior,
  parseSpecification,
} from '../protocol/specification.ts';
import { LOCAL_ID_SUFFIX } from '../protocol/wire-text.ts';
import type { Random } from '../system/random.ts';
import { orderEvents, possibleEvents, problemsOfEvents } from './events.ts';
import { type LocalBundleType, parseBundleLocation } from './location.ts';

/** The flags of `codedeploy-local`, with no default filled in. */
export interface LocalDeploymentOptions {
  /** Path, S3 or GitHub address; null: the working directory. */
  readonly bundleLocation: string | null;
  readonly workingDirectory: string;
  readonly deploymentId: string;
  readonly bundleType?: LocalBundleType;
  readonly fileExistsBehavior?: FileExistsBehavior;
  /** The id, which is a folder's name below the deployment root. */
  readonly deploymentGroupId?: string;
  readonly deploymentGroupName?: string;
  /** Name of the application; absent: the bundle location. */
  readonly applicationName?: string;
  /** Comma-separated, in order; else all. */
  readonly events?: string;
  readonly appSpecFilename?: string;
  readonly gitHubToken?: string;
  /** Names that a deployment group cannot have on this host. */
  readonly reservedIds: readonly string[];
}

export const LOCAL_DEFAULTS = {
  bundleType: 'directory',
  fileExistsBehavior: 'DISALLOW',
  deploymentGroupId: 'default-local-deployment-group',
  deploymentGroupName: 'LocalFleet',
  appSpecFilename: 'appspec.yml',
} as const satisfies Partial<LocalDeploymentOptions>;

export interface LocalDeploymentPlan {
  /** In the order they run, DownloadBundle and Install among them. */
  readonly events: readonly string[];
  readonly specification: DeploymentSpecification;
}

export type LocalPlanResult =
  | { readonly ok: true; readonly plan: LocalDeploymentPlan }
  | { readonly ok: false; readonly problems: readonly string[] };

/** `d-` and nine characters and `-local`. @see the official agent 1.8.1, `deployer.rb`: 2.x's process number comes again after a reboot */
export function newLocalDeploymentId(random: Pick<Random, 'text'>): string {
  return `d-${random.text(9, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')}${LOCAL_ID_SUFFIX}`;
}

/** Checks everything that can be told from the flags alone, and names all that is wrong at once. */
export function planLocalDeployment(options: LocalDeploymentOptions): LocalPlanResult {
  const settings = { ...LOCAL_DEFAULTS, ...options };
  const bundleLocation = options.bundleLocation ?? options.workingDirectory;
  const given = options.events === undefined ? null : options.events.split(',').map((event) => event.trim());
  const problems = given === null ? [] : problemsOfEvents(given);
  const location = parseBundleLocation(bundleLocation, settings.bundleType, options.workingDirectory);
  if (!location.ok) return { ok: false, problems: [location.problem, ...problems] };
  const events = orderEvents(given);
  try {
    // Through the wire form and back: the same checks of names and paths as for what a server sends.
    const specification = parseSpecification(
      encodeSpecification({
        deploymentId: options.deploymentId,
        deploymentGroupId: settings.deploymentGroupId,
        deploymentGroupName: settings.deploymentGroupName,
        applicationName: options.applicationName ?? bundleLocation,
        deploymentCreator: 'user',
        deploymentType: 'IN_PLACE',
        appSpecFilename: settings.appSpecFilename,
        fileExistsBehavior: settings.fileExistsBehavior,
        allPossibleLifecycleEvents: possibleEvents(events),
        reuseArchiveFromDeploymentId: null,
        gitHubAccessToken: options.gitHubToken ?? null,
        revision: location.revision,
      }),
      { reservedIds: options.reservedIds },
    );
    return problems.length > 0 ? { ok: false, problems } : { ok: true, plan: { events, specification } };
  } catch (error) {
    return { ok: false, problems: [...problems, messageOf(error)] };
  }
}
