import { readFileSync } from 'node:fs';

/** The version of this package, from its own package.json: the same file in a checkout and in a published package. */
export function packageVersion(): string {
  // src/cli/program.ts in a checkout; dist/cli/main.js, which has it bundled, in a package: both are two folders below.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
