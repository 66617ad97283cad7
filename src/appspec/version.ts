/** The `version` of an AppSpec file, the same for every platform. Pure. */
import { describe, type FindingCollector, type Member, scalarOf, type YamlNode } from './reader.ts';

/** Reports a version that is missing or is not 0.0, as a number or as text. */
export function readVersion(collector: FindingCollector, root: YamlNode, member: Member | undefined): void {
  const value = scalarOf(collector, member?.value ?? null);
  if (value === 0 || value === '0.0') return;
  if (member === undefined || value === null) {
    collector.reportMissing('version-missing', member, root, "the version is missing; it must be 'version: 0.0'");
  } else {
    const found = describe(collector.resolve(member.value));
    collector.report('version-unsupported', member.value ?? member.key, `the version must be 0.0, but is ${found}`);
  }
}
