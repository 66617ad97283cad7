/**
 * A process that does once what an executor does with a bundle, and says what it took: node work.js '{"bundleFile":…}'. It is a process of
 * its own so that its memory is its own.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAppSpec } from '../../src/appspec/parse.ts';
import { secondWriter } from '../../src/archive/second-writer.ts';
import { unpackBundle } from '../../src/archive/unpack.ts';
import { runInstall } from '../../src/install/install.ts';
import { secondThread } from '../../src/install/second-thread.ts';
import type { BundleType } from '../../src/protocol/specification.ts';
import { installContext, installRequest } from '../support/install.ts';

/** Work to do; a part that is null is left out. */
export interface Work {
  readonly unpack: { readonly bundleFile: string; readonly bundleType: BundleType } | null;
  /** The unpacked revision: made by `unpack`, or there already. */
  readonly archiveDir: string;
  readonly install: { readonly root: string; readonly site: string; readonly deploymentId: string } | null;
}

export interface WorkReport {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

const work = JSON.parse(process.argv[2] ?? '') as Work;
const begin = performance.now();
const cpu = process.cpuUsage();
if (work.unpack !== null) {
  await unpackBundle({
    ...work.unpack,
    archiveDir: work.archiveDir,
    limits: { maxBytes: 2 ** 40, maxEntries: 2 ** 30 },
    rules: { rejectSymlinks: false, keepOwnership: false },
    secondWriters: secondWriter,
  });
}
if (work.install !== null) {
  const { root, site, deploymentId } = work.install;
  const text = JSON.stringify({ version: 0.0, os: 'linux', files: [{ source: 'files', destination: site }] });
  const parsed = parseAppSpec(text, { filename: 'appspec.yml', platform: 'linux' });
  if (!parsed.ok) throw new Error('the AppSpec file of the bench is wrong');
  const request = installRequest(root, deploymentId, { appSpec: parsed.appSpec, archiveDir: work.archiveDir });
  await runInstall({ ...installContext(), secondThread }, { ...request, deploymentDir: join(root, deploymentId) });
}
const { user, system } = process.cpuUsage(cpu);
const report: WorkReport = {
  wallMs: performance.now() - begin,
  cpuMs: (user + system) / 1000,
  peakMb: peakKib() / 1024,
};
process.stdout.write(`${JSON.stringify(report)}\n`);

/** Peak of this program alone: `getrusage` says at least the peak of the process that started it. */
function peakKib(): number {
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
