import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import type { ScratchFolder } from './scratch.ts';

/** A built program whose main file has the given text; `own` is the module of `src/system` that is tested. */
export function smallProgram(scratch: ScratchFolder, module: string, text: string): string {
  mkdirSync(scratch.at('dist/system'), { recursive: true });
  const source = readFileSync(new URL(`../../src/system/${module}.ts`, import.meta.url), 'utf8');
  writeFileSync(scratch.at('dist/system/own.mjs'), stripTypeScriptTypes(source));
  chmodSync(scratch.at('dist'), 0o755);
  const file = scratch.at('dist', 'main.mjs');
  writeFileSync(file, `import * as own from './system/own.mjs';\n${text}`);
  writeFileSync(scratch.at('dist', 'lazy.mjs'), 'export const lazy = true;');
  return file;
}
