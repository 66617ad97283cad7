/** Where an official agent keeps its things, and where this command keeps what it replaces. Pure. */
import { join } from 'node:path';

/** @see the official agents' packages, 1.x and 2.x, for Debian and RPM */
const OFFICIAL = {
  programs: ['/opt/codedeploy-agent/bin/codedeploy-agent', '/usr/bin/codedeploy-agent'],
  units: [
    '/etc/systemd/system/codedeploy-agent.service',
    '/lib/systemd/system/codedeploy-agent.service',
    '/usr/lib/systemd/system/codedeploy-agent.service',
    '/etc/init.d/codedeploy-agent',
  ],
  /** Puts the newest official agent in place and starts it. */
  updaters: ['/etc/cron.d/codedeploy-agent-update'],
  dropIns: '/etc/systemd/system/codedeploy-agent.service.d',
  configFile: '/etc/codedeploy-agent/conf/codedeployagent.yml',
  /** 1.x looks here when the other one is missing. */
  olderConfigFile: '/opt/codedeploy-agent/conf/codedeployagent.yml',
} as const;

export type OfficialPlaces = {
  readonly [Name in keyof typeof OFFICIAL]: (typeof OFFICIAL)[Name] extends string ? string : readonly string[];
};

/** @param root `/`, or the folder that another machine's file system is mounted at */
export function officialPlaces(root: string): OfficialPlaces {
  const at = (path: string) => join(root, path);
  const { programs, units, updaters, dropIns, configFile, olderConfigFile } = OFFICIAL;
  return {
    programs: programs.map(at),
    units: units.map(at),
    updaters: updaters.map(at),
    ...{ dropIns: at(dropIns), configFile: at(configFile), olderConfigFile: at(olderConfigFile) },
  };
}

/** Beside the configuration, for root alone: the on-premises file has a key in it. */
export function keptFolder(root: string): string {
  return join(root, '/etc/codedeploy-agent/before-slipway');
}
