/** The resource of an AppSpec file for Lambda. Pure. */
import type { FindingCollector, Member } from '../reader.ts';
import {
  bareTextOf,
  type Fields,
  optionalText,
  reportMissingKey,
  reportValue,
  requiredText,
  type TextForm,
} from './fields.ts';
import type { LambdaAppSpec } from './types.ts';

export const LAMBDA_KEYS = ['Name', 'Alias', 'CurrentVersion', 'TargetVersion'] as const;

export const FUNCTION: TextForm = {
  pattern: /^(?:arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:|\d{12}:function:)?[A-Za-z0-9_-]{1,140}$/,
  is: 'the name or ARN of a function, without a version or an alias behind it',
};

/** @see the API reference of Lambda, "CreateAlias" */
export const ALIAS: TextForm = {
  pattern: /^(?!\d+$)[A-Za-z0-9_-]{1,128}$/,
  is: 'the name of an alias: letters, digits, - and _, and not digits alone',
};

/** @returns null, with findings, when something is missing or wrong */
export function readLambdaProperties(
  collector: FindingCollector,
  properties: Fields,
): Omit<LambdaAppSpec, 'platform' | 'logicalName' | 'hooks'> | null {
  const functionName = requiredText(collector, properties, 'Name', FUNCTION);
  const alias = requiredText(collector, properties, 'Alias', ALIAS);
  const currentVersion = readFunctionVersion(collector, properties, 'CurrentVersion');
  const targetVersion = readFunctionVersion(collector, properties, 'TargetVersion');
  if (currentVersion !== null && currentVersion === targetVersion) {
    const message = `TargetVersion is ${targetVersion}, and so is CurrentVersion: there is nothing to shift; publish a new version, and name it here`;
    collector.report('versions-equal', properties.get('TargetVersion')?.value ?? null, message);
    return null;
  }
  if (functionName === null || alias === null || currentVersion === null || targetVersion === null) return null;
  return { functionName, alias, currentVersion, targetVersion };
}

/** As digits, whether the file has a number or a text. */
function readFunctionVersion(collector: FindingCollector, properties: Fields, key: string): string | null {
  const member = properties.get(key);
  const text = bareTextOf(collector, member);
  if (text !== null && /^[1-9]\d{0,19}$/.test(text)) return text;
  if (text === null) {
    // Says what is there instead, if it is anything at all.
    optionalText(collector, properties, key);
    reportMissingKey(collector, properties, key);
    return null;
  }
  reportValue(
    collector,
    member,
    `${key} must be the number of a published version, but is '${text}'${hintAbout(text, member)}`,
  );
  return null;
}

function hintAbout(text: string, member: Member | undefined): string {
  if (text.toUpperCase() === '$LATEST') return ': traffic is never shifted to $LATEST; publish a version';
  return member !== undefined && /^0+\d/.test(text) ? ': take the zeros before it away' : '';
}
