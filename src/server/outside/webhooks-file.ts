/** The file behind `--webhooks`: where notices go by what the triggers of deployment groups call their targets. */
import { readFileSync } from 'node:fs';
import { messageOf, SlipwayError } from '../../errors.ts';
import type { Clock } from '../../system/clock.ts';
import { fileFault } from '../../system/system-remedies.ts';
import { readAuthorities } from '../../system/trust.ts';
import { invalidSettings, type NamedThing, readNamedSettings, type Settings } from './named-settings.ts';
import type { SendNotice } from './notice-target.ts';
import { createWebhookSink } from './webhook-sink.ts';

export const WEBHOOK: NamedThing = { one: 'a webhook', shownIn: 'docs/notices.md, “Triggers”,' };

const KEYS: readonly string[] = ['url', 'secret', 'secretFile', 'caFile'];
/** Goes into a header of every request. */
const NAME = /^[\x21-\x7e]{1,256}$/;
const MIN_SECRET = 16;

/**
 * Reads YAML or JSON: names or ARNs, each with its address and its secret.
 *
 * @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID naming the webhook and the key
 */
export function readWebhooksFile(file: string, clock: Pick<Clock, 'now'>): ReadonlyMap<string, SendNotice> {
  return new Map(
    readNamedSettings(file, WEBHOOK).map(([name, settings]): [string, SendNotice] => {
      const wrong = (key: string, why: string) => invalidSettings(file, WEBHOOK, `${name}.${key} ${why}`);
      if (!NAME.test(name)) {
        throw invalidSettings(file, WEBHOOK, `${name} must be 1 to 256 characters of ASCII without blanks`);
      }
      return [name, createWebhookSink(settingsOf(settings, wrong), clock)];
    }),
  );
}

function settingsOf(settings: Settings, wrong: (key: string, why: string) => SlipwayError) {
  const unknown = Object.keys(settings).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw wrong(unknown, 'is not known');
  const { url, secret, secretFile, caFile } = settings;
  if (typeof url !== 'string' || !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw wrong('url', 'must be an http:// or https:// address');
  }
  const isPath = (value: unknown) => value === undefined || (typeof value === 'string' && value !== '');
  if (!isPath(secretFile)) throw wrong('secretFile', 'must be a path');
  if (!isPath(caFile)) throw wrong('caFile', 'must be a path');
  const known = typeof secretFile === 'string' ? readSecret(secretFile) : secret;
  if (typeof known !== 'string' || known.length < MIN_SECRET) {
    throw wrong('secret', `must have ${MIN_SECRET} characters or more`);
  }
  const authorities =
    typeof caFile === 'string' ? readAuthorities({ env: {}, caFile, caFileFrom: 'caFile of the webhook' }) : [];
  return { url, secret: known, authorities };
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new SlipwayError('CONFIG_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, fileFault(cause));
  }
}
