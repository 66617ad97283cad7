/** Facts about an official agent on this machine. Reads, and changes nothing. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AgentConfig, loadAgentConfig } from '../../config/agent-config.ts';
import { loadOnPremises } from '../../config/on-premises.ts';
import { isOwnFolder } from '../../deployment/layout.ts';
import { keptFolder, officialPlaces } from './places.ts';

export interface OfficialAgent {
  /** As its `.version` file has it, `OFFICIAL_1.8.1-2_deb`; null: it has none. */
  readonly version: string | null;
  readonly programs: readonly string[];
  readonly units: readonly string[];
  readonly updaters: readonly string[];
  readonly dropIns: readonly string[];
  /** null: it runs with its defaults. */
  readonly configFile: string | null;
  /** Whether the file is where only 1.x looks, so that it has to be copied to where both look. */
  readonly isOlderPlace: boolean;
  readonly config: AgentConfig;
  /** Settings of the configuration that have no effect from now on. */
  readonly warnings: readonly string[];
  readonly onPremisesFile: string;
  /** ARN; null: the host is on EC2. */
  readonly onPremisesArn: string | null;
  readonly versionFile: string;
  readonly deploymentRoot: string;
  /** Ids of deployment groups that have deployed here. */
  readonly groups: readonly string[];
  /** Deployments that are noted down as running. */
  readonly ongoing: readonly string[];
  /** null: none runs. */
  readonly pid: number | null;
  readonly isTakenOver: boolean;
}

/** A tracking file that is older tells of nothing that still runs. @see the official agent 1.8.1, `deployment_command_tracker.rb` */
const TRACKED_MS = 24 * 60 * 60_000;

/**
 * @param root `/`, or where another machine's file system is mounted: paths of its configuration begin there
 * @throws SlipwayError CONFIG_UNREADABLE, CONFIG_INVALID for configuration that no agent could run with
 */
export function findOfficialAgent(root: string, nowMs: number): OfficialAgent {
  const places = officialPlaces(root);
  const there = (paths: readonly string[]) => paths.filter((path) => existsSync(path));
  const [configFile = null] = there([places.configFile, places.olderConfigFile]);
  const { config, warnings } = loadAgentConfig(configFile);
  const at = (path: string) => join(root, path);
  const deploymentRoot = at(config.rootDir);
  const onPremisesFile = at(config.onPremisesConfigFile);
  const onPremises = loadOnPremises(onPremisesFile);
  const versionFile = join(dirname(deploymentRoot), '.version');
  return {
    version: existsSync(versionFile) ? (readFileSync(versionFile, 'utf8').trim().split(': ').at(-1) ?? null) : null,
    programs: there(places.programs),
    // The alias of Slipway's own unit is a link of this name.
    units: there(places.units).filter((unit) => !readFileSync(unit, 'utf8').includes('slipway')),
    updaters: there(places.updaters),
    dropIns: namesIn(places.dropIns).map((name) => join(places.dropIns, name)),
    ...{ configFile, isOlderPlace: configFile === places.olderConfigFile, config },
    warnings: [...warnings, ...onPremises.warnings],
    ...{ onPremisesFile, onPremisesArn: onPremises.identity?.arn ?? null, versionFile, deploymentRoot },
    groups: namesIn(deploymentRoot).filter((name) => name !== config.ongoingDeploymentTracking && !isOwnFolder(name)),
    ongoing: namesIn(join(deploymentRoot, config.ongoingDeploymentTracking)).filter(
      (name) => nowMs - statSync(join(deploymentRoot, config.ongoingDeploymentTracking, name)).mtimeMs < TRACKED_MS,
    ),
    pid: root === '/' ? runningAgent(join(config.pidDir, `${config.programName}.pid`)) : null,
    isTakenOver: existsSync(keptFolder(root)),
  };
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];
}

function runningAgent(pidFile: string): number | null {
  const pid = existsSync(pidFile) ? Number.parseInt(readFileSync(pidFile, 'utf8'), 10) : Number.NaN;
  if (!(pid > 1)) return null;
  try {
    return /codedeploy/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ? pid : null;
  } catch {
    return null;
  }
}
