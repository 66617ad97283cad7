/** Signs a person in: by an access key, or by the one-time sign-in of `slipway console`. */
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type FormEvent, useEffect, useState } from 'react';
import type { Refusal } from '../api/call.ts';
import { signIn } from '../api/session.ts';
import { refusalOf } from '../api/use-data.ts';
import { Problem } from '../view/problem.tsx';
import { keyOfSignIn, oneTimeSignIn } from './one-time.ts';
import { hex } from './sha256.ts';
import { type SignInHeaders, signSignIn } from './sign.ts';
import { SingleSignOnButton } from './single-sign-on.tsx';

interface SignInPageProps {
  /** Why the person has to sign in again; null: it is the first time. */
  readonly notice: string | null;
  readonly onSignedIn: () => void;
}

export function SignInPage({ notice, onSignedIn }: SignInPageProps) {
  const [accessKeyId, setAccessKeyId] = useState('');
  const [secretAccessKey, setSecret] = useState('');
  const [oneTime, setOneTime] = useState(() => oneTimeSignIn(window.location.hash));
  const [problem, setProblem] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    document.title = 'Sign in – Slipway';
    // A sign-in that was used must not stay in the history.
    if (window.location.hash !== '')
      window.history.replaceState(null, '', window.location.pathname + window.location.search);
  }, []);

  const enter = async (headers: SignInHeaders) => {
    setBusy(true);
    setProblem(null);
    try {
      await signIn(headers);
      onSignedIn();
    } catch (error) {
      setProblem(refusalOf(error));
      setBusy(false);
      setOneTime(null);
    } finally {
      setSecret('');
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const key = { accessKeyId: accessKeyId.trim(), secretAccessKey: secretAccessKey.trim() };
    void enter(signSignIn(key, { host: window.location.host, nonce: newNonce(), nowMs: Date.now() }));
  };

  return (
    <main>
      <Box padding={{ vertical: 'xxxl', horizontal: 'm' }}>
        <SpaceBetween size="l" alignItems="center">
          <Box variant="h1">Slipway</Box>
          <div className="sign-in">
            <SpaceBetween size="m">
              {notice === null ? null : <Alert type="info">{notice}</Alert>}
              <Problem what="You are not signed in" problem={problem} />
              {oneTime === null ? <SingleSignOnButton onProblem={setProblem} /> : null}
              {oneTime === null ? (
                <form onSubmit={submit}>
                  <Container header={<Header variant="h2">Sign in with an access key</Header>}>
                    <Form
                      actions={
                        <Button
                          variant="primary"
                          formAction="submit"
                          loading={isBusy}
                          disabled={!accessKeyId || !secretAccessKey}
                        >
                          Sign in
                        </Button>
                      }
                    >
                      <SpaceBetween size="m">
                        <FormField label="Access key ID">
                          <Input
                            value={accessKeyId}
                            name="access-key-id"
                            autoComplete="username"
                            spellcheck={false}
                            autoFocus
                            onChange={({ detail }) => setAccessKeyId(detail.value)}
                          />
                        </FormField>
                        <FormField
                          label="Secret access key"
                          description="It signs the sign-in here, in the browser. It is neither sent nor kept."
                        >
                          <Input
                            value={secretAccessKey}
                            name="secret-access-key"
                            type="password"
                            autoComplete="current-password"
                            onChange={({ detail }) => setSecret(detail.value)}
                          />
                        </FormField>
                        <Box variant="small">
                          An admin makes a key with: slipway keys create --role viewer. Whoever has a key in the
                          terminal signs in with: slipway console.
                        </Box>
                      </SpaceBetween>
                    </Form>
                  </Container>
                </form>
              ) : (
                <Container header={<Header variant="h2">Sign in</Header>}>
                  <SpaceBetween size="m">
                    <Box>This address signs you in once, as the key {keyOfSignIn(oneTime)}.</Box>
                    <SpaceBetween direction="horizontal" size="xs">
                      <Button variant="primary" loading={isBusy} onClick={() => void enter(oneTime)}>
                        Sign in
                      </Button>
                      <Button onClick={() => setOneTime(null)}>Use another key</Button>
                    </SpaceBetween>
                  </SpaceBetween>
                </Container>
              )}
            </SpaceBetween>
          </div>
        </SpaceBetween>
      </Box>
    </main>
  );
}

function newNonce(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}
