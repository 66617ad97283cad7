/** The form of a deployment group: of a new one, and of one whose settings are changed. */
import Alert from '@cloudscape-design/components/alert';
import Form from '@cloudscape-design/components/form';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, useRef, useState } from 'react';
import { call, type Refusal } from '../../api/call.ts';
import { configNames } from '../../api/configs.ts';
import { refusalOf, useData, useEvery } from '../../api/use-data.ts';
import { faultOf } from '../../form/faults.ts';
import { FaultContext, Field } from '../../form/field.tsx';
import { Choose, Text } from '../../form/inputs.tsx';
import { useLocation } from '../../routing/location.tsx';
import { Endings } from '../../view/endings.tsx';
import { Page } from '../../view/page.tsx';
import type { Platform } from '../../view/platforms.ts';
import { Problem } from '../../view/problem.tsx';
import { Alarms } from './alarms-section.tsx';
import { BlueGreen } from './blue-green-section.tsx';
import {
  freshSettings,
  type GroupSettings,
  membersToCreate,
  membersToUpdate,
  notShown,
  type OpenedGroup,
  settingsOf,
} from './group-settings.ts';
import { Hosts } from './hosts-section.tsx';
import { useKnown } from './known.ts';
import { rebase } from './rebase.ts';
import { Section } from './section.tsx';
import { Service } from './service-section.tsx';
import { Triggers } from './triggers-section.tsx';
import { Way } from './way-section.tsx';
import { SETTING_NAMES } from './words.ts';

/** The server keeps a role and does nothing with it, but the API wants one. */
const NO_ROLE = 'arn:aws:iam::000000000000:role/slipway';
/** How often an open form asks whether somebody else has changed the group; ms. */
const LOOK_EVERY_MS = 5_000;

interface GroupPlace {
  readonly application: string;
  readonly group: string;
}

export function NewGroup({ application }: { readonly application: string }) {
  const { go } = useLocation();
  const platform = useData(`platform of ${application}`, async (signal) => {
    const { application: info } = await call('GetApplication', { applicationName: application }, signal);
    return (info?.computePlatform ?? 'Server') as Platform;
  });
  return (
    <Page title="New deployment group" description={`of ${application}`}>
      <Problem what="The application cannot be shown" problem={platform.problem} onRetry={platform.reload} />
      {platform.data === null ? null : (
        <GroupForm
          opened={{ settings: freshSettings(platform.data), info: {} }}
          platform={platform.data}
          label="Create"
          onCancel={() => go({ page: 'application', application })}
          save={async (settings, shape) => {
            await call('CreateDeploymentGroup', {
              applicationName: application,
              deploymentGroupName: settings.name,
              serviceRoleArn: NO_ROLE,
              ...membersToCreate(settings, shape),
            });
            go({ page: 'group', application, group: settings.name });
          }}
        />
      )}
    </Page>
  );
}

export function EditGroup({ application, group }: GroupPlace) {
  const { go } = useLocation();
  const read = async (signal?: AbortSignal): Promise<OpenedGroup> => {
    const names = { applicationName: application, deploymentGroupName: group };
    const { deploymentGroupInfo: info = {} } = await call('GetDeploymentGroup', names, signal);
    return { settings: settingsOf(info), info };
  };
  const opened = useData(`form of ${application}/${group}`, read);
  return (
    <Page title={`Change ${group}`} description={`Deployment group of ${application}`}>
      <Problem what="The group cannot be shown" problem={opened.problem} onRetry={opened.reload} />
      {opened.data === null ? null : (
        <GroupForm
          opened={opened.data}
          platform={(opened.data.info.computePlatform ?? 'Server') as Platform}
          label="Save"
          readAgain={() => read()}
          onCancel={() => go({ page: 'group', application, group })}
          save={async (settings, shape, before) => {
            const changes = membersToUpdate(before, settings, shape);
            const isRenamed = settings.name !== group;
            if (isRenamed || Object.keys(changes).length > 0) {
              await call('UpdateDeploymentGroup', {
                ...{ applicationName: application, currentDeploymentGroupName: group, ...changes },
                ...(isRenamed && { newDeploymentGroupName: settings.name }),
              });
            }
            go({ page: 'group', application, group: settings.name });
          }}
        />
      )}
    </Page>
  );
}

interface GroupFormProps {
  readonly opened: OpenedGroup;
  readonly platform: Platform;
  readonly label: string;
  /** Absent: nobody else can change what is not there yet. */
  readonly readAgain?: () => Promise<OpenedGroup>;
  readonly onCancel: () => void;
  /** @param before the group as the server had it when the form last looked */
  save(settings: GroupSettings, platform: Platform, before: OpenedGroup): Promise<void>;
}

interface Meanwhile {
  readonly changed: readonly (keyof GroupSettings)[];
  readonly contested: readonly (keyof GroupSettings)[];
}

function GroupForm({ opened, platform, label, readAgain, onCancel, save }: GroupFormProps) {
  const [before, setBefore] = useState(opened);
  const [settings, setSettings] = useState(opened.settings);
  const [meanwhile, setMeanwhile] = useState<Meanwhile | null>(null);
  const [problem, setProblem] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  const known = useKnown();
  const configs = useData('names of configurations', (signal) => configNames(platform, signal));
  const latest = useRef({ before, settings });
  latest.current = { before, settings };

  /** Takes over what others have changed. @returns whether there was anything */
  const catchUp = async (): Promise<boolean> => {
    if (readAgain === undefined) return false;
    const theirs = await readAgain();
    const mine = latest.current;
    const { settings: rebased, changed, contested } = rebase(mine.before.settings, mine.settings, theirs.settings);
    // What the form does not show may have changed alone; a save must keep it as it is now.
    latest.current = { ...mine, before: theirs };
    setBefore(theirs);
    if (changed.length === 0) return false;
    setSettings(rebased);
    setMeanwhile((known) => ({ changed: [...new Set([...(known?.changed ?? []), ...changed])], contested }));
    return true;
  };
  useEvery(LOOK_EVERY_MS, () => {
    // A failed look is no matter: the save looks again, and says why it cannot.
    if (!isBusy) catchUp().catch(() => undefined);
  });
  const submit = async () => {
    setBusy(true);
    setProblem(null);
    try {
      if (!(await catchUp())) await save(settings, platform, latest.current.before);
    } catch (error) {
      setProblem(refusalOf(error));
    }
    setBusy(false);
  };
  const change = (part: Partial<GroupSettings>) => setSettings((now) => ({ ...now, ...part }));
  const section = { settings, platform, known, change };
  const fault = problem === null ? null : faultOf(problem);
  return (
    <FaultContext value={fault}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Form actions={<Endings {...{ label, isBusy, onCancel }} />}>
          <SpaceBetween size="l">
            {meanwhile === null ? null : <Changed {...meanwhile} onRead={() => setMeanwhile(null)} />}
            <Problem what="Nothing was saved" problem={problem} />
            <Section title="Name and configuration">
              <Field label="Name" paths={['deploymentGroupName', 'newDeploymentGroupName']}>
                <Text label="Name" value={settings.name} onChange={(name) => change({ name })} />
              </Field>
              <Field
                label="Deployment configuration"
                description="How many hosts stay healthy while it runs, or how the traffic moves."
                paths={['deploymentConfigName']}
              >
                <Choose
                  label="Deployment configuration"
                  value={settings.config}
                  choices={(configs.data ?? []).map((name) => ({ value: name, label: name }))}
                  onChange={(config) => change({ config })}
                />
              </Field>
            </Section>
            {platform === 'Server' ? <Hosts {...section} /> : null}
            {platform === 'Server' ? <Way {...section} /> : null}
            {platform === 'ECS' ? <Service {...section} hidden={notShown(before.info)} /> : null}
            {platform === 'ECS' || (platform === 'Server' && settings.type === 'BLUE_GREEN') ? (
              <BlueGreen {...section} />
            ) : null}
            <Alarms {...section} />
            <Triggers {...section} />
          </SpaceBetween>
        </Form>
      </form>
    </FaultContext>
  );
}

function Changed({ changed, contested, onRead }: Meanwhile & { readonly onRead: () => void }) {
  const place = useRef<HTMLDivElement>(null);
  const said = [...changed, '/', ...contested].join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: other words are the reason to show them
  useEffect(() => {
    place.current?.scrollIntoView({ block: 'center' });
  }, [said]);
  const namesOf = (settings: readonly (keyof GroupSettings)[]) =>
    settings.map((name) => SETTING_NAMES[name]).join(', ');
  return (
    <div ref={place} role="alert">
      <Alert
        type="warning"
        header="Somebody else has changed the group"
        dismissible
        dismissAriaLabel="I have read it"
        onDismiss={onRead}
      >
        <div>They have changed {namesOf(changed)}. What you had not changed shows their values now.</div>
        {contested.length === 0 ? null : (
          <div>You have changed {namesOf(contested)}, too. If you save now, your values take the place of theirs.</div>
        )}
        <div>Nothing of yours is saved yet.</div>
      </Alert>
    </div>
  );
}
