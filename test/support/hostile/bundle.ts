import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOSTILE, HOSTILE_ARGUMENT, HOSTILE_NAME, ORDERS } from './text.ts';

/**
 * A bundle whose names and texts are orders,. Its script prints them and fails.
 *
 * @param folder where it is made, and where it installs to
 * @param name of the bundle's folder
 * @returns the bundle's folder; `broken.yml` in it is another AppSpec file, with errors
 */
export function hostileBundle(folder: string, name: string): string {
  const root = join(folder, name);
  mkdirSync(root);
  writeFileSync(join(root, HOSTILE_NAME), 'x');
  const orders = ORDERS.map((order) => `printf '%s\\n' '${order.replaceAll(/['\0]/g, '')}'`).join('\n');
  const script = `#!/bin/sh\n${orders}\n(${orders.replaceAll('\n', ';')}) >&2\nexit 3\n`;
  writeFileSync(join(root, 'hook.sh'), script, { mode: 0o755 });
  const destination = join(folder, `destination ${HOSTILE_NAME}`);
  const spec = {
    version: 0,
    os: 'linux',
    files: [{ source: HOSTILE_NAME, destination }],
    hooks: { AfterInstall: [{ location: 'hook.sh', timeout: 20 }] },
  };
  const broken = {
    ...spec,
    [HOSTILE]: HOSTILE,
    files: [...spec.files, { source: HOSTILE_ARGUMENT, destination: HOSTILE_ARGUMENT }],
    hooks: {
      ...spec.hooks,
      BeforeInstall: [{ location: HOSTILE_ARGUMENT, runas: HOSTILE_ARGUMENT }],
      [HOSTILE]: [{ location: HOSTILE_ARGUMENT }],
    },
  };
  writeFileSync(join(root, 'appspec.yml'), escapedJson(spec));
  writeFileSync(join(root, 'broken.yml'), escapedJson(broken));
  return root;
}

/** JSON lets these characters stand as they are, and YAML does not: a parser would refuse the whole file because of them. */
function escapedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\x7f-\x9f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
