import { ApiError } from '../../protocol/errors.ts';
import type { UserRow } from '../store/schema.ts';
import { findUser, setUserPolicies } from '../store/users.ts';
import type { IdentityOperations } from './context.ts';
import { pageOf, readPage, readPolicyName, readRequired, readUserName } from './parameters.ts';
import { requireReadingOfS3 } from './policy-document.ts';
import { changing } from './power.ts';
import { noSuchUser, requireUser } from './users.ts';

/** Limit of IAM on all policies of a user together; characters, blanks not counted. */
const MAX_CHARACTERS = 2_048;

/** Policies of users. They are kept and shown, and give nothing: see `policy-document.ts`. */
export const userPolicyOperations: IdentityOperations = {
  PutUserPolicy: {
    ...{ for: 'operator', parameters: ['UserName', 'PolicyName', 'PolicyDocument'] },
    async call(ctx, form, caller) {
      const [name, policyName] = [readUserName(form), readPolicyName(form)];
      const document = readRequired(form, 'PolicyDocument');
      requireReadingOfS3(document);
      await changing(ctx, caller, async (tx) => {
        const policies = policiesOf(await requireUser(tx, name)).set(policyName, document);
        const characters = [...policies.values()].join('').replace(/\s/g, '').length;
        if (characters > MAX_CHARACTERS) throw tooLong(name, characters);
        await setUserPolicies(tx, name, asJson(policies));
      });
      return {};
    },
  },

  GetUserPolicy: {
    ...{ for: 'operator', parameters: ['UserName', 'PolicyName'] },
    async call(ctx, form) {
      const [name, policyName] = [readUserName(form), readPolicyName(form)];
      const user = (await findUser(ctx.store.db, name)) ?? noSuchUser(name);
      const document = policiesOf(user).get(policyName) ?? noSuchPolicy(policyName);
      return { UserName: name, PolicyName: policyName, PolicyDocument: encodeURIComponent(document) };
    },
  },

  ListUserPolicies: {
    ...{ for: 'operator', parameters: ['UserName', 'Marker', 'MaxItems'] },
    async call(ctx, form) {
      const [name, page] = [readUserName(form), readPage(form)];
      const user = (await findUser(ctx.store.db, name)) ?? noSuchUser(name);
      const names = [...policiesOf(user).keys()].sort().filter((policyName) => policyName > page.after);
      return pageOf(page, names, 'PolicyNames', {
        show: (policyName) => policyName,
        keyOf: (policyName) => policyName,
      });
    },
  },

  DeleteUserPolicy: {
    ...{ for: 'operator', parameters: ['UserName', 'PolicyName'] },
    async call(ctx, form, caller) {
      const [name, policyName] = [readUserName(form), readPolicyName(form)];
      await changing(ctx, caller, async (tx) => {
        const policies = policiesOf(await requireUser(tx, name));
        if (!policies.delete(policyName)) noSuchPolicy(policyName);
        await setUserPolicies(tx, name, asJson(policies));
      });
      return {};
    },
  },
};

/** A map, because a policy may be called `__proto__`. */
function policiesOf({ policies_json }: UserRow): Map<string, string> {
  return new Map(Object.entries(JSON.parse(policies_json) as Record<string, string>));
}

function asJson(policies: ReadonlyMap<string, string>): string {
  return JSON.stringify(Object.fromEntries(policies));
}

function noSuchPolicy(policyName: string): never {
  throw new ApiError('NoSuchEntity', `The user policy with name ${policyName} cannot be found.`, { status: 404 });
}

function tooLong(name: string, characters: number): ApiError {
  return new ApiError(
    'LimitExceeded',
    `The policies of the user ${name} would have ${characters} characters; ${MAX_CHARACTERS} is the limit.`,
    { status: 409 },
  );
}
