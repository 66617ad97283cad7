/**
 * A process that puts right what was cut off, and installs a revision over what is there: node install-without-proc.ts ROOT REVISION SITE
 * [OUTSIDE]. With OUTSIDE a link to it comes in the place of SITE as soon as the journal is begun.
 */
import { existsSync, renameSync, symlinkSync } from 'node:fs';
import { SlipwayError } from '../../src/errors.ts';
import { type InstallReport, runInstall } from '../../src/install/install.ts';
import { recoverInstalls } from '../../src/install/recover-installs.ts';
import { watchedFs } from './failing-fs.ts';
import { appSpecFor, installContext, installRequest } from './install.ts';

export interface InstallWithoutProc {
  readonly hasProc: boolean;
  readonly recovered: readonly string[];
  /** End of the Install, or the code of its failure, and the message. */
  readonly report: InstallReport | null;
  readonly code: string | null;
  readonly message: string | null;
}

const [root = '', revision = '', site = '', outside] = process.argv.slice(2);
let isExchanged = false;
const { fs } = watchedFs((_call, name) => {
  if (outside === undefined || isExchanged || name !== 'fsyncSync') return;
  isExchanged = true;
  renameSync(site, `${site}.aside`);
  symlinkSync(outside, site);
});

async function install(): Promise<Pick<InstallWithoutProc, 'report' | 'code' | 'message'>> {
  const appSpec = appSpecFor({ files: [{ source: '', destination: site }] });
  try {
    const report = await runInstall(installContext(fs), installRequest(root, revision, { appSpec }));
    return { report, code: null, message: null };
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    return { report: null, code: error.code, message: error.message };
  }
}

const recovered = await recoverInstalls(installContext(), `${root}/instructions`);
const result: InstallWithoutProc = {
  hasProc: existsSync('/proc/self'),
  recovered: recovered.map(({ outcome }) => outcome),
  ...(await install()),
};
process.stdout.write(JSON.stringify(result));
