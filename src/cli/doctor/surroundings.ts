/** Environment, configuration and user of this machine's agent: those of its service, not those of the user who asks. */
import { resolve } from 'node:path';
import type { Properties } from '../service/properties.ts';
import type { Finding } from './check.ts';
import { configFileOf, type Environment, findService } from './service-environment.ts';

export interface Surroundings {
  /** As systemd shows the service; null: the agent is no service here, or the service runs with another configuration. */
  readonly service: Properties | null;
  /** The configuration that the service runs with, whichever is asked about; null: there is no service, or it names none. */
  readonly serviceConfigFile: string | null;
  readonly env: Environment;
  /** Owner of that environment. */
  readonly envOf: 'service' | 'caller';
  /** The user that the service runs as; null: there is no service, and the user who asks stands for it. */
  readonly user: string | null;
  readonly findings: readonly Finding[];
}

export const AGENT_SERVICE = 'slipway-agent';

/** @param wanted the configuration that was asked about, absolute; null: that of the service */
export async function findSurroundings(wanted: string | null, callerEnv: Environment): Promise<Surroundings> {
  const none = { service: null, env: callerEnv, envOf: 'caller', user: null, findings: [] } as const;
  const service = await findService(AGENT_SERVICE);
  if (service === null) return { ...none, serviceConfigFile: null };
  const serviceConfigFile = configFileOf(service.command);
  if (wanted !== null && serviceConfigFile !== null && resolve(wanted) !== resolve(serviceConfigFile)) {
    return { ...none, serviceConfigFile };
  }
  const { properties, env, user, findings } = service;
  return { service: properties, serviceConfigFile, env, envOf: 'service', user, findings };
}
