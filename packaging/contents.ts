/** Places of all files in a package, whatever its format. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Entry, textEntry } from './entry.ts';
import { fileOf, type Page, renderPage } from './manual/roff.ts';
import type { Runtime } from './runtime.ts';

const HOME = '/usr/lib/slipway';
/** The program as the package brings it. It runs from a copy for its version alone: see `files/after-install`. */
export const PROGRAM = `${HOME}/program`;
/** Leads to the copy of the version that is installed. */
const CURRENT = `${HOME}/current`;
const DOCS = '/usr/share/doc/slipway';

export interface Texts {
  readonly pages: readonly Page[];
  readonly completions: { readonly bash: string; readonly zsh: string; readonly fish: string };
  readonly agentConfiguration: string;
  readonly serverSettings: string;
  readonly licences: string;
  readonly debianChangelog: string;
  /** CycloneDX, as JSON. */
  readonly billOfMaterials: string;
}

/** @param program the folder of the built program */
export function contentsOf(
  project: string,
  program: string,
  version: string,
  runtime: Runtime,
  texts: Texts,
): readonly Entry[] {
  const read = (path: string) => readFileSync(join(project, path), 'utf8');
  const entries: Entry[] = [
    { path: `${PROGRAM}/runtime/slipway-node`, mode: 0o755, content: { from: runtime.program } },
    // By its own path: neither the machine's Node nor the PATH has a say.
    textEntry(
      `${PROGRAM}/bin/slipway.js`,
      read('bin/slipway.js').replace(/^#!.*/, `#!${CURRENT}/runtime/slipway-node`),
      0o755,
    ),
    textEntry(`${PROGRAM}/package.json`, `${JSON.stringify({ name: 'slipway', version, type: 'module' })}\n`),
    textEntry(`${PROGRAM}/id`, `${programId(program, version, runtime)}\n`),
    ...filesBelow(program, `${PROGRAM}/dist`),
    ...filesBelow(join(project, 'schema'), `${PROGRAM}/schema`),
    // Templates of `agent install` and `server install`, for those who want a unit of their own.
    ...filesBelow(join(project, 'systemd'), `${PROGRAM}/systemd`),
    ...['after-install', 'before-remove', 'remove-old-programs'].map((name) =>
      textEntry(`${HOME}/scripts/${name}`, read(`packaging/files/${name}`), 0o755),
    ),
    { path: '/usr/bin/slipway', mode: 0o777, content: { linkTo: '../lib/slipway/current/bin/slipway.js' } },
    ...['slipway-agent.service', 'slipway-server.service'].map((unit) =>
      textEntry(`/lib/systemd/system/${unit}`, packagedUnit(read(`systemd/${unit}`))),
    ),
    textEntry('/usr/lib/sysusers.d/slipway.conf', 'u slipway - "Slipway control server" - -\n'),
    textEntry('/usr/share/slipway/codedeployagent.yml', texts.agentConfiguration),
    textEntry('/usr/share/slipway/server.env', texts.serverSettings),
    ...texts.pages.map((page) => ({
      path: `/usr/share/man/man${page.section}/${fileOf(page)}.gz`,
      mode: 0o644,
      content: { bytes: gzipped(renderPage(page, `slipway ${version}`)) },
    })),
    textEntry('/usr/share/bash-completion/completions/slipway', texts.completions.bash),
    textEntry('/usr/share/zsh/vendor-completions/_slipway', texts.completions.zsh),
    textEntry('/usr/share/fish/vendor_completions.d/slipway.fish', texts.completions.fish),
    textEntry(`${DOCS}/copyright`, read('packaging/files/copyright')),
    { path: `${DOCS}/licences.gz`, mode: 0o644, content: { bytes: gzipped(texts.licences) } },
    { path: `${DOCS}/changelog.gz`, mode: 0o644, content: { bytes: gzipped(texts.debianChangelog) } },
    textEntry(`${DOCS}/CHANGELOG.md`, read('CHANGELOG.md')),
    textEntry(`${DOCS}/README.md`, read('README.md')),
    textEntry(`${DOCS}/slipway.cdx.json`, texts.billOfMaterials),
    ...filesBelow(join(project, 'docs'), `${DOCS}/docs`),
    textEntry('/usr/share/lintian/overrides/slipway', read('packaging/files/lintian-overrides')),
  ];
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Its head speaks of `agent install`, which has written nothing here. Once the new version runs, nobody may need the one before. */
function packagedUnit(template: string): string {
  return template
    .replace(/^(#.*\n)+/, '')
    .replace(/^ExecStart=/m, `ExecStartPre=-+${HOME}/scripts/remove-old-programs\nExecStart=`);
}

/** Another one for each program that differs, so that no two share a folder. */
function programId(program: string, version: string, runtime: Runtime): string {
  const hash = createHash('sha256').update(runtime.version);
  for (const { path, content } of filesBelow(program, '')) {
    hash.update(`\0${path}\0`).update('from' in content ? readFileSync(content.from) : '');
  }
  return `${version}-${hash.digest('hex').slice(0, 12)}`;
}

function filesBelow(folder: string, to: string): readonly Entry[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort()
    .map((name) => ({ path: `${to}/${name}`, mode: 0o644, content: { from: join(folder, name) } }));
}

/** Without the hour: Node writes none into the head. */
function gzipped(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}
