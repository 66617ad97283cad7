import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SlipwayError } from '../errors.ts';
import { AGENT_CONFIG_KEYS, type KeyValues, withDefaults } from './agent-keys.ts';
import { DEFAULT_CONFIG_FILE } from './default-config-file.ts';
import { type SignatureRules, withGroupSettings } from './group-settings.ts';
import { type KeyValue, readValue } from './keys.ts';
import { readSettings } from './settings-file.ts';

/** Keys of the official agents that have nothing to do here; each is named in the log once, and no more. */
const WITHOUT_EFFECT: readonly string[] = [
  'wait_after_error',
  'children',
  'wait_between_spawning_children',
  'max_runs_per_worker',
  'wait_after_throttle_error',
  'wait_after_connection_problem',
  'plugins',
  'shared_dir',
  'instance_service_region',
  'instance_service_endpoint',
  'instance_service_port',
  'codedeploy_test_profile',
  'use_mock_command_service',
  'config_file',
  'ssl_verify_peer',
];

/** Keys whose purpose is met in another way, or always: what an operator who set one wants to know instead. */
const MET_OTHERWISE: Readonly<Record<string, string>> = {
  user: 'agent and scripts run as whoever starts the agent; set User= in its unit',
  group: 'agent and scripts run in the group of whoever starts the agent; set Group= in its unit',
  enable_command_port: 'no TCP port is opened',
  reject_path_traversal_in_bundle: 'paths that lead out are always refused',
  reject_symlink_permission_targets: 'permissions are never set through links',
  disable_powershell_profile_in_hooks: 'there is no PowerShell here',
};

const MAX_STOP_WAIT_SECONDS = 86_400;
/** Longest time that a timer of Node holds, 24 days. A longer one would fire at once. */
const MAX_SECONDS = Math.floor((2 ** 31 - 1) / 1000);

/** The configuration with every default filled in: the keys' values, but for those that are kept in another shape. */
export interface AgentConfig
  extends Omit<KeyValues, 'rejectSymlinksInBundle' | 'bundleSignaturePolicy' | 'bundleSignersFile'> {
  /** Absolute; null: the usual file, which no command has to be told of. */
  readonly configFile: string | null;
  readonly rejectSymlinks: boolean | 'escaping';
  readonly bundleSignatures: SignatureRules;
}

export interface LoadedConfig {
  readonly config: AgentConfig;
  /** null: there is no file, and everything is as by default. */
  readonly file: string | null;
  /** For the log, once. */
  readonly warnings: readonly string[];
}

/**
 * Reads the agent's configuration.
 *
 * @param path null: the usual file, and the defaults if it is not there; a file that was asked for must be there
 * @throws SlipwayError CONFIG_MISSING, CONFIG_UNREADABLE, or CONFIG_INVALID naming file, line, key, value and what was expected, of
 * all that is wrong
 */
export function loadAgentConfig(path: string | null): LoadedConfig {
  const file = path ?? DEFAULT_CONFIG_FILE;
  if (!existsSync(file)) {
    if (path !== null) throw new SlipwayError('CONFIG_MISSING', `the configuration file ${file} does not exist`);
    return { config: toConfig(new Map()), file: null, warnings: [] };
  }
  const values = new Map<string, KeyValue>();
  const warnings: string[] = [];
  const wrong: string[] = [];
  for (const setting of readSettings(file)) {
    const known = AGENT_CONFIG_KEYS.find((candidate) => candidate.key === setting.name);
    if (known === undefined) {
      const instead = Object.hasOwn(MET_OTHERWISE, setting.name) ? `: ${MET_OTHERWISE[setting.name]}` : '';
      const isOfficial = instead !== '' || WITHOUT_EFFECT.includes(setting.name);
      const kind = isOfficial ? 'has no effect in this agent' : 'is not known';
      warnings.push(`${file}:${setting.line}: the key '${setting.name}' ${kind} and is ignored${instead}`);
      continue;
    }
    const read = readValue(known.type, setting.value);
    if (!read.ok) {
      wrong.push(
        `${file}:${setting.line}: ${setting.name} must be ${read.expected}, but is ${JSON.stringify(setting.value)}`,
      );
      continue;
    }
    const most = known.key === 'kill_agent_max_wait_time_seconds' ? MAX_STOP_WAIT_SECONDS : MAX_SECONDS;
    const isTooLong = known.type === 'seconds' && Number(read.value) > most;
    if (isTooLong) warnings.push(`${file}: ${known.key} is ${read.value}; ${most} is used`);
    values.set(known.key, isTooLong ? most : read.value);
  }
  if (wrong.length > 0) throw new SlipwayError('CONFIG_INVALID', wrong.join('; '));
  const config = { ...toConfig(values), configFile: file === DEFAULT_CONFIG_FILE ? null : resolve(file) };
  requireSigners(config, file);
  requirePinnedAuthority(config, file);
  return { config, file, warnings };
}

/** Signatures that nobody could give are a slip that would stop every deployment; better the start. */
function requireSigners({ bundleSignatures, deploymentGroups }: AgentConfig, file: string): void {
  for (const { group, ...own } of [{ group: null, ...bundleSignatures }, ...deploymentGroups]) {
    const { policy, signersFile } = withGroupSettings(bundleSignatures, own);
    if (policy === 'off' || signersFile !== null) continue;
    const where = group === null ? '' : ` of the group ${group}`;
    throw new SlipwayError(
      'CONFIG_INVALID',
      `${file}: bundle_signature_policy${where} is ${policy}, but no bundle_signers_file says whose signatures count`,
    );
  }
}

/** Without a pinned authority anybody can sign an order, and demanding one would only look like protection. */
function requirePinnedAuthority({ demandSignedOrders, deploymentSpecCaFile }: AgentConfig, file: string): void {
  if (!demandSignedOrders || deploymentSpecCaFile !== null) return;
  throw new SlipwayError(
    'CONFIG_INVALID',
    `${file}: demand_signed_orders is true, but no deployment_spec_ca_file says whose signatures count`,
  );
}

function toConfig(given: ReadonlyMap<string, KeyValue>): AgentConfig {
  const { rejectSymlinksInBundle, bundleSignaturePolicy, bundleSignersFile, ...values } = withDefaults(given);
  return {
    ...values,
    configFile: null,
    rejectSymlinks: rejectSymlinksInBundle === 'escaping' ? 'escaping' : rejectSymlinksInBundle === 'true',
    bundleSignatures: { policy: bundleSignaturePolicy, signersFile: bundleSignersFile },
  };
}
