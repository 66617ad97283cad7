/** The licences of everything that a package carries: Slipway's own, those of its libraries, and Node's. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

/** @returns one text: a heading and the licence's text a library, in the order of their names */
export function licencesOf(project: string, nodeVersion: string, nodeLicence: string): string {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const libraries = Object.entries(lock.packages).filter(
    ([path, { dev, optional }]) => path !== '' && dev !== true && optional !== true,
  );
  const parts = libraries.map(([path, { version, license = 'no licence named' }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return heading(`${name} ${version} (${license})`) + textIn(join(project, path));
  });
  return [
    heading('Slipway (Apache-2.0)') + readFileSync(join(project, 'LICENSE'), 'utf8'),
    heading(`Node.js ${nodeVersion}, with the libraries that it is linked with`) + nodeLicence,
    ...parts,
  ].join('\n\n');
}

/** Some libraries name their licence and carry no text of it. */
function textIn(folder: string): string {
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
    : [];
  if (files.length === 0) return 'The package carries no text of its licence.\n';
  return files
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
}

function heading(title: string): string {
  return `${'='.repeat(78)}\n${title}\n${'='.repeat(78)}\n\n`;
}
