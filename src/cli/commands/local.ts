import { Option } from 'commander';
import { SlipwayError } from '../../errors.ts';
import { GROUP_ARGUMENT } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import type { LocalDeployOptions } from '../local-deploy.ts';

export const addLocalCommand: AddCommand = (program, ctx, conclude) => {
  program
    .command('local')
    .argument('[deploy]', 'the word `deploy`, for those who expect one')
    .description('deploy on this machine with no server; takes the flags of codedeploy-local')
    .option(
      '-l, --bundle-location <location>',
      'path, s3://BUCKET/KEY, GitHub address, git+https://HOST/REPOSITORY#COMMIT or https://HOST/NAME.tgz#sha256=DIGEST; else the current folder',
    )
    .addOption(
      new Option(
        '-t, --type <type>',
        'kind of bundle; else seen from the file itself, or from the name of an address',
      ).choices(['tgz', 'tar', 'zip', 'directory']),
    )
    .addOption(
      new Option('-b, --file-exists-behavior <behavior>', 'what to do with files that another hand put there')
        .choices(['DISALLOW', 'OVERWRITE', 'RETAIN'])
        .default('DISALLOW'),
    )
    .option('--group <group>', `${GROUP_ARGUMENT}; scripts get its names`)
    .option(
      '-g, --deployment-group <id>',
      'deployment group by its id alone, a folder name, which may be new; else default-local-deployment-group',
    )
    .option('-d, --deployment-group-name <name>', 'DEPLOYMENT_GROUP_NAME for the scripts; else LocalFleet')
    .option('-a, --application-name <name>', 'APPLICATION_NAME for the scripts; else the bundle location')
    .option('-e, --events <events>', 'lifecycle events, separated by commas, in order; else all')
    .option('-c, --agent-configuration-file <path>', 'the agent’s configuration; else the usual file')
    .option('-A, --appspec-filename <name>', 'name of the AppSpec file', 'appspec.yml')
    .option('--github-token <token>', 'for private repositories; else CODEDEPLOY_GITHUB_TOKEN')
    .option('--json', 'one JSON object a line')
    .action(async (word: string | undefined, options: LocalDeployOptions) => {
      // Whoever names a bundle here must not get the current folder deployed in its place.
      if (word !== undefined && word !== 'deploy') {
        throw new SlipwayError('CLI_BAD_ARGUMENT', `'${word}' is not a word that slipway local takes`, {
          remedy: `If it is the bundle, write --bundle-location ${word}.`,
        });
      }
      const { deployLocally } = await import('../local-deploy.ts');
      if (!(await deployLocally(ctx, options))) conclude('failed');
    });
};
