/** Platforms that applications deploy to. Pure. */

export const PLATFORMS = [
  { value: 'Server', label: 'Hosts (Server)' },
  { value: 'Lambda', label: 'Functions of AWS Lambda' },
  { value: 'ECS', label: 'Services of Amazon ECS' },
] as const;

export type Platform = (typeof PLATFORMS)[number]['value'];
