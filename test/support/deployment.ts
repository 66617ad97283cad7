import { writeFileSync } from 'node:fs';
import { loadAgentConfig } from '../../src/config/agent-config.ts';
import type { DeploymentContext } from '../../src/deployment/context.ts';
import { createDeploymentContext } from '../../src/deployment/create-context.ts';
import type { Logger } from '../../src/logging/logger.ts';
import type { DeploymentSpecification } from '../../src/protocol/specification.ts';
import { systemClock } from '../../src/system/clock.ts';
import type { ScratchFolder } from './scratch.ts';

/** A line that was logged: level, message, fields. */
export interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LoggedLines extends Logger {
  readonly lines: readonly LoggedLine[];
}

/** A logger that a test can read. */
export function collectingLogger(): LoggedLines {
  const lines: LoggedLine[] = [];
  const write =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      lines.push({ level, message, fields });
    };
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** The real context of a host whose deployment root is `root` in the scratch folder. */
export function deploymentContext(
  scratch: ScratchFolder,
  overrides: Partial<DeploymentContext> = {},
): DeploymentContext & { readonly log: LoggedLines } {
  const configFile = scratch.at('codedeployagent.yml');
  writeFileSync(configFile, `root_dir: ${scratch.at('root')}\nlog_dir: ${scratch.at('log')}\nmax_revisions: 2\n`);
  const log = collectingLogger();
  const context = createDeploymentContext(loadAgentConfig(configFile).config, {
    region: 'us-east-1',
    credentials: () => Promise.reject(new Error('no credentials in this test')),
    baseEnvironment: { PATH: process.env['PATH'], AWS_SECRET_ACCESS_KEY: 'secret' },
    clock: systemClock,
    log,
  });
  return { ...context, hookGraceMs: 200, ...overrides, log };
}

/** Specification that a server would send for a folder on this machine. */
export function specificationOf(
  folder: string,
  overrides: Partial<DeploymentSpecification> = {},
): DeploymentSpecification {
  return {
    deploymentId: 'd-ONE',
    deploymentGroupId: 'group-id',
    deploymentGroupName: 'Fleet',
    applicationName: 'Shop',
    deploymentCreator: 'user',
    deploymentType: 'IN_PLACE',
    appSpecFilename: 'appspec.yml',
    fileExistsBehavior: 'DISALLOW',
    allPossibleLifecycleEvents: null,
    reuseArchiveFromDeploymentId: null,
    gitHubAccessToken: null,
    revision: { revisionType: 'Local Directory', location: folder },
    ...overrides,
  };
}
