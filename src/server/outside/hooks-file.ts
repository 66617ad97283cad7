/** The file behind `--hooks`: webhooks and programs that AppSpec files of Lambda and ECS name in place of functions. */
import type { Clock } from '../../system/clock.ts';
import { readAuthorities } from '../../system/trust.ts';
import type { FindHook, KnownHook } from './hook-caller.ts';
import { createProgramHook } from './hook-program.ts';
import { createWebhookHook } from './hook-webhook.ts';
import { invalidSettings, type NamedThing, readNamedSettings } from './named-settings.ts';
import { createReader, type Reader } from './settings-reader.ts';

const HOOK: NamedThing = { one: 'a hook', shownIn: 'docs/platforms.md, “Webhooks and programs as hooks”,' };

/** As an AppSpec file names a function: a name, or a full ARN, with a version or an alias behind it or without. */
const NAME =
  /^(?:arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9_-]{1,128}(?::(?:\$LATEST|[A-Za-z0-9_-]{1,128}))?$/;
/** An AppSpec file that begins a name so means a hook of the file, and never a function. */
const OF_FILE = 'hook:';

/** As long as a function may run. */
const LIMIT_SECONDS = 900;

/**
 * Reads YAML or JSON: names as AppSpec files have them, each with what it stands for.
 *
 * @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID naming the hook and the key
 */
export function readHooksFile(file: string, clock: Pick<Clock, 'now'>): ReadonlyMap<string, KnownHook> {
  return new Map(
    readNamedSettings(file, HOOK).map(([name, settings]): [string, KnownHook] => {
      if (!NAME.test(name) || name.startsWith(OF_FILE)) {
        const why = `${name} must be a name of letters, digits, _ and -, or the ARN of the function that it stands for`;
        throw invalidSettings(file, HOOK, why);
      }
      return [name, hookOf(name, createReader({ file, thing: HOOK, name, settings }), clock)];
    }),
  );
}

function hookOf(name: string, read: Reader, clock: Pick<Clock, 'now'>): KnownHook {
  const kind = read.text('kind');
  const limitMs = read.positiveSeconds('limitSeconds', LIMIT_SECONDS) * 1000;
  switch (kind) {
    case 'webhook': {
      const caFile = read.has('caFile') ? read.path('caFile') : null;
      const authorities =
        caFile === null ? [] : readAuthorities({ env: {}, caFile, caFileFrom: `caFile of the hook ${name}` });
      const receiver = { url: read.url('url'), secret: read.secret(), authorities };
      if (URL.parse(receiver.url) === null) throw read.wrong('url', 'must be an http:// or https:// address');
      return read.done(createWebhookHook(name, receiver, limitMs, clock));
    }
    case 'program': {
      const program = { command: read.command('command'), limitMs, mayRunAgain: read.flag('mayRunAgain') };
      return read.done(createProgramHook(name, program));
    }
    default:
      throw read.wrong('kind', 'must be webhook or program');
  }
}

/** A name that the file has means its hook; `hook:NAME` never means anything else. Every other name is a function's. */
export function findHookBy(
  hooks: ReadonlyMap<string, KnownHook>,
  functionHook: (functionName: string) => KnownHook,
): FindHook {
  return (name) =>
    name.startsWith(OF_FILE)
      ? (hooks.get(name.slice(OF_FILE.length)) ?? null)
      : (hooks.get(name) ?? functionHook(name));
}
