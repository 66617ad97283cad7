/** Commands of `slipway` as an operator types them on the server's machine, with an admin's key. */
import { eventually } from '../support/eventually.ts';
import { ENDPOINT, type FleetMachine } from './fleet.ts';

interface Diagnostics {
  readonly errorCode: string;
  readonly message: string;
  readonly logTail: string;
}

interface ShownTarget {
  readonly targetId: string;
  readonly status: string;
  readonly lifecycleEvents: readonly {
    readonly lifecycleEventName: string;
    readonly status: string;
    readonly diagnostics?: Diagnostics;
  }[];
}

/** A deployment as `slipway deployments show --json` prints it. */
export interface Shown {
  readonly deployment: { readonly deploymentId: string; readonly status: string };
  readonly targets: readonly ShownTarget[];
}

export interface Control {
  /** Runs `slipway ARGS`. @returns what it wrote */
  slipway(args: string): Promise<string>;
  /** @param folder of the revision in the server's machine @returns the deployment's id */
  begin(folder: string, application: string, group: string): Promise<string>;
  show(id: string): Promise<Shown>;
  /** Waits for the end, and throws unless it is the one that is wanted. */
  ended(id: string, status: 'Succeeded' | 'Failed'): Promise<Shown>;
  deploy(folder: string, application: string, group: string): Promise<Shown>;
}

const END_WITHIN_MS = 240_000;
const LOOK_EVERY_MS = 300;

export function controlOf({ machine }: FleetMachine): Control {
  const created = machine.run('slipway keys create --role admin --json');
  const { accessKeyId, secretAccessKey } = JSON.parse(created) as { accessKeyId: string; secretAccessKey: string };
  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    SLIPWAY_ENDPOINT_URL: ENDPOINT,
    SLIPWAY_CA_FILE: '/etc/slipway/tls/ca.pem',
  };
  const slipway = (args: string) => machine.runBeside(`slipway ${args}`, env);
  const control: Control = {
    slipway,
    begin: (folder, application, group) =>
      slipway(`deploy ${folder} --application ${application} --group ${group} --no-follow`),
    show: async (id) => JSON.parse(await slipway(`deployments show ${id} --json`)) as Shown,
    async ended(id, status) {
      let shown = await control.show(id);
      const hasEnded = async () => {
        // A server that is being started anew refuses the question; that is no end.
        shown = await control.show(id).catch(() => shown);
        return ['Succeeded', 'Failed', 'Stopped'].includes(shown.deployment.status);
      };
      await eventually(hasEnded, { withinMs: END_WITHIN_MS, everyMs: LOOK_EVERY_MS }).catch(() => undefined);
      if (shown.deployment.status === status) return shown;
      throw new Error(
        `deployment ${id} is ${shown.deployment.status}, not ${status}: ${JSON.stringify(openOf(shown))}`,
      );
    },
    deploy: async (folder, application, group) =>
      control.ended(await control.begin(folder, application, group), 'Succeeded'),
  };
  return control;
}

/** The events that have not succeeded, without those that wait for them. */
function openOf({ targets }: Shown) {
  return targets.map(({ targetId, status, lifecycleEvents }) => ({
    ...{ targetId, status },
    events: lifecycleEvents.filter((event) => event.status !== 'Succeeded' && event.status !== 'Pending'),
  }));
}

/** Message of the first event that failed. */
export function failureOf({ targets }: Shown): Diagnostics {
  const failed = targets.flatMap(({ lifecycleEvents }) => lifecycleEvents.filter(({ status }) => status === 'Failed'));
  return failed[0]?.diagnostics ?? { errorCode: '', message: 'no event failed', logTail: '' };
}
