/** The file behind `--alarms`: what the names mean by which deployment groups call their alarms. */
import type { SlipwayError } from '../../errors.ts';
import type { Alarm, Alarms } from './alarm.ts';
import { createHttpCheck } from './http-check.ts';
import { invalidSettings, type NamedThing, readNamedSettings, type Settings } from './named-settings.ts';
import { createPrometheusAlarm } from './prometheus.ts';

const ALARM: NamedThing = { one: 'an alarm', section: 'Alarms' };

const KEYS: Readonly<Record<string, readonly string[]>> = {
  prometheus: ['kind', 'url', 'query', 'above', 'below'],
  http: ['kind', 'url', 'status'],
};

/**
 * Reads YAML or JSON: names, each with what it stands for.
 *
 * @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID naming the alarm and the key
 */
export function readAlarmsFile(file: string): Alarms {
  return new Map(
    readNamedSettings(file, ALARM).map(([name, settings]): [string, Alarm] => [
      name,
      alarmOf(settings, (key, why) => invalidSettings(file, ALARM, `${name}.${key} ${why}`)),
    ]),
  );
}

function alarmOf(settings: Settings, wrong: (key: string, why: string) => SlipwayError): Alarm {
  const { kind, url, query, above, below, status = 200 } = settings;
  const keys = KEYS[String(kind)];
  if (keys === undefined) throw wrong('kind', 'must be prometheus or http');
  const unknown = Object.keys(settings).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw wrong(unknown, 'is not known');
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
