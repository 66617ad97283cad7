import { describe, expect, test } from 'vitest';
import { choicesFor } from '../../src/console/pages/deployment/choices.ts';
import type { DeploymentInfo } from '../../src/console/view/deployments.ts';

const info = (status: DeploymentInfo['status'], more: Partial<DeploymentInfo> = {}): DeploymentInfo => ({
  deploymentId: 'd-ABCDEF123',
  applicationName: 'shop',
  deploymentGroupName: 'fleet',
  status,
  revision: { revisionType: 'S3', s3Location: { bucket: 'b', key: 'new.zip' } },
  ...more,
});
const names = (deployment: DeploymentInfo, may: (operation: string) => boolean = () => true) =>
  choicesFor(deployment, may).map(({ name }) => name);

describe('what can be done about a deployment', () => {
  test.each<[string, DeploymentInfo, string[]]>([
    ['that runs', info('InProgress'), ['stop', 'stop-roll-back', 'stop-now']],
    ['whose replacement hosts wait', info('Ready'), ['continue', 'stop', 'stop-roll-back', 'stop-now']],
    [
      'that waits before it ends its original hosts',
      info('InProgress', { instanceTerminationWaitTimeStarted: true }),
      ['skip-wait', 'stop', 'stop-roll-back', 'stop-now'],
    ],
    ['that has ended', info('Succeeded'), ['retry']],
    [
      'that has failed after another one',
      info('Failed', { previousRevision: { revisionType: 'S3', s3Location: { bucket: 'b', key: 'old.zip' } } }),
      ['retry', 'roll-back'],
    ],
  ])('%s', (_what, deployment, expected) => {
    expect(names(deployment)).toEqual(expected);
  });

  test('is nothing for a key that may only look', () => {
    for (const status of ['InProgress', 'Ready', 'Failed'] as const)
      expect(names(info(status), () => false)).toEqual([]);
  });

  test('is what the key may', () => {
    expect(names(info('InProgress'), (operation) => operation === 'StopDeploymentNow')).toEqual(['stop-now']);
  });
});
