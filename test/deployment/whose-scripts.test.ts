import { describe, expect, test } from 'vitest';
import { whoseScripts } from '../../src/deployment/whose-scripts.ts';
import { HOOK_EVENTS } from '../../src/protocol/lifecycle-events.ts';

const NORMAL = { deploymentCreator: 'user', deploymentType: 'IN_PLACE' } as const;
const ROLLBACK = { deploymentCreator: 'codeDeployRollback', deploymentType: 'BLUE_GREEN' } as const;

describe('whose scripts an event runs, when the deployment’s own revision is not there', () => {
  test.each([
    ['BeforeBlockTraffic', 'last-successful', 'most-recent'],
    ['AfterBlockTraffic', 'last-successful', 'most-recent'],
    ['ApplicationStop', 'last-successful', 'last-successful'],
    ['BeforeInstall', 'current', 'current'],
    ['AfterInstall', 'current', 'current'],
    ['ApplicationStart', 'current', 'current'],
    ['ValidateService', 'current', 'current'],
    ['BeforeAllowTraffic', 'current', 'last-successful'],
    ['AfterAllowTraffic', 'current', 'last-successful'],
    ['MyOwnEvent', 'current', 'current'],
  ])('%s: %s; in a blue/green rollback %s', (event, normal, rollback) => {
    expect(whoseScripts(event, NORMAL)).toBe(normal);
    expect(whoseScripts(event, ROLLBACK)).toBe(rollback);
  });

  test('only a rollback that is also blue/green is one', () => {
    for (const event of HOOK_EVENTS) {
      for (const deployment of [
        { ...ROLLBACK, deploymentType: 'IN_PLACE' },
        { ...ROLLBACK, deploymentCreator: 'CloudFormationRollback' },
        { ...ROLLBACK, deploymentCreator: 'CODEDEPLOYROLLBACK' },
      ] as const) {
        expect(whoseScripts(event, deployment)).toBe(whoseScripts(event, NORMAL));
      }
    }
  });
});
