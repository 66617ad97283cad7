import type { FoundResource } from '../../protocol/management/shapes.ts';
import type { AddCommand } from '../command.ts';
import { addConnectionOptions, type ConnectionOptions, connect } from '../connection.ts';
import { renderLocation } from '../revision-arguments.ts';
import { printResult, type ResultOptions } from '../view/result.ts';
import { renderTable } from '../view/table.ts';

export const addSearchCommand: AddCommand = (program, ctx) => {
  addConnectionOptions(
    program
      .command('search')
      .description(
        'applications, deployment groups, deployments, hosts and revisions whose names have all of the words',
      )
      .argument('<words...>', 'parts of names, whatever their case, or the beginning of a deployment’s id'),
  )
    .option('--json', 'as JSON')
    .action(async (words: readonly string[], options: ConnectionOptions & ResultOptions) => {
      const { client } = connect(ctx, options);
      const { resources } = await client.call('SearchResources', { text: words.join(' ') });
      printResult(ctx, options, resources, resources.length === 0 ? [NOTHING] : tableOf(resources));
    });
};

const NOTHING = 'Nothing that this key may see has all of these words in its name.';

function tableOf(resources: readonly FoundResource[]): string[] {
  return renderTable([['KIND', 'NAME', 'OF'], ...resources.map(rowOf)]);
}

function rowOf(resource: FoundResource): string[] {
  switch (resource.kind) {
    case 'Application':
    case 'Host':
      return [resource.kind, resource.name, ''];
    case 'DeploymentGroup':
      return [resource.kind, resource.name, resource.applicationName];
    case 'Deployment': {
      const { kind, name, applicationName, deploymentGroupName, status } = resource;
      return [kind, name, `${applicationName}/${deploymentGroupName}, ${status}`];
    }
    case 'Revision':
      return [resource.kind, renderLocation(resource.revision), resource.applicationName];
  }
}
