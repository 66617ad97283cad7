/** Plan of the takeover of an official agent, step by step. Pure. */
import { SlipwayError } from '../../errors.ts';
import type { OfficialAgent } from './facts.ts';
import { officialPlaces } from './places.ts';

export type Step =
  /** A copy for the way back. */
  | { readonly kind: 'keep'; readonly file: string }
  | { readonly kind: 'copy'; readonly from: string; readonly to: string }
  | { readonly kind: 'set-aside'; readonly file: string }
  | { readonly kind: 'stop'; readonly unit: 'codedeploy-agent' }
  | { readonly kind: 'start'; readonly unit: 'slipway-agent' };

export interface MigrationPlan {
  readonly found: readonly string[];
  readonly steps: readonly Step[];
  /** Notes for the operator about what no step changes. */
  readonly notes: readonly string[];
}

/** @throws SlipwayError CLI_MIGRATION_REFUSED when it cannot be taken over, or not now */
export function planMigration(agent: OfficialAgent, root: string): MigrationPlan {
  refuseUnlessPossible(agent);
  const { configFile, onPremisesArn, onPremisesFile, isOlderPlace, units, updaters, version, versionFile } = agent;
  const kept = [
    ...(configFile === null ? [] : [configFile]),
    ...(onPremisesArn === null ? [] : [onPremisesFile]),
    ...(version === null ? [] : [versionFile]),
  ];
  return {
    found: foundLines(agent),
    steps: [
      ...kept.map((file) => ({ kind: 'keep', file }) as const),
      ...(units.length === 0 ? [] : [{ kind: 'stop', unit: 'codedeploy-agent' } as const]),
      ...updaters.map((file) => ({ kind: 'set-aside', file }) as const),
      ...(configFile !== null && isOlderPlace
        ? [{ kind: 'copy', from: configFile, to: officialPlaces(root).configFile } as const]
        : []),
      { kind: 'start', unit: 'slipway-agent' },
    ],
    notes: notesOf(agent),
  };
}

function refuseUnlessPossible({ programs, units, configFile, groups, isTakenOver, ongoing, pid }: OfficialAgent): void {
  if (isTakenOver) {
    throw refused('the official agent of this machine has been taken over already', {
      remedy: '`slipway migrate-from-codedeploy --undo` goes back.',
    });
  }
  if (programs.length + units.length + groups.length === 0 && configFile === null) {
    throw refused(
      'there is no official agent on this machine: neither program nor service, configuration or deployments',
      {
        remedy: '`slipway register` makes a host of a machine that has none.',
      },
    );
  }
  if (pid !== null && ongoing.length > 0) {
    throw refused(`the official agent (PID ${pid}) is in the middle of ${ongoing.join(', ')}`, {
      remedy: 'Wait for the end of the deployment, or stop it, and run the command again.',
    });
  }
}

function foundLines(agent: OfficialAgent): readonly string[] {
  const { version, units, configFile, onPremisesArn, deploymentRoot, groups, pid } = agent;
  const service = units.length === 0 ? 'no service' : `the service ${units.join(', ')}`;
  return [
    `official agent ${version ?? 'of unknown version'}, ${pid === null ? 'not running' : `running as PID ${pid}`}, with ${service}`,
    configFile === null ? 'no configuration file: it runs with its defaults' : `configuration ${configFile}`,
    onPremisesArn === null ? 'no on-premises file: the host is on EC2' : `on-premises host ${onPremisesArn}`,
    `${groups.length} deployment ${groups.length === 1 ? 'group' : 'groups'} in ${deploymentRoot}`,
  ];
}

function notesOf({ warnings, dropIns, ongoing, config, programs }: OfficialAgent): readonly string[] {
  return [
    ...warnings,
    ...(dropIns.length === 0
      ? []
      : [
          `${dropIns.join(', ')} will change the new service, too, which has that name as an alias: look what is in it`,
        ]),
    ...(ongoing.length === 0 ? [] : [`${ongoing.join(', ')} was cut off; the new agent reports it as failed`]),
    config.deployControlEndpoint === null
      ? 'the host goes on taking its deployments from AWS; `slipway register --force` moves it to a server of your own'
      : `the host goes on taking its deployments from ${config.deployControlEndpoint}`,
    ...(programs.length === 0
      ? []
      : [
          'a removal of the official package stops codedeploy-agent, which is the new service by then: start slipway-agent after it',
        ]),
  ];
}

/** For people: one line a step. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'keep':
      return `keep a copy of ${step.file}`;
    case 'copy':
      return `copy ${step.from} to ${step.to}`;
    case 'set-aside':
      return `set ${step.file} aside: it would put the official agent back`;
    case 'stop':
      return `stop the service ${step.unit}, and start it no more with the machine`;
    case 'start':
      return `start the service ${step.unit}, now and with the machine`;
    default:
      return step satisfies never;
  }
}

export function refused(message: string, { remedy }: { readonly remedy: string }): SlipwayError {
  return new SlipwayError('CLI_MIGRATION_REFUSED', message, { remedy });
}
