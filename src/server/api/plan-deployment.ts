/** PlanDeployment: beyond CodeDeploy. */
import { ApiError } from '../../protocol/errors.ts';
import { scheduleOf } from '../engine/shifting/schedule.ts';
import { requireApplication } from './applications.ts';
import { requireDeployable } from './compute-platform.ts';
import { requireTrafficConfig } from './configs-in-use.ts';
import type { Handlers } from './context.ts';
import { requireGroup } from './deployment-groups.ts';
import { APPLICATION, CONFIG, GROUP, readName, readOptionalName } from './input.ts';
import { readRevision } from './revision-input.ts';
import type { GroupSettings } from './settings/group-settings.ts';
import { serviceOf } from './settings/service.ts';

export const planHandlers: Handlers<'PlanDeployment'> = {
  async PlanDeployment(ctx, input) {
    const { db } = ctx.store;
    const applicationName = readName(input, 'applicationName', APPLICATION);
    const groupName = readName(input, 'deploymentGroupName', GROUP);
    const configName = readOptionalName(input, 'deploymentConfigName', CONFIG);
    const application = await requireApplication(db, applicationName);
    const platform = application.compute_platform;
    if (platform === 'Server') {
      throw new ApiError(
        'InvalidComputePlatformException',
        `The application ${applicationName} deploys to hosts, whose Install is planned on the host itself: slipway plan BUNDLE.`,
      );
    }
    requireDeployable(platform, ctx.asksAws);
    const { appSpecContent } = readRevision(input, { path: 'revision', platform });
    const group = await requireGroup(db, application, groupName);
    const config = await requireTrafficConfig(db, configName ?? group.deployment_config_name, platform);
    const schedule = scheduleOf(config.routing, 1);
    const settings = JSON.parse(group.settings_json) as GroupSettings;
    const service = platform === 'ECS' ? serviceOf(settings, schedule) : null;
    const { groupHooks = null } = settings;
    return ctx.planShift({ platform, content: appSpecContent?.content ?? '', schedule, service, groupHooks });
  },
};
