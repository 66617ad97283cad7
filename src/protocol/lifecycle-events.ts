/**
 * Lifecycle events of the EC2/On-Premises platform, by who does them. Pure.
 *
 * The names and their order are the protocol's. `BlockTraffic` and `AllowTraffic` belong to the control plane alone: a host
 * that is sent one of them fails the command.
 */

/** Events whose work is a script from the revision; a host command of the same name exists for each. */
export const HOOK_EVENTS = [
  'BeforeBlockTraffic',
  'AfterBlockTraffic',
  'ApplicationStop',
  'BeforeInstall',
  'AfterInstall',
  'ApplicationStart',
  'ValidateService',
  'BeforeAllowTraffic',
  'AfterAllowTraffic',
] as const;

export type HookEvent = (typeof HOOK_EVENTS)[number];

/** The events that the agent does itself. */
export const AGENT_EVENTS = ['DownloadBundle', 'Install'] as const;

export function isHookEvent(name: string): name is HookEvent {
  return (HOOK_EVENTS as readonly string[]).includes(name);
}
