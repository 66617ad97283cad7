import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Option } from 'commander';
import { renderFindings } from '../../appspec/render.ts';
import { renderResourceSchema } from '../../appspec/resources/schema.ts';
import { renderSchema } from '../../appspec/schema.ts';
import { loadAgentConfig } from '../../config/agent-config.ts';
import { realInstallFs } from '../../install/install-fs.ts';
import { startsHere } from '../../local/script-facts.ts';
import { readMountTable } from '../../system/mount-table.ts';
import { findProgram } from '../../system/programs.ts';
import { lookupGroup, lookupUser } from '../../system/users.ts';
import { pathFrom } from '../../system/working-folder.ts';
import type { AddCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { annotations } from '../own-text.ts';
import { packageVersion } from '../package-version.ts';
import { renderGitHubAnnotations } from '../view/github-annotations.ts';
import { renderSarif } from '../view/sarif.ts';

/** As people write them → as the API calls them. */
const PLATFORMS = { server: 'Server', lambda: 'Lambda', ecs: 'ECS' } as const;
const FORMATS = ['text', 'json', 'sarif', 'github'] as const;

interface ValidateOptions {
  readonly format: (typeof FORMATS)[number];
  readonly json?: boolean;
  readonly host?: boolean;
  readonly schema?: boolean;
  readonly platform?: keyof typeof PLATFORMS;
  readonly appspecFilename: string;
  readonly agentConfigurationFile?: string;
}

export const addValidateCommand: AddCommand = (program, ctx, conclude) => {
  program
    .command('validate')
    .argument('[path]', 'a folder that holds a revision, a bundle (tar, tgz, zip), or an AppSpec file', '.')
    .description('check a revision with the agent’s own parser and planner: every problem at once, each with its place')
    .addOption(new Option('--format <format>', 'how to show findings').choices(FORMATS).default('text'))
    .option('--json', 'the same as --format json')
    .option(
      '--host',
      'the revision is for this host: users and groups that it does not have, and destinations in the agent’s own places, are errors',
    )
    .option('-A, --appspec-filename <name>', 'name of the AppSpec file', 'appspec.yml')
    .option('-c, --agent-configuration-file <path>', 'the agent’s configuration, for its limits; else the usual file')
    .addOption(
      new Option(
        '--platform <platform>',
        'what the AppSpec file is for, as a deployment knows it by its application; else the Type of its resource tells, and without one it is for hosts',
      ).choices(Object.keys(PLATFORMS)),
    )
    .option(
      '--schema',
      'print the JSON Schema of the AppSpec file for editors, of hosts or of --platform, and check nothing',
    )
    .action(async (path: string, options: ValidateOptions) => {
      if (options.schema) return ctx.stdout.writeText(schemaOf(options));
      if (!(await validate(ctx, path, options))) conclude('failed');
    });
};

/** @returns whether there is no error */
async function validate(ctx: CliContext, path: string, options: ValidateOptions): Promise<boolean> {
  // Archives and the planner are for those who check something.
  const { validateRevision } = await import('../../local/validate.ts');
  const { ownPlaceLookup } = await import('../../install/own-places.ts');
  const { ownPlacesOf } = await import('../../deployment/own-places.ts');
  const { config } = loadAgentConfig(options.agentConfigurationFile ?? null);
  const { file, text, findings, platform } = await validateRevision({
    path: pathFrom(ctx.workingDirectory, path),
    appSpecFilename: options.appspecFilename,
    platform: options.platform === undefined ? null : PLATFORMS[options.platform],
    host: {
      hasUser: (name) => lookupUser(name) !== null,
      hasGroup: (name) => lookupGroup(name) !== null,
      hasProgram: (program) => findProgram(program, ctx.env['PATH']) !== null,
      starts: startsHere,
    },
    isTargetHost: options.host === true,
    ...(options.host === true && { ownPlaces: ownPlaceLookup(realInstallFs, ownPlacesOf(config), readMountTable()) }),
    limits: { maxBytes: config.archiveMaxExtractionBytes, maxEntries: config.archiveMaxEntries },
    entryRules: { rejectSymlinks: config.rejectSymlinks, keepOwnership: false },
    rejectUnconfinedSelinux: config.rejectUnconfinedSelinux,
    signal: ctx.interrupted,
  });
  const shown = shownPath(ctx.workingDirectory, file);
  const errors = findings.filter((finding) => finding.severity === 'error').length;
  switch (options.json ? 'json' : options.format) {
    case 'json':
      ctx.stdout.write(`${JSON.stringify({ file: shown, valid: errors === 0, platform, findings })}\n`);
      break;
    case 'sarif': {
      const uri = shown === file ? pathToFileURL(file).href : shown.split('/').map(encodeURIComponent).join('/');
      ctx.stdout.writeText(renderSarif({ findings, uri, version: packageVersion() }));
      break;
    }
    case 'github':
      ctx.stdout.writeOwn(annotations(renderGitHubAnnotations(findings, shown)));
      break;
    case 'text':
      ctx.stdout.writeLines([
        ...renderFindings(findings, text, shown),
        summary(shown, platform === 'Server' ? '' : ` for ${platform}`, errors, findings.length - errors),
      ]);
  }
  return errors === 0;
}

/** Relative to where the person stands, as editors and code hosts want it, if it is below. */
function shownPath(workingDirectory: string, file: string): string {
  const path = relative(workingDirectory, file);
  return path.startsWith('../') || path === '' ? file : path;
}

function schemaOf({ platform = 'server' }: ValidateOptions): string {
  return platform === 'server' ? renderSchema() : renderResourceSchema(PLATFORMS[platform]);
}

/** @param forWhat ` for ECS`; nothing for hosts, which most files are for */
function summary(file: string, forWhat: string, errors: number, warnings: number): string {
  const counts = [
    ...(errors > 0 ? [`${errors} ${errors === 1 ? 'error' : 'errors'}`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ];
  if (errors > 0) return `${file}${forWhat}: ${counts.join(', ')}`;
  return `${file} is valid${forWhat}${counts.length === 0 ? '' : `, with ${counts.join(', ')}`}`;
}
