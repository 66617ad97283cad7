/**
 * The exceptions of the management API: what an operation may answer, and nothing else. The model's part of it is a table of its own; a test
 * holds both against the answers of the server. Pure.
 */
import { type ExceptionName, MODELLED_EXCEPTIONS } from './modelled-exceptions.ts';
import { type CodeDeployOperation, isControlOperation, type ManagementOperation } from './shapes.ts';

/** Answers that the model does not list for an operation, each with the reason why nothing in the model fits. */
export const BEYOND_THE_MODEL = {
  ListTagsForResource: {
    InvalidNextTokenException: 'The operation has a NextToken, and the model no exception for a wrong one.',
  },
} as const satisfies { readonly [Op in CodeDeployOperation]?: { readonly [Name in ExceptionName]?: string } };

/** Errors that any operation may answer: of the signature, of the request's form, and of the server's own state. */
export const COMMON_ERRORS = [
  'AccessDeniedException',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InternalFailure',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'SerializationException',
  'ServiceUnavailable',
  'ThrottlingException',
  'UnknownOperationException',
  'UnrecognizedClientException',
  'ValidationException',
] as const;

/** The exceptions that the API's model lists for an operation; none for an operation of this server's own. */
export function modelledExceptions(operation: ManagementOperation): readonly ExceptionName[] {
  return isControlOperation(operation) ? [] : MODELLED_EXCEPTIONS[operation];
}

/** Whether an operation may answer with this error type. */
export function mayAnswer(operation: ManagementOperation, type: string): boolean {
  const beyond: Readonly<Record<string, object>> = BEYOND_THE_MODEL;
  return (
    modelledExceptions(operation).some((name) => name === type) ||
    Object.hasOwn(beyond[operation] ?? {}, type) ||
    COMMON_ERRORS.some((name) => name === type)
  );
}
