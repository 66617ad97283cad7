import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { appSpecCandidates } from '../../appspec/filenames.ts';
import { parseAppSpec } from '../../appspec/parse.ts';
import { renderFindings } from '../../appspec/render.ts';
import type { AppSpec, Finding } from '../../appspec/types.ts';
import { SlipwayError } from '../../errors.ts';
import type { AddCommand } from '../program.ts';

export const addValidateCommand: AddCommand = (program, ctx, conclude) => {
  program
    .command('validate')
    .argument('[path]', 'a folder that holds a revision, or an AppSpec file', '.')
    .description('check an AppSpec file with the agent’s own parser')
    .option('--json', 'findings as JSON')
    .action((path: string, options: { json?: boolean }) => {
      const file = locateAppSpec(resolve(ctx.workingDirectory, path));
      const text = readFileSync(file, 'utf8');
      const result = parseAppSpec(text, { filename: file, platform: 'linux' });
      const findings: readonly Finding[] = result.ok
        ? [...result.findings, ...missingFromBundle(result.appSpec, join(file, '..'))]
        : result.findings;
      const errors = findings.filter((finding) => finding.severity === 'error').length;
      if (options.json) {
        ctx.stdout.write(`${JSON.stringify({ file, valid: errors === 0, findings })}\n`);
      } else {
        if (findings.length > 0) ctx.stdout.write(`${renderFindings(findings, text, file)}\n`);
        ctx.stdout.write(
          errors === 0 ? `${file} is valid\n` : `${file}: ${errors} ${errors === 1 ? 'error' : 'errors'}\n`,
        );
      }
      if (errors > 0) conclude('failed');
    });
};

function locateAppSpec(path: string): string {
  if (!existsSync(path)) throw new SlipwayError('CLI_BAD_REVISION', `${path} does not exist`);
  if (!statSync(path).isDirectory()) return path;
  const name = appSpecCandidates('appspec.yml').find((candidate) => existsSync(join(path, candidate)));
  if (name === undefined) throw new SlipwayError('CLI_BAD_REVISION', `${path} has no appspec.yml in its root`);
  return join(path, name);
}

/** What the AppSpec file names and the folder beside it does not have: it would fail only on the host. */
function missingFromBundle(appSpec: AppSpec, bundleDir: string): Finding[] {
  const missing: Finding[] = [];
  for (const [event, hooks] of appSpec.hooks) {
    for (const hook of hooks) {
      if (existsSync(join(bundleDir, hook.location))) continue;
      missing.push(error('script-missing', `${event}: the script ${hook.location} is not in the bundle`));
    }
  }
  for (const { source } of appSpec.files) {
    if (source !== '' && !existsSync(join(bundleDir, source))) {
      missing.push(error('source-missing', `files: the source ${source} is not in the bundle`));
    }
  }
  return missing;
}

function error(rule: string, message: string): Finding {
  return { severity: 'error', rule, message, position: null };
}
