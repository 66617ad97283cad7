#!/usr/bin/env node
// Hands argv to src/cli; nothing else. This file alone must also run on a Node that is too old for the rest. Its job is to find one that is
// new enough: the checkout brings its own from the npm registry.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 24;

if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) {
  // A published package carries the bundled build; a checkout has the sources, which Node runs as they are.
  const source = new URL('../src/cli/main.ts', import.meta.url);
  const entry = existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url);
  await import(entry.href);
} else {
  const runtime = bundledNode();
  if (runtime === null) {
    process.stderr.write(
      `slipway: needs Node ${OLDEST_NODE} or newer, this is ${process.versions.node}, and no bundled one is installed for ` +
        `${process.platform}-${process.arch}: run \`npm ci\` again, or put a newer node on the PATH\n`,
    );
    process.exitCode = 69;
  } else {
    runWith(runtime);
  }
}

/** @returns {string | null} the path of the Node that the npm registry delivered for this platform */
function bundledNode() {
  try {
    return createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    return null;
  }
}

/** Runs this same command under `runtime`, passes signals on, and ends as it ended. */
function runWith(/** @type {string} */ runtime) {
  const child = spawn(runtime, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`slipway: cannot start ${runtime}: ${error.message}\n`);
    process.exitCode = 69;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + constants.signals[signal];
  });
}
