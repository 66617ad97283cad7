/** Places on this host that are the agent's own. No revision is installed there, and no folder that holds one of them is a revision. */
import { basename, dirname } from 'node:path';
import type { AgentConfig } from '../config/agent-config.ts';
import { DEFAULT_CONFIG_FILE } from '../config/default-config-file.ts';
import { loadOnPremises } from '../config/on-premises.ts';
import { SlipwayError } from '../errors.ts';
import type { InstallContext } from '../install/context.ts';
import { placeWithin } from '../install/own-places.ts';
import type { OwnPlace } from '../install/types.ts';
import type { Revision } from '../protocol/specification.ts';
import { readMountTable } from '../system/mount-table.ts';

/** Folders of the system that an operator may have the agent's log or PID file in: there only its own files are the agent's. */
const SHARED_FOLDERS: readonly string[] = [
  ...['/', '/etc', '/home', '/opt', '/root', '/run', '/run/lock', '/srv', '/tmp', '/usr', '/usr/local', '/var'],
  ...['/var/lib', '/var/lock', '/var/log', '/var/run', '/var/spool', '/var/tmp', '/dev/shm'],
];

/** All files and folders that the configuration names and the agent lives by, whether or not they are there yet. */
export function ownPlacesOf(config: AgentConfig): readonly OwnPlace[] {
  const { programName, logDir, pidDir, bundleSignatures, deploymentGroups, metricsListen } = config;
  const keptFor = (path: string, what: string): OwnPlace =>
    SHARED_FOLDERS.includes(path) ? { what, path, prefix: `${programName}.` } : { what, path };
  const secrets: readonly (readonly [string | null, string])[] = [
    [config.rootDir, 'its deployments (root_dir)'],
    [config.configFile ?? DEFAULT_CONFIG_FILE, 'its configuration file'],
    [config.onPremisesConfigFile, 'its identity (on_premises_config_file)'],
    [sessionCredentials(config), 'the credentials of its identity (aws_credentials_file)'],
    [config.s3CredentialsFile, 'its credentials for S3 (s3_credentials_file)'],
    [config.sourceCredentialsFile, 'its credentials (source_credentials_file)'],
    [config.gitSshKeyFile, 'its key (git_ssh_key_file)'],
  ];
  const files: readonly (readonly [string | null, string])[] = [
    [config.caFile, 'the authorities that it trusts (ca_file)'],
    [config.deploymentSpecCaFile, 'whose specifications it trusts (deployment_spec_ca_file)'],
    [bundleSignatures.signersFile, 'whose bundles it trusts (bundle_signers_file)'],
    ...deploymentGroups.map(
      ({ signersFile }) => [signersFile, 'whose bundles it trusts (bundle_signers_file)'] as const,
    ),
    [config.gitKnownHostsFile, 'the servers that it trusts (git_known_hosts_file)'],
    [config.eventsFile, 'its record of events (events_file)'],
    [metricsListen?.startsWith('/') === true ? metricsListen : null, 'its socket (metrics_listen)'],
  ];
  const events = config.eventsFile;
  return [
    ...secrets.flatMap(([path, what]) => (path === null ? [] : { what, path, isPrivate: true })),
    ...files.flatMap(([path, what]) => (path === null ? [] : { what, path })),
    ...(events === null
      ? []
      : [{ what: 'its record of events', path: dirname(events), prefix: `${basename(events)}.` }]),
    keptFor(logDir, 'its log (log_dir)'),
    keptFor(pidDir, 'its PID file, lock and status socket (pid_dir)'),
  ];
}

/** Ignores faults of the file: they are reported where the identity is needed. */
function sessionCredentials({ onPremisesConfigFile }: AgentConfig): string | null {
  try {
    const { identity } = loadOnPremises(onPremisesConfigFile);
    return identity?.kind === 'session' ? identity.credentialsFile : null;
  } catch {
    return null;
  }
}

/**
 * Refuses a folder or file of this machine as a revision when it is, or holds, the agent's own. A copy would go wherever the revision says.
 * Revisions kept below root_dir may be deployed again.
 *
 * @throws SlipwayError REVISION_IS_OWN naming the folder and what it holds
 */
export function requireForeignSource({ fs, ownPlaces }: InstallContext, revision: Revision): void {
  if (revision.revisionType !== 'Local Directory' && revision.revisionType !== 'Local File') return;
  const { location } = revision;
  const secrets = (ownPlaces ?? []).filter(({ isPrivate }) => isPrivate === true);
  const place = placeWithin(fs, location, secrets, readMountTable());
  if (place === null) return;
  const kind = revision.revisionType === 'Local File' ? 'file' : 'folder';
  throw new SlipwayError(
    'REVISION_IS_OWN',
    `the ${kind} ${location} is no revision: it is or holds ${place.path}, which is the agent’s own, ${place.what}`,
  );
}
