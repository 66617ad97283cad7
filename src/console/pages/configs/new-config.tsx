/** The form of a new deployment configuration. */
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import { useState } from 'react';
import { call } from '../../api/call.ts';
import { Field, SectionFault } from '../../form/field.tsx';
import { FormModal } from '../../form/form-modal.tsx';
import { Choose, Text, WholeNumber } from '../../form/inputs.tsx';
import { PLATFORMS } from '../../view/platforms.ts';
import { type ConfigSettings, FRESH_CONFIG, requestOf } from './config-settings.ts';

const MINIMUM_TYPES = [
  { value: 'FLEET_PERCENT', label: 'percent of the hosts' },
  { value: 'HOST_COUNT', label: 'hosts' },
] as const;

const TRAFFIC = [
  { value: 'TimeBasedCanary', label: 'A part first, then the rest (canary)' },
  { value: 'TimeBasedLinear', label: 'Part by part (linear)' },
  { value: 'AllAtOnce', label: 'All at once' },
] as const;

interface PartProps {
  readonly settings: ConfigSettings;
  readonly change: (part: Partial<ConfigSettings>) => void;
}

export function NewConfig({ onEnd }: { readonly onEnd: () => void }) {
  const [settings, setSettings] = useState(FRESH_CONFIG);
  const change = (part: Partial<ConfigSettings>) => setSettings((now) => ({ ...now, ...part }));
  return (
    <FormModal
      title="New deployment configuration"
      label="Create"
      onEnd={onEnd}
      save={async () => {
        await call('CreateDeploymentConfig', requestOf(settings));
      }}
    >
      <Field label="Name" paths={['deploymentConfigName']}>
        <Text label="Name" value={settings.name} onChange={(name) => change({ name })} />
      </Field>
      <Field label="For" paths={['computePlatform']}>
        <Choose
          label="For"
          value={settings.platform}
          choices={PLATFORMS}
          onChange={(platform) => change({ platform })}
        />
      </Field>
      {settings.platform === 'Server' ? (
        <Hosts settings={settings} change={change} />
      ) : (
        <Traffic settings={settings} change={change} />
      )}
    </FormModal>
  );
}

function Hosts({ settings, change }: PartProps) {
  return (
    <SpaceBetween size="m">
      <Field
        label="Healthy hosts, at least"
        description="A deployment takes no more hosts at a time than leave so many healthy."
        paths={['minimumHealthyHosts']}
      >
        <WholeNumber
          label="Healthy hosts, at least"
          value={settings.minimum}
          onChange={(minimum) => change({ minimum })}
        />
      </Field>
      <Field label="Counted in" paths={['minimumHealthyHosts.type']}>
        <Choose
          label="Counted in"
          value={settings.minimumType}
          choices={MINIMUM_TYPES}
          onChange={(minimumType) => change({ minimumType })}
        />
      </Field>
      <Toggle checked={settings.isZonal} onChange={({ detail }) => change({ isZonal: detail.checked })}>
        Go from zone to zone
      </Toggle>
      {settings.isZonal ? <Zones settings={settings} change={change} /> : null}
    </SpaceBetween>
  );
}

function Zones({ settings, change }: PartProps) {
  return (
    <SpaceBetween size="m">
      <SectionFault path="zonalConfig" />
      <Field
        label="Healthy hosts in each zone, at least"
        description="Optional."
        paths={['zonalConfig.minimumHealthyHostsPerZone']}
      >
        <WholeNumber
          label="Healthy hosts in each zone, at least"
          value={settings.zoneMinimum}
          onChange={(zoneMinimum) => change({ zoneMinimum })}
        />
      </Field>
      <Field label="Counted in, for zones" paths={['zonalConfig.minimumHealthyHostsPerZone.type']}>
        <Choose
          label="Counted in, for zones"
          value={settings.zoneMinimumType}
          choices={MINIMUM_TYPES}
          onChange={(zoneMinimumType) => change({ zoneMinimumType })}
        />
      </Field>
      <Field label="Seconds of watching after each zone" paths={['zonalConfig.monitorDurationInSeconds']}>
        <WholeNumber
          label="Seconds of watching after each zone"
          value={settings.watchSeconds}
          onChange={(watchSeconds) => change({ watchSeconds })}
        />
      </Field>
      <Field
        label="Seconds of watching after the first zone"
        description="Optional: as after each."
        paths={['zonalConfig.firstZoneMonitorDurationInSeconds']}
      >
        <WholeNumber
          label="Seconds of watching after the first zone"
          value={settings.firstWatchSeconds}
          onChange={(firstWatchSeconds) => change({ firstWatchSeconds })}
        />
      </Field>
    </SpaceBetween>
  );
}

function Traffic({ settings, change }: PartProps) {
  const block = settings.traffic === 'TimeBasedCanary' ? 'canary' : 'linear';
  const root = `trafficRoutingConfig.${block === 'canary' ? 'timeBasedCanary' : 'timeBasedLinear'}`;
  return (
    <SpaceBetween size="m">
      <SectionFault path="trafficRoutingConfig" />
      <Field label="How traffic moves" paths={['trafficRoutingConfig.type']}>
        <Choose
          label="How traffic moves"
          value={settings.traffic}
          choices={TRAFFIC}
          onChange={(traffic) => change({ traffic })}
        />
      </Field>
      {settings.traffic === 'AllAtOnce' ? null : (
        <>
          <Field label="Percent of the traffic at a time" paths={[`${root}.${block}Percentage`]}>
            <WholeNumber
              label="Percent of the traffic at a time"
              value={settings.percentage}
              onChange={(percentage) => change({ percentage })}
            />
          </Field>
          <Field label="Minutes between" paths={[`${root}.${block}Interval`]}>
            <WholeNumber label="Minutes between" value={settings.minutes} onChange={(minutes) => change({ minutes })} />
          </Field>
        </>
      )}
    </SpaceBetween>
  );
}
