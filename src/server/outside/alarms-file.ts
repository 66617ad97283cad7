/** The file behind `--alarms`: what the names mean by which deployment groups call their alarms. */
import type { SlipwayError } from '../../errors.ts';
import type { KnownAlarm } from './alarms.ts';
import { createHttpCheck } from './http-check.ts';
import { invalidSettings, type NamedThing, readNamedSettings, type Settings } from './named-settings.ts';
import { createPrometheusAlarm } from './prometheus.ts';

export const ALARM: NamedThing = { one: 'an alarm', shownIn: 'docs/notices.md, “Alarms”,' };

const KEYS: Readonly<Record<string, readonly string[]>> = {
  prometheus: ['kind', 'url', 'query', 'above', 'below'],
  http: ['kind', 'url', 'status'],
  cloudwatch: ['kind', 'name', 'region'],
};

/**
 * Reads YAML or JSON: names, each with what it stands for.
 *
 * @param region where alarms of CloudWatch are that name none; null: they must
 * @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID naming the alarm and the key
 */
export function readAlarmsFile(file: string, region: string | null): ReadonlyMap<string, KnownAlarm> {
  return new Map(
    readNamedSettings(file, ALARM).map(([name, settings]): [string, KnownAlarm] => [
      name,
      alarmOf(settings, { name, region }, (key, why) => invalidSettings(file, ALARM, `${name}.${key} ${why}`)),
    ]),
  );
}

type Complaint = (key: string, why: string) => SlipwayError;

interface InCloudWatch {
  readonly name: string;
  readonly region: string | null;
}

function alarmOf(settings: Settings, byDefault: InCloudWatch, wrong: Complaint): KnownAlarm {
  const { kind, url, query, above, below, status = 200 } = settings;
  const keys = KEYS[String(kind)];
  if (keys === undefined) throw wrong('kind', 'must be prometheus, http or cloudwatch');
  const unknown = Object.keys(settings).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw wrong(unknown, 'is not known');
  if (kind === 'cloudwatch') return cloudWatchAlarm({ ...byDefault, ...settings }, wrong);
  if (typeof url !== 'string' || !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw wrong('url', 'must be an http:// or https:// address');
  }
  if (kind === 'http') {
    if (typeof status === 'number' && Number.isInteger(status) && status >= 100 && status <= 599) {
      return createHttpCheck({ url, status });
    }
    throw wrong('status', 'must be a status of HTTP, 100 to 599');
  }
  if (typeof query !== 'string' || query === '') throw wrong('query', 'must be a text that is not empty');
  const threshold = above ?? below;
  if (typeof threshold !== 'number' || (above !== undefined && below !== undefined)) {
    throw wrong('above', 'or below must be a number, and one of them alone');
  }
  return createPrometheusAlarm({ url, query, side: above === undefined ? 'below' : 'above', threshold });
}

const REGION = /^[a-z]{2}(-[a-z]{1,20}){1,3}-\d{1,2}$/;

function cloudWatchAlarm({ name, region }: Settings, wrong: Complaint): KnownAlarm {
  if (typeof name !== 'string' || name === '') throw wrong('name', 'must be the name that CloudWatch knows');
  if (region === null) throw wrong('region', 'is missing, and the server has no --aws-region');
  if (typeof region === 'string' && REGION.test(region)) return { name, region };
  throw wrong('region', 'must be a region of AWS, as eu-central-1 is');
}
