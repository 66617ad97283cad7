/** Labels under which a request is counted. Names that strangers choose never become labels, so the number of labels is bounded. Pure. */
import type { IncomingMessage } from 'node:http';
import { PUT_LOGS } from '../../protocol/host-command/logs.ts';
import { ENROL_OPERATION } from '../../protocol/management/enrolment.ts';
import { permissionFor } from '../api/permissions.ts';
import type { RequestLabels } from '../telemetry/server-metrics.ts';
import type { Door } from './doors.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE']);

/**
 * @param door that the request went to
 * @param hostCommands the operations of the host command API by name
 */
export function labelsFor(
  door: Door,
  { method = 'GET', url = '/', headers }: Pick<IncomingMessage, 'method' | 'headers' | 'url'>,
  hostCommands: object,
): RequestLabels {
  switch (door) {
    case 'identity':
      return { api: 'iam-sts', operation: 'any' };
    case 'health':
      return { api: 'health', operation: 'any' };
    case 'console': {
      const operation = url.replace(/^\/console\/api\//, '');
      return { api: 'console', operation: permissionFor(operation) === null ? 'other' : operation };
    }
    case 'revisions':
      return { api: 's3', operation: METHODS.has(method) ? method : 'other' };
    case 'api': {
      const operation = String(headers['x-amz-target'] ?? '').replace(/^[^.]*\./, '');
      if (permissionFor(operation) !== null || operation === ENROL_OPERATION) return { api: 'management', operation };
      if (Object.hasOwn(hostCommands, operation) || operation === PUT_LOGS) return { api: 'host-command', operation };
      return { api: 'other', operation: 'other' };
    }
  }
}
