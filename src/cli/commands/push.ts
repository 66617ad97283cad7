import { Option } from 'commander';
import type { BundleType } from '../../protocol/specification.ts';
import { parseS3Url } from '../arguments.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect, serverCommand } from '../connection.ts';
import { uploadRevision } from '../upload-revision.ts';

interface PushOptions extends ConnectionOptions {
  readonly application: string;
  readonly type?: BundleType;
  readonly s3Location?: { readonly bucket: string; readonly key: string };
  readonly s3EndpointUrl?: string;
  readonly description?: string;
  readonly signKey?: string;
  readonly agentConfigurationFile?: string;
  readonly json?: boolean;
}

export const addPushCommand: AddCommand = (program, ctx) => {
  addConnectionOptions(
    program
      .command('push')
      .argument(
        '<source>',
        'a folder, which is packed, or a bundle (tar, tgz, zip), which goes as it is with the signatures beside it',
      )
      .description('upload a bundle and register it as a revision'),
  )
    .requiredOption('--application <name>', 'the application that it is a revision of')
    .addOption(
      new Option('--type <type>', 'kind of bundle that a folder becomes; else zip').choices(['zip', 'tgz', 'tar']),
    )
    .option(
      '--s3-location <url>',
      's3://BUCKET/KEY to upload to; else a fresh key in the server’s own store',
      parseS3Url,
    )
    .option('--s3-endpoint-url <url>', 'S3-compatible store to upload to; else the server’s own')
    .option('--description <text>', 'what is in this revision')
    .option('--sign-key <file>', 'sign the bundle with this SSH key or secret key of minisign, for this application')
    .option(
      '-c, --agent-configuration-file <path>',
      'the agent’s configuration, for what hosts take; else the usual file',
    )
    .option('--json', 'print the revision location as JSON')
    .action(async (source: string, options: PushOptions) => {
      const revision = await uploadRevision(ctx, connect(ctx, options), {
        source,
        application: options.application,
        bundleType: options.type ?? null,
        s3Location: options.s3Location ?? null,
        s3EndpointUrl: options.s3EndpointUrl ?? null,
        description: options.description ?? null,
        signKey: options.signKey ?? null,
        agentConfigurationFile: options.agentConfigurationFile ?? null,
      });
      if (options.json) {
        ctx.stdout.write(`${JSON.stringify(revision)}\n`);
        return;
      }
      const { bucket, key, bundleType, eTag, version } = revision.s3Location;
      const words = ['--application', options.application, '--group', 'GROUP', '--revision', `s3://${bucket}/${key}`];
      if (bundleType !== 'zip') words.push('--type', bundleType);
      ctx.stdout.writeLines([
        `pushed s3://${bucket}/${key}`,
        `  eTag ${eTag}${version === undefined ? '' : `, version ${version}`}`,
        `deploy it: ${serverCommand(options, 'deploy', ...words)}`,
      ]);
    });
};
