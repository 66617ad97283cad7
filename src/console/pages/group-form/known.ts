/** Names that the server knows, which a form suggests. */
import { call } from '../../api/call.ts';
import { useSession } from '../../api/session-context.ts';
import { useData } from '../../api/use-data.ts';

export interface Known {
  /** Whether the server asks AWS, which also knows names that the server does not. */
  readonly asksAws: boolean;
  readonly balancers: readonly string[];
  readonly alarms: readonly string[];
  readonly noticeTargets: readonly string[];
}

const NOTHING: Known = { asksAws: false, balancers: [], alarms: [], noticeTargets: [] };

/** A key that is limited to some applications is told of none; it can type the names. */
export function useKnown(): Known {
  const { may } = useSession();
  const isTold = may('DescribeServerSettings');
  const known = useData('server settings', async (signal) => {
    if (!isTold) return NOTHING;
    const settings = await call('DescribeServerSettings', {}, signal);
    const namesOf = (things: readonly { readonly name: string; readonly isConfigured: boolean }[]) =>
      things.filter(({ isConfigured }) => isConfigured).map(({ name }) => name);
    return {
      asksAws: settings.asksAws,
      balancers: namesOf(settings.loadBalancers),
      alarms: namesOf(settings.alarms),
      noticeTargets: namesOf(settings.noticeTargets),
    };
  });
  return known.data ?? NOTHING;
}
