import { printable } from '../../system/printable.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { collectPages } from '../paging.ts';

export const addApplicationsCommand: AddCommand = (program, ctx) => {
  const applications = program.command('applications').description('applications on the control server');

  addConnectionOptions(applications.command('create').argument('<name>').description('create an application')).action(
    async (name: string, options: ConnectionOptions) => {
      const { client } = connect(ctx, options);
      await client.call('CreateApplication', { applicationName: name, computePlatform: 'Server' });
      ctx.stdout.write(`created application ${name}\n`);
    },
  );

  addConnectionOptions(applications.command('list').description('list all applications'))
    .option('--json', 'as JSON')
    .action(async (options: ConnectionOptions & { json?: boolean }) => {
      const { client } = connect(ctx, options);
      const names = await collectPages(
        (nextToken) => client.call('ListApplications', nextToken === undefined ? {} : { nextToken }),
        (page) => page.applications,
      );
      ctx.stdout.write(
        options.json ? `${JSON.stringify(names)}\n` : names.map((name) => `${printable(name)}\n`).join(''),
      );
    });
};
