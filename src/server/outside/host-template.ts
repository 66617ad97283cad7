/** Texts of the balancers' configuration with a place in them for the host: `{name}`, `{tag:Address}`. Pure. */
import { type BalancedHost, wrongConfiguration } from './load-balancer.ts';

const PLACE = /\{(name|tag:[^{}]+)\}/g;

/** @returns why a text is no template; null: it is one */
export function faultOfTemplate(template: string): string | null {
  return /[{}]/.test(template.replaceAll(PLACE, '')) ? 'a place for the host is {name} or {tag:NAME}' : null;
}

/** @throws BalancerFault ELB_INVALID_INSTANCE for a host without the tag that is named */
export function fillTemplate(template: string, host: BalancedHost): string {
  return template.replaceAll(PLACE, (_, place: string) => {
    if (place === 'name') return host.name;
    const value = host.tags.get(place.slice('tag:'.length));
    if (value !== undefined && value !== '') return value;
    throw wrongConfiguration(
      `fill in ${template} for ${host.name}`,
      `the host has no tag ${place.slice('tag:'.length)}`,
      'ELB_INVALID_INSTANCE',
    );
  });
}
