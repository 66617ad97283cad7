/** The person who answers for a package: Debian wants a name and an address. */
import { run } from './run.ts';

/** @returns `NAME <ADDRESS>`: of DEBFULLNAME and DEBEMAIL, as Debian's own tools have it, else of the commit that is packaged */
export function maintainerOf(project: string, environment: Readonly<Record<string, string | undefined>>): string {
  const { DEBFULLNAME: name, DEBEMAIL: address } = environment;
  if (name !== undefined && address !== undefined) return `${name} <${address}>`;
  return run('git', ['-C', project, 'log', '-1', '--format=%an <%ae>'], 'git');
}

/** Debian's form of a changelog, with the one entry that leads to the real one. Pure. */
export function debianChangelog(version: string, maintainer: string, timeSeconds: number): string {
  const date = new Date(timeSeconds * 1000).toUTCString().replace('GMT', '+0000');
  return `slipway (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${maintainer}  ${date}\n`;
}
