/** Fields of a log line as JSON can carry them: errors with code and causes, secrets hidden. Pure. */
import { SlipwayError, systemErrorCode } from '../errors.ts';
import type { LogFields } from './logger.ts';

const SECRET = /secret|password|token|authorization|privatekey/i;
const MAX_CAUSES = 5;

/** Whether what is called so must not be shown. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name);
}

export function plainFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      isSecretName(name) && value !== null ? '[hidden]' : plainValue(value, 0),
    ]),
  ) as LogFields;
}

function plainValue(value: unknown, depth: number): unknown {
  if (!(value instanceof Error)) return value;
  const code = codeOf(value);
  return {
    ...(code === null ? {} : { code }),
    message: value.message,
    ...(value instanceof SlipwayError ? { remedy: value.remedy } : {}),
    // A fault that nobody has named is one of ours: where it came from is worth more than a short line.
    ...(code === null && depth === 0 ? { stack: value.stack } : {}),
    ...(value.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: plainValue(value.cause, depth + 1) }),
  };
}

/** Returns the code of a fault: from the catalogue, from the system, or from a server that refused something (`RemoteApiError`). */
function codeOf(error: Error): string | null {
  if (error instanceof SlipwayError) return error.code;
  return 'type' in error && typeof error.type === 'string' ? error.type : systemErrorCode(error);
}
