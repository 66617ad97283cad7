/** How a deployment configuration goes from zone to zone: `zonalConfig`. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { MinimumHealthyHosts } from '../../engine/hosts/health.ts';
import type { ZonalSettings } from '../../engine/hosts/zones.ts';
import { DEPLOYMENT_LIMIT_MS } from '../../engine/limits.ts';
import type { Input } from '../context.ts';
import { quote, readObject, readText } from '../input.ts';

/** The member of the API's shape; what is absent was not given. */
export interface ZonalConfig {
  readonly firstZoneMonitorDurationInSeconds?: number;
  readonly monitorDurationInSeconds?: number;
  readonly minimumHealthyHostsPerZone?: { readonly type: 'HOST_COUNT' | 'FLEET_PERCENT'; readonly value: number };
}

const MEMBER = 'zonalConfig';
const MAX_PERCENT = 99;
/** Highest host count anywhere. */
const MAX_HOST_COUNT = 2 ** 31 - 1;
/** A deployment that waits longer is over before the wait is. */
const MAX_SECONDS = DEPLOYMENT_LIMIT_MS / 1000;

/** @returns null: absent @throws ApiError InvalidZonalDeploymentConfigurationException */
export function readZonalConfig(input: Input): ZonalConfig | null {
  const config = readObject(input, MEMBER);
  if (config === null) return null;
  const first = readSeconds(config, 'firstZoneMonitorDurationInSeconds');
  const monitor = readSeconds(config, 'monitorDurationInSeconds');
  const minimum = readMinimum(config);
  return {
    ...(first === null ? {} : { firstZoneMonitorDurationInSeconds: first }),
    ...(monitor === null ? {} : { monitorDurationInSeconds: monitor }),
    ...(minimum === null ? {} : { minimumHealthyHostsPerZone: minimum }),
  };
}

/** @param tagKey the tag whose value is a host's zone */
export function zonalSettings(config: ZonalConfig, tagKey: string): ZonalSettings {
  const monitor = config.monitorDurationInSeconds ?? 0;
  const minimumPerZone: MinimumHealthyHosts = config.minimumHealthyHostsPerZone ?? { type: 'FLEET_PERCENT', value: 0 };
  const firstMonitorMs = (config.firstZoneMonitorDurationInSeconds ?? monitor) * 1000;
  return { tagKey, minimumPerZone, firstMonitorMs, monitorMs: monitor * 1000 };
}

function readSeconds(config: Input, member: string): number | null {
  const value = config[member];
  if (value === undefined || value === null) return null;
  if (isWhole(value, MAX_SECONDS)) return value;
  throw invalid(`${MEMBER}.${member} must be whole seconds from 0 to ${MAX_SECONDS}, but is ${JSON.stringify(value)}.`);
}

function readMinimum(config: Input): NonNullable<ZonalConfig['minimumHealthyHostsPerZone']> | null {
  const minimum = readObject(config, 'minimumHealthyHostsPerZone');
  if (minimum === null) return null;
  const path = `${MEMBER}.minimumHealthyHostsPerZone`;
  const type = readText(minimum, 'type');
  const { value } = minimum;
  if (type !== 'HOST_COUNT' && type !== 'FLEET_PERCENT') {
    throw invalid(`${path}.type must be HOST_COUNT or FLEET_PERCENT, but is ${quote(type ?? '')}.`);
  }
  const most = type === 'FLEET_PERCENT' ? MAX_PERCENT : MAX_HOST_COUNT;
  if (isWhole(value, most)) return { type, value };
  throw invalid(`${path}.value must be a whole number from 0 to ${most}, but is ${JSON.stringify(value ?? null)}.`);
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

function invalid(why: string): ApiError {
  return new ApiError('InvalidZonalDeploymentConfigurationException', why);
}
