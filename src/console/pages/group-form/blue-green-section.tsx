/** Waits and endings of blue/green deployments. */
import { Field, SectionFault } from '../../form/field.tsx';
import { Choose, WholeNumber } from '../../form/inputs.tsx';
import { Section, type SectionProps } from './section.tsx';
import { FLEETS, READY, TERMINATE } from './words.ts';

/** Waits and endings of blue/green deployments: of hosts, and of services of ECS. */
export function BlueGreen({ settings, platform, change }: SectionProps) {
  const root = 'blueGreenDeploymentConfiguration';
  return (
    <Section title="Blue/green">
      <SectionFault path={root} />
      {platform === 'Server' ? (
        <Field label="Replacement hosts" paths={[`${root}.greenFleetProvisioningOption`]}>
          <Choose
            label="Replacement hosts"
            value={settings.fleet}
            choices={FLEETS}
            onChange={(fleet) => change({ fleet })}
          />
        </Field>
      ) : null}
      <Field label="When the replacement is ready" paths={[`${root}.deploymentReadyOption.actionOnTimeout`]}>
        <Choose
          label="When the replacement is ready"
          value={settings.ready}
          choices={READY}
          onChange={(ready) => change({ ready, ...(ready !== 'STOP_DEPLOYMENT' && { readyMinutes: '' }) })}
        />
      </Field>
      {settings.ready === 'STOP_DEPLOYMENT' ? (
        <Field
          label="Minutes to wait for somebody who continues"
          paths={[`${root}.deploymentReadyOption.waitTimeInMinutes`]}
        >
          <WholeNumber
            label="Minutes to wait for somebody who continues"
            value={settings.readyMinutes}
            onChange={(readyMinutes) => change({ readyMinutes })}
          />
        </Field>
      ) : null}
      <Field label="Original hosts, afterwards" paths={[`${root}.terminateBlueInstancesOnDeploymentSuccess.action`]}>
        <Choose
          label="Original hosts, afterwards"
          value={settings.terminate}
          choices={TERMINATE}
          onChange={(terminate) => change({ terminate, ...(terminate !== 'TERMINATE' && { terminateMinutes: '' }) })}
        />
      </Field>
      {settings.terminate === 'TERMINATE' ? (
        <Field
          label="Minutes before they are terminated"
          paths={[`${root}.terminateBlueInstancesOnDeploymentSuccess.terminationWaitTimeInMinutes`]}
        >
          <WholeNumber
            label="Minutes before they are terminated"
            value={settings.terminateMinutes}
            onChange={(terminateMinutes) => change({ terminateMinutes })}
          />
        </Field>
      ) : null}
    </Section>
  );
}
