import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closing-line.ts';

const CRASHES = 'test/crash/**/*.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'suite',
          include: ['test/**/*.test.ts'],
          exclude: [CRASHES],
          globalSetup: ['test/support/suite-program.ts'],
        },
      },
      // Agents, servers and databases are killed here, and an Install is cut off at each of its calls. That takes minutes, which `npm test`
      // need not spend each time. Calls and instants are those of the sources. One test cuts off a hundred Installs, so it has more time.
      { extends: true, test: { name: 'crash', include: [CRASHES], testTimeout: 600_000 } },
    ],
    globalSetup: ['test/support/shared-postgres.ts'],
    setupFiles: ['test/support/leftovers.ts', 'test/support/usual-umask.ts'],
    // Real processes start in many tests, and are waited for; two cores are the machine this suite is sized for.
    maxWorkers: 4,
    // Nothing has state in its modules, so a worker need not load all of them anew for each file. That saves a fifth of the suite's
    // processor time.
    isolate: false,
    // It ends a test that hangs. A slow machine must never be what decides.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    restoreMocks: true,
    // Hundreds of agents, servers and commands are started from the sources: Node need not strip and compile these each time.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('./node_modules/.cache/slipway-tests', import.meta.url)) },
    reporters: ['default', new ClosingLine()],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'html'] },
  },
});
