/**
 * Bundles the program for a published package: `npm run build` writes `dist/`. A checkout needs none; it runs the sources. The bench bundles
 * what it measures in the same way.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import packageFile from './package.json' with { type: 'json' };
import { BUILD_FILE, type BuildRecord, commitOf } from './src/cli/build-record.ts';

/** Parts that the command line loads as bundles of their own, and the errors, whose classes must be the same in all of these. */
const APART: Readonly<Record<string, string>> = {
  'shared/errors': 'src/errors.ts',
  'agent/main': 'src/agent/main.ts',
  'local/deploy': 'src/cli/local-deploy.ts',
};

/** Programs that the others start as threads, from beside the folder that they lie in. */
const THREADS: Readonly<Record<string, string>> = {
  'install/second-thread': 'src/install/second-thread-main.ts',
  'archive/second-writer': 'src/archive/second-writer-main.ts',
  'server/look-inside': 'src/server/work/look-inside/thread-main.ts',
};

/** Packages that only those install who have something in AWS. */
const OPTIONAL_PACKAGES = Object.keys(packageFile.peerDependencies);

if (import.meta.main) {
  await buildPackage('dist');
  const record: BuildRecord = { packing: 'npm', commit: commitOf(import.meta.dirname) };
  writeFileSync(join(import.meta.dirname, BUILD_FILE), `${JSON.stringify(record)}\n`);
}

/** Builds the console into a folder of its own, as `npm run build:console` does for a checkout. */
async function buildConsole(outDir: string): Promise<void> {
  const { build } = await import('vite');
  const configFile = join(import.meta.dirname, 'src/console/vite.config.ts');
  await build({ configFile, logLevel: 'warn', build: { outDir } });
}

/** Files of a published package, in place of those that stood in the folder. */
export async function buildPackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await buildPrograms(folder);
  await buildConsole(resolve(import.meta.dirname, folder, 'console'));
}

/** Everything of a package that Node runs. Without the console, which takes most of a build's time. */
export async function buildPrograms(folder: string): Promise<void> {
  // Each on its own: of what two programs share every piece becomes a file, and an executor would look for eighty at each start.
  for (const [name, source] of Object.entries({ ...APART, 'cli/main': 'src/cli/main.ts' })) {
    await bundle({ [name]: source }, folder, [apart(source)]);
  }
  await bundle({ 'agent/executor': 'src/agent/executor/main.ts' }, folder);
  await bundleThreads(folder);
}

/** Each on its own, as above. */
export async function bundleThreads(folder: string): Promise<void> {
  for (const [name, source] of Object.entries(THREADS)) await bundle({ [name]: source }, folder);
}

/**
 * @param entryPoints name of the file that is made, without `.js` → source
 * @param splitting whether what is loaded lazily is a file of its own; false: each program is one file
 */
export async function bundle(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
  plugins: readonly Plugin[] = [],
  splitting = true,
): Promise<void> {
  await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: { ...entryPoints },
    outdir,
    bundle: true,
    // What is loaded lazily stays a file of its own, so that a start reads only what it needs.
    splitting,
    chunkNames: 'chunks/[name]-[hash]',
    platform: 'node',
    format: 'esm',
    // What is offered as ES modules is taken so: smaller, and with the names that a lazy import asks for.
    mainFields: ['module', 'main'],
    target: 'node24',
    minifySyntax: true,
    // Names stay, so that a stack trace says something; blanks and comments would lie in every process's memory.
    minifyWhitespace: true,
    legalComments: 'none',
    // Without what libraries load for their own developers, such as the colours of winston's debugging.
    define: { 'process.env.NODE_ENV': '"production"' },
    external: ['pg-native', ...OPTIONAL_PACKAGES],
    plugins: [...plugins, lazyBuiltins(), noFormData()],
    // Some libraries are CommonJS and ask for Node's own modules by `require`.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
  });
}

/** Leaves what is bundled apart where it is. Programs and chunks all lie one folder deep, so one way leads there from each. */
function apart(own: string): Plugin {
  return {
    name: 'apart',
    setup(esbuild) {
      esbuild.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, resolveDir }) => {
        const source = relative(import.meta.dirname, join(resolveDir, path));
        const found = Object.entries(APART).find(([, other]) => other === source && other !== own);
        return found === undefined ? null : { path: `../${found[0]}.js`, external: true };
      });
    },
  };
}

/** axios would bring it, and with it the table of all media types: for forms, which nobody here sends. */
function noFormData(): Plugin {
  return {
    name: 'no-form-data',
    setup(esbuild) {
      esbuild.onResolve({ filter: /^form-data$/ }, () => ({ path: 'form-data', namespace: 'left-out' }));
      esbuild.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'export default class FormData {}' }));
    },
  };
}

/**
 * Node's own modules by name, not by `import`: an import evaluates every export, and behind some stand whole libraries. `node:http` alone
 * loads a second HTTP client that way, which costs each process 14 MB and 100 ms.
 */
function lazyBuiltins(): Plugin {
  const names = new Set(builtinModules);
  return {
    name: 'lazy-builtins',
    setup(esbuild) {
      esbuild.onResolve({ filter: /^(node:)?[a-z0-9_/]+$/ }, ({ path, kind }) => {
        const name = path.replace(/^node:/, '');
        if (kind !== 'import-statement' || !(path.startsWith('node:') || names.has(name))) return null;
        return { path, namespace: 'builtin' };
      });
      esbuild.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
      }));
    },
  };
}
