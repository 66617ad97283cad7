/** Bundles the program for a published package: `npm run build` writes `dist/`. A checkout needs none; it runs the sources. */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: { 'cli/main': 'src/cli/main.ts', 'agent/executor': 'src/agent/executor/main.ts' },
  outdir: 'dist',
  bundle: true,
  // What is loaded lazily stays a file of its own, so that a start reads only what it needs.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  legalComments: 'none',
  external: ['pg-native'],
  // Some libraries are CommonJS and ask for Node's own modules by `require`.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
});
