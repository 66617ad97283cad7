/** The button that leads to the OpenID Connect provider, where the server has one. */
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Link from '@cloudscape-design/components/link';
import { useEffect, useState } from 'react';
import type { Refusal } from '../api/call.ts';
import { beginSingleSignOn, findSingleSignOn, type SingleSignOn } from '../api/session.ts';
import { refusalOf } from '../api/use-data.ts';

interface SingleSignOnButtonProps {
  readonly onProblem: (problem: Refusal | null) => void;
}

export function SingleSignOnButton({ onProblem }: SingleSignOnButtonProps) {
  const [provider, setProvider] = useState<SingleSignOn | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    // Without an answer the sign-in by a key stands for itself.
    findSingleSignOn().then(setProvider, () => undefined);
  }, []);
  if (provider === null) return null;
  const { label, address } = provider;
  const leave = async () => {
    setBusy(true);
    onProblem(null);
    try {
      const { pathname, search } = window.location;
      window.location.assign(await beginSingleSignOn(pathname + search));
    } catch (error) {
      onProblem(refusalOf(error));
      setBusy(false);
    }
  };
  return (
    <Container header={<Header variant="h2">Sign in with {label}</Header>}>
      {window.location.origin === address ? (
        <Button variant="primary" loading={isBusy} onClick={() => void leave()}>
          Continue with {label}
        </Button>
      ) : (
        <Box>
          This works at another address of the server: <Link href={`${address}/console/`}>{address}/console/</Link>
        </Box>
      )}
    </Container>
  );
}
