import { describe, expect, test } from 'vitest';
import { killProcessesOf } from '../../src/hooks/hook-processes.ts';
import { runLifecycleEvent } from '../../src/hooks/run-event.ts';
import {
  createHookScopes,
  inScope,
  isInScope,
  scopeFolders,
  scopePrefix,
  sessionScope,
} from '../../src/hooks/scope.ts';
import { createScriptLog } from '../../src/hooks/script-log.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { openRotatingFile } from '../../src/logging/rotating-file.ts';
import { systemClock } from '../../src/system/clock.ts';
import { scratchFolder } from '../support/scratch.ts';
import { writeScript } from '../support/scripts.ts';

const ID = 'a command/with:anything in it';

describe('the scope of a hook', () => {
  test('has a name that systemd takes, and that the identifier alone gives', () => {
    const scope = createHookScopes('on', {}, () => {}).scopeFor(ID, 3, 'a hook');
    expect(scope?.unit).toMatch(/^slipway-hook-[0-9a-f]{20}-3\.scope$/);
    expect(scope?.unit.startsWith(scopePrefix(ID))).toBe(true);
    expect(scopePrefix('another')).not.toBe(scopePrefix(ID));
  });

  test('is wanted only where the agent is a service, unless told otherwise', () => {
    expect(createHookScopes('auto', {}, () => {}).scopeFor(ID, 0, '')).toBeNull();
    expect(createHookScopes('off', { INVOCATION_ID: 'x' }, () => {}).scopeFor(ID, 0, '')).toBeNull();
  });

  test('is found in every kind of hierarchy, also from a group below it', () => {
    const unit = `${scopePrefix(ID)}0.scope`;
    for (const groups of [
      `0::/system.slice/${unit}\n`,
      `1:name=systemd:/system.slice/${unit}\n0::/system.slice/${unit}\n`,
      `0::/machine/system.slice/${unit}/below\n`,
    ]) {
      expect(isInScope(groups, unit)).toBe(true);
      expect(isInScope(groups, scopePrefix(ID))).toBe(true);
      expect(isInScope(groups, scopePrefix('another'))).toBe(false);
    }
    expect(scopeFolders(`0::/no/such/${unit}\n`, unit)).toEqual([]);
  });

  test('is left for a session by su, which is found as well', () => {
    expect(sessionScope('1:name=systemd:/user.slice/user-1000.slice/session-c1.scope\n0::/\n')).toBe(
      'session-c1.scope',
    );
    expect(sessionScope('0::/system.slice/slipway-agent.service\n')).toBeNull();
  });

  test('keeps arguments as they are', () => {
    const scope = { unit: 'slipway-hook-x-0.scope', description: 'a; b' };
    const { file, args } = inScope(scope, { file: '/a b', args: ['$(c)', "d'"] });
    expect([file, ...args.slice(-3)]).toEqual(['systemd-run', '/a b', '$(c)', "d'"]);
  });
});

describe('where systemd gives no scope', () => {
  /** A `systemd-run` that refuses comes first on the PATH; it is what a script's environment decides. */
  async function runWithout(mode: 'auto' | 'on', folder: string, onRefused: (why: string) => void) {
    const bin = writeScript(`${folder}/bin/systemd-run`, '#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1');
    writeScript(`${folder}/a.sh`, '#!/bin/sh\necho it runs');
    const log = openRotatingFile(`${folder}/logs/scripts.log`, (error) => expect.fail(String(error)));
    const scriptLog = createScriptLog(
      { scripts: log, deployments: null, scriptsPath: 'scripts.log' },
      'd-TEST',
      systemClock,
    );
    const service = createHookScopes(mode, {}, onRefused);
    const scope = { unit: `${scopePrefix('marker')}0.scope`, description: 'a hook' };
    let isRefused = false;
    const outcome = await runLifecycleEvent(
      {
        ...{ clock: systemClock, log: silentLogger, graceMs: 200, outputGraceMs: 5_000, outputPolicy: 'detach' },
        scopes: {
          isEnabled: () => !isRefused,
          scopeFor: () => (isRefused ? null : scope),
          refused(why) {
            isRefused = true;
            onRefused(why);
            return service.refused(why);
          },
        },
      },
      {
        ...{ event: 'AfterInstall', archiveDir: folder, logsDir: `${folder}/logs`, scriptLog },
        hooks: [0, 1].map(() => ({ location: 'a.sh', timeoutSeconds: 20, runas: null, sudo: false })),
        environment: {
          PATH: `${bin.replace('/systemd-run', '')}:${process.env['PATH']}`,
          SLIPWAY_HOST_COMMAND: 'marker',
        },
      },
    );
    log.close();
    await killProcessesOf(systemClock, 'marker');
    return { outcome, tail: scriptLog.tail() };
  }

  test('the hook runs without, once systemd’s words are passed on', async () => {
    using scratch = scratchFolder();
    const said: string[] = [];
    const { outcome, tail } = await runWithout('auto', scratch.path, (why) => said.push(why));
    expect(outcome).toEqual({ outcome: 'succeeded' });
    expect(said).toEqual(['Failed to connect to bus']);
    expect(tail.match(/it runs/g)).toHaveLength(2);
  });

  test('the hook does not run where scopes are insisted upon', async () => {
    using scratch = scratchFolder();
    const { outcome, tail } = await runWithout('on', scratch.path, () => {});
    expect(outcome).toMatchObject({ outcome: 'failed', why: expect.stringContaining('Failed to connect to bus') });
    expect(tail).not.toContain('it runs');
  });
});
